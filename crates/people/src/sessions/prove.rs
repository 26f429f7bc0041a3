//! Prove again who you are.

use kernel::{Access, Cx, Effect, Error, Operation, PrepareCx, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{store, user_of};
use crate::{attempts, password, user};

/// When somebody proved who they are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Proven {
    /// When.
    pub proof_at: Time,
}

/// Prove who you are by entering your password again. Dangerous operations ask for this when the last proof is older
/// than five minutes.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct Prove {
    /// The session you are in.
    pub session: i64,
    /// Your password.
    pub password: String,
    #[serde(skip)]
    verified: Verified,
}

impl Operation for Prove {
    const NAME: &'static str = "people.session.prove";
    const ROUTE: Route = post("/people/sessions/{session}/prove");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = &["password"];
    const FIELD_BYTES_MAX: usize = 2_000;
    type Output = Proven;

    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        // Tries count for the session, so it must be theirs: else every number would be a new start.
        let (id, user) = (self.session, cx.actor.user().unwrap_or_default());
        if cx.kernel.db.read(|tx| store::is_of(tx, id, user))? {
            self.verified = verified(cx, &self.password, Some(id))?;
        }
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<Proven> {
        let user = user_of(cx)?;
        if !store::prove(cx.tx, self.session, user, cx.now)? {
            return Err(Error::not_found(format!("Session {}", self.session)));
        }
        confirm(cx, user, &self.verified, "password")?;
        Ok(Proven { proof_at: cx.now })
    }
}

/// A password that was checked.
#[derive(Default)]
pub(crate) struct Verified {
    /// The stored form it fits; `None` when it was wrong.
    stored: Option<String>,
    counted: Vec<attempts::Counter>,
}

impl Verified {
    /// The password was right when it was checked.
    pub(crate) fn is_right(&self) -> bool {
        self.stored.is_some()
    }
}

/// Checks the actor's own password, counted for the session, or without one for the user.
pub(crate) fn verified(cx: &PrepareCx<'_>, tried: &str, session: Option<i64>) -> Result<Verified> {
    let Some(id) = cx.actor.user() else { return Ok(Verified::default()) };
    let counted = attempts::begin_proof(cx, id, session)?;
    let check = || {
        let stored = cx.kernel.db.read(|tx| user::store::password_of(tx, id))?.unwrap_or_default();
        Ok(password::verify(&stored, tried)?.then_some(stored))
    };
    Ok(Verified { stored: attempts::checked(cx, &counted, check())?, counted })
}

/// Refuses unless the password was right and still is; a right one takes the count of failures back.
pub(crate) fn confirm(cx: &mut Cx, user: i64, verified: &Verified, field: &str) -> Result<()> {
    let wrong = || Error::invalid(field, "This is not your password. Try again.").refused("wrong password");
    let stored = verified.stored.as_ref().ok_or_else(wrong)?;
    if user::store::password_of(cx.tx, user)?.as_ref() != Some(stored) {
        return Err(wrong());
    }
    attempts::succeeded(cx.tx, &verified.counted)
}
