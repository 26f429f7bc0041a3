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
    verified: Option<String>,
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
        self.verified = verified(cx, &self.password)?;
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<Proven> {
        let user = user_of(cx)?;
        confirm(cx, user, self.verified.as_ref(), "password")?;
        if store::prove(cx.tx, self.session, user, cx.now)? {
            Ok(Proven { proof_at: cx.now })
        } else {
            Err(Error::not_found(format!("Session {}", self.session)))
        }
    }
}

/// Checks the actor's own password, counted like a sign-in; answers the stored form it fits.
pub(crate) fn verified(cx: &PrepareCx<'_>, tried: &str) -> Result<Option<String>> {
    let Some(id) = cx.actor.user() else { return Ok(None) };
    let login = cx.kernel.db.read(|tx| Ok(user::store::get(tx, id)?.map(|user| user.login)))?.unwrap_or_default();
    attempts::begin(cx, &login)?;
    let stored = cx.kernel.db.read(|tx| user::store::password_of(tx, id))?.unwrap_or_default();
    Ok(password::verify(&stored, tried)?.then_some(stored))
}

/// Refuses unless the password was right and still is; a right one takes the count of failures back.
pub(crate) fn confirm(cx: &mut Cx, user: i64, verified: Option<&String>, field: &str) -> Result<()> {
    let wrong = || Error::invalid(field, "This is not your password. Try again.");
    let stored = verified.ok_or_else(wrong)?;
    if user::store::password_of(cx.tx, user)?.as_ref() != Some(stored) {
        return Err(wrong());
    }
    let login = user::store::get(cx.tx, user)?.map(|user| user.login).unwrap_or_default();
    attempts::clear(cx.tx, &login)
}
