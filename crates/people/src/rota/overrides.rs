//! Overrides: somebody else than planned is on call for a time. Whoever changes rotas makes them for everybody; with a role for
//! what is their own, people make those that they stand in themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, Time, delete, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::change::{must_be_active, whom};
use super::events::{OverrideAdded, OverrideRemoved};
use super::preview::{Exception, written};
use super::roster::{Kept, Member, Roster};
use super::{Duty, Rota, duties, seen, store, text, time, watch, within};

/// Most overrides of a rota that have not ended.
pub(crate) const OVERRIDES_MAX: i64 = 1_000;
/// Most people that all of them name together.
const NAMES_MAX: usize = 5_000;
/// The longest override of one's own shift, in microseconds.
const OWN_MAX: i64 = 90 * kernel::time::DAY;
/// Longest reason, in characters.
const WHY_CHARS_MAX: usize = 200;

/// An override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Overridden {
    /// Its number.
    pub id: i64,
    /// The rota's number.
    pub rota: i64,
    /// From when on, with the offset of the rota's zone.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Who is on call as well.
    pub add: Vec<Duty>,
    /// Who is not.
    pub remove: Vec<Duty>,
    /// Everybody who would be on call is not.
    pub everybody: bool,
    /// Why; empty when nobody said.
    pub why: String,
    /// The event of a calendar it came from; empty when somebody made it here.
    pub source: String,
    /// Who made it.
    pub made_by: String,
    /// When it was made.
    pub made_at: Time,
}

pub(crate) fn overridden(roster: &Roster, kept: &Kept) -> Overridden {
    shown(&roster.zone, &roster.people, kept)
}

fn shown(zone: &TimeZone, people: &BTreeMap<i64, Member>, kept: &Kept) -> Overridden {
    Overridden {
        id: kept.id,
        rota: kept.rota,
        from: written(kept.from.timestamp(), zone),
        to: written(kept.to.timestamp(), zone),
        add: duties(people, &kept.add),
        remove: duties(people, &kept.remove),
        everybody: kept.everybody,
        why: kept.why.clone(),
        source: kept.source.clone(),
        made_by: kept.made_by.clone(),
        made_at: kept.made_at,
    }
}

/// What an override does, in words.
fn words(one: &Overridden) -> String {
    let names = |who: &[Duty]| who.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    let off = if one.everybody { "everybody else".to_owned() } else { names(&one.remove) };
    let what = match (one.add.is_empty(), off.is_empty()) {
        (false, false) => format!("{} instead of {off}", names(&one.add)),
        (false, true) => format!("{} as well", names(&one.add)),
        (true, _) => format!("not {}", off.replace("everybody else", "anybody")),
    };
    format!("{what} from {} to {}", one.from, one.to)
}

/// Override a rota for a time: take a shift for somebody, hand one over, or add somebody.
///
/// Who is taken off and nobody replaces leaves a gap. With a role that is for your own work only, you take a shift from somebody or hand yours to somebody, for at most 90 days.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct AddOverride {
    /// The rota's number.
    pub id: i64,
    /// From when on: RFC 3339, or as the clock on the wall shows it in the rota's zone.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Who is on call as well: logins, names or user:17.
    #[serde(default)]
    pub add: Vec<String>,
    /// Who is not; * stands for everybody who would be.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Why.
    #[serde(default)]
    pub why: String,
}

impl Operation for AddOverride {
    const NAME: &'static str = "people.rota.override";
    const ROUTE: Route = post("/people/rotas/{id}/overrides");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Overridden;

    fn run(&self, cx: &mut Cx) -> Result<Overridden> {
        let rota = seen(cx, self.id, Self::NAME)?;
        let exception = Exception {
            from: self.from.clone(),
            to: self.to.clone(),
            add: self.add.clone(),
            remove: self.remove.clone(),
        };
        let (from, to) = exception.span("", &text::zone(&rota.time_zone)?)?;
        if time(to) <= cx.now {
            return Err(Error::invalid("to", "This is over already. An override changes what is to come."));
        }
        let mut numbers = |field: &str, texts: &[String]| {
            let texts = texts.iter().map(|text| text.trim()).filter(|text| *text != "*").enumerate();
            texts.map(|(place, text)| whom(cx, &format!("{field}[{place}]"), text)).collect::<Result<Vec<i64>>>()
        };
        let kept = Kept {
            id: 0,
            rota: rota.id,
            from: time(from),
            to: time(to),
            add: numbers("add", &self.add)?,
            remove: numbers("remove", &self.remove)?,
            everybody: exception.takes_everybody(),
            why: if self.why.trim().is_empty() {
                String::new()
            } else {
                kernel::text::line("why", &self.why, WHY_CHARS_MAX)?
            },
            source: String::new(),
            made_by: cx.actor.name.clone(),
            made_by_user: cx.actor.user(),
            made_at: cx.now,
        };
        if kept.add.is_empty() && kept.remove.is_empty() && !kept.everybody {
            return Err(Error::invalid("add", "Name somebody to add or to take off."));
        }
        may(cx, Self::NAME, &rota, &kept)?;
        must_be_active(cx, "add", kept.add.clone())?;
        room_for(cx, rota.id, std::slice::from_ref(&kept))?;
        let made = apply(cx, &rota, &[], vec![kept])?.pop();
        made.ok_or_else(|| Error::internal("override-not-inserted", rota.id))
    }
}

/// Refuses more overrides than a rota can have.
pub(crate) fn room_for(cx: &mut Cx, rota: i64, more: &[Kept]) -> Result<()> {
    let known = store::overrides(cx.tx, &[rota], cx.now, Time(i64::MAX))?.remove(&rota).unwrap_or_default();
    let many = i64::try_from(known.len() + more.len()).unwrap_or(i64::MAX);
    let names: usize = known.iter().chain(more).map(|one| one.add.len() + one.remove.len()).sum();
    if many <= OVERRIDES_MAX && names <= NAMES_MAX {
        return Ok(());
    }
    Err(Error::over_limit(format!(
        "A rota has at most {OVERRIDES_MAX} overrides that have not ended, and they name at most {NAMES_MAX} people. Change its rotations instead."
    )))
}

/// Whether the actor's grant for an operation reaches the rota as a whole; else whose own shifts it is for.
fn whole(cx: &Cx, operation: &str, rota: &Rota) -> Result<std::result::Result<(), Option<i64>>> {
    let reach = cx.reach(operation)?;
    let own = reach.own;
    Ok(if within(&kernel::Reach { own: None, ..reach }, rota) { Ok(()) } else { Err(own) })
}

/// Refuses an override beyond the actor's grant.
pub(crate) fn may(cx: &Cx, operation: &str, rota: &Rota, kept: &Kept) -> Result<()> {
    match whole(cx, operation, rota)? {
        Ok(()) => Ok(()),
        Err(Some(me)) if own_shift(kept, me) => Ok(()),
        Err(_) => Err(Error::denied(operation).says(
            "Your role is for your own shifts: take one from somebody, or hand yours to somebody, for at most 90 days. Ask a lead for more.",
        )),
    }
}

/// Refuses to take back an override beyond the actor's grant: with one for what is their own, people take back what they made.
pub(crate) fn may_take_back(cx: &Cx, operation: &str, rota: &Rota, kept: &Kept) -> Result<()> {
    match whole(cx, operation, rota)? {
        Ok(()) => Ok(()),
        Err(Some(me)) if kept.made_by_user == Some(me) => Ok(()),
        Err(_) => {
            Err(Error::denied(operation).says("Somebody else made this override. Ask them or a lead to take it back."))
        }
    }
}

/// Whether an override is about one's own shift: who takes somebody off stands in for them, and who puts somebody on steps off.
fn own_shift(kept: &Kept, me: i64) -> bool {
    let people: BTreeSet<i64> = kept.add.iter().chain(&kept.remove).copied().collect();
    let others = |who: &[i64]| who.iter().any(|one| *one != me);
    let (on, off) = (kept.add.contains(&me), kept.remove.contains(&me));
    !kept.everybody
        && on != off
        && people.len() <= 2
        && (on || !others(&kept.remove))
        && (off || !others(&kept.add))
        && kept.to.since(kept.from) <= OWN_MAX
}

/// Takes some overrides back, writes others, and tells of all. Answers those that were written.
pub(crate) fn apply(cx: &mut Cx, rota: &Rota, take: &[Kept], make: Vec<Kept>) -> Result<Vec<Overridden>> {
    let zone = text::zone(&rota.time_zone)?;
    let named: BTreeSet<i64> =
        take.iter().chain(&make).flat_map(|one| one.add.iter().chain(&one.remove)).copied().collect();
    let members = store::people(cx.tx, &named.into_iter().collect::<Vec<_>>())?;
    for kept in take {
        let shown = shown(&zone, &members, kept);
        store::delete_override(cx.tx, kept.rota, kept.id, cx.now)?;
        cx.changed(&rota.reference, &format!("override {}", kept.id), Some(&shown), None::<&str>)?;
        cx.emit(&OverrideRemoved {
            rota: rota.reference.clone(),
            rota_name: rota.name.clone(),
            number: kept.id,
            people: people(&shown),
            words: words(&shown),
        })?;
    }
    let mut made = Vec::new();
    for mut kept in make {
        kept.id = store::insert_override(cx.tx, &kept)?;
        let shown = shown(&zone, &members, &kept);
        cx.changed(&rota.reference, &format!("override {}", kept.id), None::<&str>, Some(&shown))?;
        cx.emit(&OverrideAdded {
            rota: rota.reference.clone(),
            rota_name: rota.name.clone(),
            number: kept.id,
            people: people(&shown),
            words: words(&shown),
        })?;
        made.push(shown);
    }
    watch::look(cx, rota.id)?;
    Ok(made)
}

fn people(shown: &Overridden) -> Vec<Ref> {
    shown.add.iter().chain(&shown.remove).map(|one| Ref::new("user", one.user)).collect()
}

/// Take an override back: who is on call follows the rotations and the other overrides again.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RemoveOverride {
    /// The rota's number.
    pub id: i64,
    /// The override's number.
    pub override_id: i64,
}

impl Operation for RemoveOverride {
    const NAME: &'static str = "people.rota.override-remove";
    const ROUTE: Route = delete("/people/rotas/{id}/overrides/{override_id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Overridden;

    fn run(&self, cx: &mut Cx) -> Result<Overridden> {
        let rota = seen(cx, self.id, Self::NAME)?;
        let kept = store::overridden(cx.tx, rota.id, self.override_id)?;
        let kept = kept.ok_or_else(|| Error::not_found(format!("Override {} of {}", self.override_id, rota.name)))?;
        may_take_back(cx, Self::NAME, &rota, &kept)?;
        let zone = text::zone(&rota.time_zone)?;
        let named: Vec<i64> = kept.add.iter().chain(&kept.remove).copied().collect();
        let shown = shown(&zone, &store::people(cx.tx, &named)?, &kept);
        apply(cx, &rota, &[kept], Vec::new())?;
        Ok(shown)
    }
}

/// Takes an override back that was made, or makes one again that was taken back, for undo.
pub(crate) fn set_back(cx: &mut Cx, rota: i64, number: &str, value: &Value) -> Result<()> {
    if value.is_null() {
        let id = rota;
        let override_id = number.parse().map_err(|_| Error::internal("override-number", number))?;
        return cx.call(&RemoveOverride { id, override_id }).map(|_| ());
    }
    let old: Overridden =
        serde_json::from_value(value.clone()).map_err(|error| Error::internal("override-not-json", error))?;
    let texts = |who: &[Duty]| who.iter().map(|one| format!("user:{}", one.user)).collect::<Vec<_>>();
    let mut remove = texts(&old.remove);
    remove.extend(old.everybody.then(|| "*".to_owned()));
    let again = AddOverride { id: rota, from: old.from, to: old.to, add: texts(&old.add), remove, why: old.why };
    cx.call(&again).map(|_| ())
}
