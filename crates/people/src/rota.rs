//! On-call rotas: who is to be called when. A rota is a zone, layers of rotations and overrides; who is on call is computed
//! from them by one pure function ([`plan`]), which answers previews, calendars, "who is on call now" and escalation policies alike.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kernel::db::Tx;
use kernel::{Cx, Error, Operation, Reach, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod change;
pub(crate) mod events;
pub mod feed;
pub mod ical;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod now;
pub(crate) mod overrides;
pub(crate) mod plan;
pub(crate) mod preview;
pub(crate) mod roster;
pub(crate) mod shifts;
pub(crate) mod store;
pub(crate) mod text;
pub(crate) mod wall;
pub(crate) mod watch;

pub use preview::{Exception, Stretch};
pub use text::{Hours, Kind, Length, Rotation};

/// Most rotas of a house.
pub(crate) const ROTAS_MAX: usize = 300;

/// A rota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rota {
    /// Its number.
    pub id: i64,
    /// `rota:NUMBER`.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// The short name that programs know it by.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// The team it belongs to.
    pub team: Option<i64>,
    /// The zone whose clocks count, an IANA name.
    pub time_zone: String,
    /// The rotations from the bottom up; participants are written as `user:NUMBER`.
    pub rotations: Vec<Rotation>,
    /// Since when it is known.
    pub created_at: Time,
    /// When it or its overrides last changed.
    pub changed_at: Time,
    /// Counts changes of the rota itself; send it back as `expected_version`.
    pub version: i64,
}

impl Rota {
    /// The reference of a rota.
    pub const fn subject(id: i64) -> Ref {
        Ref::new("rota", id)
    }

    /// The numbers of those who take turns, each once, in order.
    pub(crate) fn participants(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self.rotations.iter().flat_map(|one| numbers(&one.participants)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The numbers of participants as they are kept.
pub(crate) fn numbers(participants: &[String]) -> Vec<i64> {
    participants.iter().filter_map(|text| text.strip_prefix("user:")?.parse().ok()).collect()
}

/// Somebody on call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Duty {
    /// The user's number.
    pub user: i64,
    /// Their name.
    pub name: String,
}

/// Who is on call by a rota at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OnCall {
    /// The rota's number.
    pub rota: i64,
    /// `rota:NUMBER`.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// The rota's short name.
    pub slug: String,
    /// The rota's name.
    pub name: String,
    /// The team it belongs to.
    pub team: Option<i64>,
    /// Who; empty when nobody is on call.
    pub who: Vec<Duty>,
    /// Why nobody is; absent when somebody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// The next hand-off; absent when there is none within 400 days.
    pub until: Option<Time>,
    /// Who is on call after it.
    pub next: Vec<Duty>,
}

/// Who is on call by a rota at a moment, whoever asks: for whatever is to be told to somebody. `None` when there is no such rota.
///
/// # Errors
/// The database fails.
pub fn on_call(tx: &mut Tx<'_>, rota: i64, at: Time) -> Result<Option<OnCall>> {
    let Some(rota) = store::get(tx, rota)? else { return Ok(None) };
    let roster = roster::load_one(tx, rota, at, at.plus(now::SOON))?;
    now::of(tx, &roster, at).map(Some)
}

/// The number of a rota by its short name.
///
/// # Errors
/// The database fails.
pub fn by_slug(tx: &mut Tx<'_>, slug: &str) -> Result<Option<i64>> {
    Ok(store::by_slug(tx, slug)?.map(|rota| rota.id))
}

/// The rotas by name, whoever asks: number, short name and name, at most 300.
///
/// # Errors
/// The database fails.
pub fn options(tx: &mut Tx<'_>) -> Result<Vec<(i64, String, String)>> {
    Ok(store::all(tx)?.into_iter().map(|rota| (rota.id, rota.slug, rota.name)).collect())
}

/// Whether a reach holds a rota: everything, its team, or oneself among those who take turns.
pub(crate) fn within(reach: &Reach, rota: &Rota) -> bool {
    let team = rota.team.is_some_and(|team| reach.teams.contains(&team));
    reach.everything || team || reach.own.is_some_and(|user| rota.participants().contains(&user))
}

/// A rota that the actor may see.
pub(crate) fn seen(cx: &mut Cx, id: i64, operation: &str) -> Result<Rota> {
    let reach = cx.reach(list::ShowRota::NAME).or_else(|_| cx.reach(operation))?;
    let found = store::get(cx.tx, id)?.filter(|rota| within(&reach, rota));
    found.ok_or_else(|| Error::not_found(Rota::subject(id)))
}

/// A rota that the actor's grant for an operation reaches as a whole.
pub(crate) fn reached(cx: &mut Cx, id: i64, operation: &str) -> Result<Rota> {
    let rota = seen(cx, id, operation)?;
    let reach = Reach { own: None, ..cx.reach(operation)? };
    if within(&reach, &rota) { Ok(rota) } else { Err(Error::denied(operation)) }
}

/// Titles and links of rotas the actor may see.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Ok(reach) = cx.reach(list::ListRotas::NAME) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for id in ids {
        found.extend(store::get(cx.tx, *id)?.filter(|rota| within(&reach, rota)));
    }
    let shown = |rota: Rota| Resolved { id: rota.id, title: rota.name, href: format!("/people/rotas/{}", rota.id) };
    Ok(found.into_iter().map(shown).collect())
}

/// A moment of jiff as one of the kernel.
pub(crate) fn time(at: Timestamp) -> Time {
    Time(at.as_microsecond())
}

/// Names of people by number, with a word for those who are not known.
pub(crate) fn duties(names: &BTreeMap<i64, roster::Member>, who: &[i64]) -> Vec<Duty> {
    let name = |user: &i64| names.get(user).map_or_else(|| format!("user:{user}"), |member| member.name.clone());
    who.iter().map(|user| Duty { user: *user, name: name(user) }).collect()
}
