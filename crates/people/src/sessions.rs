//! Sessions: sign-ins at a browser, kept here and not in the cookie. The cookie holds 256 random bits; only their hash is
//! stored. A new sign-in is always a new session, so that a planted cookie is worth nothing.

use kernel::db::Tx;
use kernel::time::{DAY, HOUR, MINUTE};
use kernel::{Actor, Cx, Error, Event, Mark, Proof, Ref, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::random::fingerprint;

pub(crate) mod list;
pub(crate) mod prove;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod store;

/// A session that nobody used for this long has ended, in microseconds.
pub const IDLE_MAX: i64 = 12 * HOUR;
/// A session ends after this long in any case, in microseconds.
pub const AGE_MAX: i64 = 7 * DAY;
/// How often a use is written down at most, in microseconds.
const SEEN_EVERY: i64 = MINUTE;

/// Somebody who is signed in, as the server needs it for a request.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who, with what they hold now and when they last proved who they are.
    pub actor: Actor,
    /// The session's number; `None` for a token.
    pub session: Option<i64>,
    /// The user's number.
    pub user: i64,
    /// What forms must carry as `_csrf`; empty for a token, which needs none.
    pub csrf: String,
    /// The user's time zone, an IANA name.
    pub zone: String,
    /// The user's language.
    pub locale: String,
    /// True when the use should be written down with [`seen`] or [`crate::tokens::seen`].
    pub stale: bool,
}

/// One session in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Its number.
    pub id: i64,
    /// Where it was started: address and program.
    pub origin: String,
    /// When.
    pub started_at: Time,
    /// When it was last used.
    pub seen_at: Time,
    /// When it ends at the latest.
    pub expires_at: Time,
}

/// Who holds a session token now; `None` when it is unknown, ended, too long unused, or its user is disabled. Only reads.
///
/// # Errors
/// The database fails.
pub fn resolve(tx: &mut Tx<'_>, token: &str, now: Time) -> Result<Option<SignedIn>> {
    let Some(row) = store::by_hash(tx, &fingerprint(token))? else { return Ok(None) };
    if row.ended || now >= row.expires_at || now.since(row.seen_at) >= IDLE_MAX {
        return Ok(None);
    }
    let Some(mut actor) = crate::actor::of_user(tx, row.user, now)? else { return Ok(None) };
    actor.proof = Proof::At(row.proof_at);
    let stale = now.since(row.seen_at) >= SEEN_EVERY;
    Ok(Some(SignedIn {
        actor,
        session: Some(row.id),
        user: row.user,
        csrf: row.csrf,
        zone: row.zone,
        locale: row.locale,
        stale,
    }))
}

/// Writes down that a session is used; at most once a minute has an effect.
///
/// # Errors
/// The database fails.
pub fn seen(tx: &mut Tx<'_>, session: i64, now: Time) -> Result<()> {
    store::seen(tx, session, now, now.plus(-SEEN_EVERY))
}

/// A new session of a user; answers its token, which is not kept.
pub(crate) fn start(cx: &mut Cx, user: i64, name: &str, origin: &str) -> Result<Started> {
    let (token, csrf) = (crate::random::secret(cx.kernel)?, crate::random::secret(cx.kernel)?);
    let origin = kernel::text::shorten(origin.trim(), 200);
    let expires_at = cx.now.plus(AGE_MAX);
    let new = store::NewSession { token_hash: &fingerprint(&token), csrf: &csrf, user, origin: &origin, expires_at };
    let session = store::insert(cx.tx, &new, cx.now)?;
    cx.emit(&SessionStarted { user: Ref::new("user", user), name: name.to_owned(), session, origin })?;
    Ok(Started { session, token, user, expires_at })
}

/// A session that has just begun.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Started {
    /// The session's number.
    pub session: i64,
    /// The secret that the browser keeps in its cookie. It is not shown again.
    pub token: String,
    /// Who is signed in.
    pub user: i64,
    /// When the session ends at the latest.
    pub expires_at: Time,
}

/// The user behind an actor; the machine's owner and services are no users.
pub(crate) fn user_of(cx: &Cx) -> Result<i64> {
    cx.actor
        .user()
        .ok_or_else(|| Error::conflict("This is about the person who asks, and you are not signed in as one. Sign in at the console, or come with a token of that person."))
}

/// Somebody signed in.
#[derive(Serialize)]
pub(crate) struct SessionStarted {
    pub(crate) user: Ref,
    pub(crate) name: String,
    pub(crate) session: i64,
    pub(crate) origin: String,
}

impl Event for SessionStarted {
    const NAME: &'static str = "people.session.started";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.user.clone()]
    }
    fn title(&self) -> String {
        if self.origin.is_empty() {
            format!("{} signed in", self.name)
        } else {
            format!("{} signed in from {}", self.name, self.origin.split(" · ").next().unwrap_or_default())
        }
    }
    fn mark(&self) -> Mark {
        Mark::Idle
    }
    fn sample() -> Self {
        Self { user: Ref::new("user", 1), name: "Sam Reyes".into(), session: 1, origin: "192.0.2.7, Firefox".into() }
    }
}

/// Sessions of somebody ended.
#[derive(Serialize)]
pub(crate) struct SessionEnded {
    pub(crate) user: Ref,
    pub(crate) name: String,
    /// How many.
    pub(crate) sessions: u64,
}

impl Event for SessionEnded {
    const NAME: &'static str = "people.session.ended";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.user.clone()]
    }
    fn title(&self) -> String {
        match self.sessions {
            1 => format!("{} signed out", self.name),
            many => format!("{} was signed out of {many} sessions", self.name),
        }
    }
    fn mark(&self) -> Mark {
        Mark::Idle
    }
    fn sample() -> Self {
        Self { user: Ref::new("user", 1), name: "Sam Reyes".into(), sessions: 1 }
    }
}
