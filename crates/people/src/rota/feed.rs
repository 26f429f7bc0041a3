//! Calendars by address: whoever has the address of a feed reads it without signing in, so it cannot be guessed, shows only who is
//! on call, and ends when it is revoked or its owner leaves.

use jiff::Timestamp;
use kernel::db::Tx;
use kernel::time::DAY;
use kernel::{Access, Cx, Effect, Error, Operation, Proof, Ref, Result, Route, Time, delete, get, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ical::Event;
use super::list::ShowRota;
use super::roster::{self, Roster};
use super::shifts::{self, readable};
use super::store::KeptFeed;
use super::{duties, ical, seen, store, time};
use crate::random;
use crate::sessions::list::whose;
use crate::tokens::create::signed_in_person;

/// Most feeds of one user.
const FEEDS_MAX: usize = 20;
/// How far back a calendar goes, in microseconds.
const BACK: i64 = 30 * DAY;
/// How far ahead it goes, in microseconds.
const AHEAD: i64 = 180 * DAY;

/// A calendar's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Feed {
    /// Its number.
    pub id: i64,
    /// The rota it shows; your own shifts of all rotas when null.
    pub rota: Option<i64>,
    /// The name of that rota.
    pub rota_name: String,
    /// When it was made.
    pub made_at: Time,
}

/// Addresses of calendars.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Feeds {
    /// Newest first.
    pub items: Vec<Feed>,
}

/// A feed that has just been made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NewFeed {
    /// Its number.
    pub id: i64,
    /// The rota it shows; your own shifts when null.
    pub rota: Option<i64>,
    /// The path of the calendar below this server's address. Whoever has it can read the calendar; it is not shown again.
    pub feed: String,
}

/// Make the address of a calendar that other programs can subscribe to: your own shifts, or a rota. The answer holds it, and it is not shown again.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct CreateFeed {
    /// The number of a rota; your own shifts of all rotas when left out.
    #[serde(default)]
    pub rota: Option<i64>,
    /// Whose it is; your own when left out. It shows what that person may see. For somebody else's you need the grant for this operation.
    #[serde(default)]
    pub user: Option<i64>,
}

impl Operation for CreateFeed {
    const NAME: &'static str = "people.feed.create";
    const ROUTE: Route = post("/people/feeds");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    type Output = NewFeed;

    fn run(&self, cx: &mut Cx) -> Result<NewFeed> {
        // A session that was left open must not turn into an address that outlives it. A token was made to be kept, and an
        // address shows less than it does.
        if matches!(cx.actor.proof, Proof::At(_)) {
            signed_in_person(cx, "calendar address")?;
        }
        let owner = whose(cx, self.user, Self::NAME)?;
        if let Some(rota) = self.rota {
            cx.reach(ShowRota::NAME)?;
            seen(cx, rota, ShowRota::NAME)?;
            may_read(cx, owner, rota)?;
        }
        if store::feeds(cx.tx, owner)?.len() >= FEEDS_MAX {
            let message = format!("There are {FEEDS_MAX} calendars of this person already. Revoke one first.");
            return Err(Error::over_limit(message));
        }
        let secret = random::secret(cx.kernel)?;
        let id = store::insert_feed(cx.tx, owner, self.rota, &random::fingerprint(&secret), cx.now)?;
        cx.changed(&Ref::new("user", owner), "calendar", None::<i64>, Some(id))?;
        Ok(NewFeed { id, rota: self.rota, feed: format!("/calendar/{secret}.ics") })
    }
}

/// Refuses a rota that the owner of a calendar may not see: the calendar would stay empty.
fn may_read(cx: &mut Cx, owner: i64, rota: i64) -> Result<()> {
    if cx.actor.user() == Some(owner) {
        return Ok(());
    }
    let actor = crate::actor::of_user(cx.tx, owner, cx.now)?;
    let reach = actor.and_then(|actor| actor.reach(ShowRota::NAME, cx.now));
    let rota = store::get(cx.tx, rota)?;
    if rota.is_some_and(|rota| readable(reach.as_ref(), &rota)) {
        return Ok(());
    }
    Err(Error::invalid(
        "user",
        "This person may not see the rota. Give them a role that reads it, or name somebody else.",
    ))
}

/// List the addresses of your calendars, or of another user's, without the addresses themselves.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListFeeds {
    /// Whose; your own when empty. For somebody else's you need the grant for this operation.
    #[serde(default)]
    pub user: Option<i64>,
}

impl Operation for ListFeeds {
    const NAME: &'static str = "people.feed.list";
    const ROUTE: Route = get("/people/feeds");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Read;
    type Output = Feeds;

    fn run(&self, cx: &mut Cx) -> Result<Feeds> {
        let user = whose(cx, self.user, Self::NAME)?;
        let mut items = Vec::new();
        for kept in store::feeds(cx.tx, user)? {
            let rota = match kept.rota {
                Some(id) => store::get(cx.tx, id)?,
                None => None,
            };
            let rota_name = rota.map(|rota| rota.name).unwrap_or_default();
            items.push(Feed { id: kept.id, rota: kept.rota, rota_name, made_at: kept.made_at });
        }
        Ok(Feeds { items })
    }
}

/// Revoke the address of a calendar: what subscribes to it gets nothing from now on. This cannot be undone.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct RevokeFeed {
    /// The feed's number.
    pub id: i64,
}

impl Operation for RevokeFeed {
    const NAME: &'static str = "people.feed.revoke";
    const ROUTE: Route = delete("/people/feeds/{id}");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    type Output = Feed;

    fn run(&self, cx: &mut Cx) -> Result<Feed> {
        let missing = || Error::not_found(format!("Calendar {}", self.id));
        let kept = store::feed(cx.tx, self.id)?.ok_or_else(missing)?;
        whose(cx, Some(kept.user), Self::NAME).map_err(|_| missing())?;
        if !store::revoke_feed(cx.tx, kept.id, cx.now)? {
            return Err(missing());
        }
        cx.changed(&Ref::new("user", kept.user), "calendar", Some(kept.id), None::<i64>)?;
        Ok(Feed { id: kept.id, rota: kept.rota, rota_name: String::new(), made_at: kept.made_at })
    }
}

/// The calendar behind the secret of an address, as iCalendar text; `None` when the address is not known, was revoked, or its
/// owner left or may no longer see the rota. What it shows is what the owner may see now.
///
/// # Errors
/// The database fails.
pub fn calendar(tx: &mut Tx<'_>, secret: &str, now: Time) -> Result<Option<String>> {
    let Some(kept) = store::feed_by_hash(tx, &random::fingerprint(secret))? else { return Ok(None) };
    let Some(actor) = crate::actor::of_user(tx, kept.user, now)? else { return Ok(None) };
    let (from, to) = (now.plus(-BACK), now.plus(AHEAD));
    let rotas = match kept.rota {
        None => store::all(tx)?,
        Some(id) => {
            let reach = actor.reach(ShowRota::NAME, now);
            let rota = store::get(tx, id)?.filter(|rota| readable(reach.as_ref(), rota));
            let Some(rota) = rota else { return Ok(None) };
            vec![rota]
        }
    };
    let ids: Vec<i64> = rotas.iter().map(|rota| rota.id).collect();
    let uids = store::uids(tx, &ids)?;
    let mut events = Vec::new();
    let rosters = roster::load(tx, rotas, from, to)?;
    for roster in &rosters {
        let uid = uids.get(&roster.rota.id).map(String::as_str).unwrap_or_default();
        events.extend(shown(roster, &kept, uid, from.timestamp(), to.timestamp()));
    }
    let name = match (kept.rota, rosters.first()) {
        (Some(_), Some(roster)) => format!("On call: {}", roster.rota.name),
        _ => format!("On call: {}", actor.name),
    };
    Ok(Some(ical::write(&name, &events)))
}

/// The events of a rota: one person's shifts, or everybody's and the gaps that somebody made.
fn shown(roster: &Roster, kept: &KeptFeed, uid: &str, from: Timestamp, to: Timestamp) -> Vec<Event> {
    let only = kept.rota.is_none().then_some(kept.user);
    let rota = &roster.rota;
    let mut events = Vec::new();
    let Some(pieces) = roster.pieces_or_log(time(from), time(to)) else { return events };
    for user in roster.people.keys().copied().filter(|user| only.is_none_or(|one| one == *user)) {
        let name = duties(&roster.people, &[user]).pop().map(|one| one.name).unwrap_or_default();
        for span in shifts::stretches(&pieces, user) {
            events.push(Event {
                uid: format!("{}-{user}@{uid}.mainstay", begun(span.from, from)),
                from: span.from,
                to: span.to,
                summary: if only.is_some() {
                    format!("On call: {}", rota.name)
                } else {
                    format!("{name} on call: {}", rota.name)
                },
                description: rota.about.clone(),
                changed: rota.changed_at.timestamp(),
            });
        }
    }
    let made = shifts::gaps(roster, &pieces).into_iter().filter(|gap| only.is_none() && !gap.planned);
    for gap in made {
        let (Ok(begin), Ok(end)) = (gap.from.parse::<Timestamp>(), gap.to.parse()) else { continue };
        events.push(Event {
            uid: format!("{}-nobody@{uid}.mainstay", begun(begin, from)),
            from: begin,
            to: end,
            summary: format!("Nobody on call: {}", rota.name),
            description: gap.why,
            changed: rota.changed_at.timestamp(),
        });
    }
    events.sort_by(|one, other| (one.from, &one.uid).cmp(&(other.from, &other.uid)));
    events
}

/// The beginning of an event in its name. What began before the calendar does is named without it, as it moves with the calendar.
fn begun(at: Timestamp, from: Timestamp) -> String {
    if at == from { "since".to_owned() } else { at.as_second().to_string() }
}
