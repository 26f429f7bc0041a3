//! Tokens: how programs act as a user. `mst_` and 256 random bits; only the hash is stored. A token may be for less than its
//! user may do: then it reaches no operation that fits none of its patterns.

use kernel::db::Tx;
use kernel::time::MINUTE;
use kernel::{Actor, Event, Mark, Proof, Ref, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::random::fingerprint;
use crate::sessions::SignedIn;

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;
pub(crate) mod store;

/// What every token starts with, so that scanners of leaked secrets find it.
pub const PREFIX: &str = "mst_";
/// How often a use is written down at most, in microseconds.
const SEEN_EVERY: i64 = MINUTE;

/// A token in a list; its secret is not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// The user it acts as.
    pub user: i64,
    /// What it is for.
    pub name: String,
    /// The operations it is limited to; empty means all that its user may do.
    pub patterns: Vec<String>,
    /// It may do dangerous things without a fresh proof of identity.
    pub standing: bool,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Time,
    /// Until when it counts.
    pub expires_at: Option<Time>,
    /// When it was last used.
    pub used_at: Option<Time>,
    /// Since when it no longer counts.
    pub revoked_at: Option<Time>,
}

/// Who a token acts as now; `None` when it is unknown, expired, revoked, or its user is disabled. Only reads.
///
/// # Errors
/// The database fails.
pub fn resolve(tx: &mut Tx<'_>, token: &str, now: Time) -> Result<Option<SignedIn>> {
    if !token.starts_with(PREFIX) {
        return Ok(None);
    }
    let Some(found) = store::by_hash(tx, &fingerprint(token))? else { return Ok(None) };
    let one = found.token;
    if one.revoked_at.is_some() || one.expires_at.is_some_and(|end| now >= end) {
        return Ok(None);
    }
    let Some(actor) = crate::actor::of_user(tx, one.user, now)? else { return Ok(None) };
    let stale = one.used_at.is_none_or(|at| now.since(at) >= SEEN_EVERY);
    Ok(Some(SignedIn {
        actor: limited(actor, &one),
        session: None,
        user: one.user,
        csrf: String::new(),
        zone: found.zone,
        locale: found.locale,
        stale,
    }))
}

fn limited(actor: Actor, token: &Token) -> Actor {
    let proof = if token.standing { Proof::Standing } else { Proof::None };
    Actor { proof, ..actor.narrowed(&token.patterns) }
}

/// Writes down that a token is used; at most once a minute has an effect.
///
/// # Errors
/// The database fails.
pub fn seen(tx: &mut Tx<'_>, token: &str, now: Time) -> Result<()> {
    store::seen(tx, &fingerprint(token), now, now.plus(-SEEN_EVERY))
}

/// A token was made.
#[derive(Serialize)]
pub(crate) struct TokenCreated {
    pub(crate) token: i64,
    pub(crate) name: String,
    pub(crate) user: Ref,
    pub(crate) user_name: String,
}

impl Event for TokenCreated {
    const NAME: &'static str = "people.token.created";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.user.clone()]
    }
    fn title(&self) -> String {
        format!("Token \"{}\" can act as {}", self.name, self.user_name)
    }
    fn sample() -> Self {
        Self { token: 1, name: "backup script".into(), user: Ref::new("user", 1), user_name: "Sam Reyes".into() }
    }
}

/// A token no longer counts.
#[derive(Serialize)]
pub(crate) struct TokenRevoked {
    pub(crate) token: i64,
    pub(crate) name: String,
    pub(crate) user: Ref,
    pub(crate) user_name: String,
}

impl Event for TokenRevoked {
    const NAME: &'static str = "people.token.revoked";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.user.clone()]
    }
    fn title(&self) -> String {
        format!("Token \"{}\" can no longer act as {}", self.name, self.user_name)
    }
    fn mark(&self) -> Mark {
        Mark::Idle
    }
    fn sample() -> Self {
        Self { token: 1, name: "backup script".into(), user: Ref::new("user", 1), user_name: "Sam Reyes".into() }
    }
}
