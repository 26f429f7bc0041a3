//! Change a user: name, mail, zone, place; disable and enable; set a password.

use kernel::{Access, Change, Cx, Effect, Error, Operation, PrepareCx, Result, Route, patch, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{NAME_CHARS_MAX, PasswordSet, User, UserDisabled, UserEnabled, reached, store};
use crate::grants::{reach, revoke};
use crate::{actor, password, rota, sessions};

/// Change a user's name, mail address, time zone, language or place.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct UpdateUser {
    /// The user's number.
    pub id: i64,
    /// The new name.
    #[serde(default)]
    pub name: Option<String>,
    /// The new mail address; empty for none.
    #[serde(default)]
    pub email: Change<String>,
    /// The new time zone, for example Europe/Berlin.
    #[serde(default)]
    pub zone: Option<String>,
    /// The new language, for example en.
    #[serde(default)]
    pub locale: Option<String>,
    /// The new place; null for none.
    #[serde(default)]
    pub place: Change<i64>,
    /// The version you changed; refused when somebody was faster.
    #[serde(default)]
    pub expected_version: Option<i64>,
}

impl Operation for UpdateUser {
    const NAME: &'static str = "people.user.update";
    const ROUTE: Route = patch("/people/users/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = User;

    fn run(&self, cx: &mut Cx) -> Result<User> {
        let old = reached(cx, self.id, Self::NAME)?;
        cx.expect_version(&old.reference, self.expected_version, old.version)?;
        let mut new = old.clone();
        if let Some(name) = &self.name {
            new.name = kernel::text::line("name", name, NAME_CHARS_MAX)?;
        }
        if !self.email.is_keep() {
            new.email = super::email(&self.email.apply(None).unwrap_or_default())?;
        }
        if let Some(zone) = &self.zone {
            new.zone = super::zone(zone)?;
        }
        if let Some(locale) = &self.locale {
            new.locale = super::locale(locale)?;
        }
        new.place = self.place.apply(old.place);
        if new.place != old.place {
            super::place_within_reach(cx, Self::NAME, new.place)?;
        }
        save(cx, &old, &new)
    }
}

/// Writes and records what differs; answers the user as it is now.
pub(crate) fn save(cx: &mut Cx, old: &User, new: &User) -> Result<User> {
    if old == new {
        return Ok(new.clone());
    }
    store::update(cx.tx, new, cx.now)?;
    cx.changed(&new.reference, "name", &old.name, &new.name)?;
    cx.changed(&new.reference, "email", &old.email, &new.email)?;
    cx.changed(&new.reference, "zone", &old.zone, &new.zone)?;
    cx.changed(&new.reference, "locale", &old.locale, &new.locale)?;
    cx.changed(&new.reference, "place", old.place, new.place)?;
    cx.changed(&new.reference, "disabled_at", old.disabled_at, new.disabled_at)?;
    super::index(cx, new)?;
    Ok(User { version: old.version + 1, ..new.clone() })
}

/// Sets one field to an earlier value, for undo.
pub(crate) fn set_back(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    let old = reached(cx, id, UpdateUser::NAME)?;
    let mut new = old.clone();
    let text = value.as_str().unwrap_or_default().to_owned();
    match field {
        "name" => new.name = text,
        "email" => new.email = text,
        "zone" => new.zone = text,
        "locale" => new.locale = text,
        "place" => {
            new.place = value.as_i64();
            super::place_within_reach(cx, UpdateUser::NAME, new.place)?;
        }
        _ => return Err(Error::conflict(format!("The field {field} of a user cannot be undone."))),
    }
    save(cx, &old, &new).map(|_| ())
}

/// Disable a user: they can no longer sign in, their sessions end, their tokens stop working and the addresses of their calendars are revoked. Their history stays.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct DisableUser {
    /// The user's number.
    pub id: i64,
    /// Why.
    pub reason: String,
}

impl Operation for DisableUser {
    const NAME: &'static str = "people.user.disable";
    const ROUTE: Route = post("/people/users/{id}/disable");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = User;

    fn run(&self, cx: &mut Cx) -> Result<User> {
        let old = reached(cx, self.id, Self::NAME)?;
        let reason = kernel::text::line("reason", &self.reason, 200)?;
        if old.disabled_at.is_some() {
            return Err(Error::conflict(format!("{} is disabled already.", old.name)));
        }
        if cx.actor.user() == Some(old.id) {
            return Err(Error::conflict("You cannot disable yourself. Ask another administrator."));
        }
        may_act_for(cx, old.id)?;
        revoke::keep_one(cx, None, Some(old.id), None)?;
        let new = User { disabled_at: Some(cx.now), ..old.clone() };
        let new = save(cx, &old, &new)?;
        sessions::store::end_all(cx.tx, old.id, 0, cx.now)?;
        // An address is a secret that others may have by now: it stays dead when its owner comes back.
        rota::store::revoke_feeds_of(cx.tx, old.id, cx.now)?;
        rota::watch::somebody_changed(cx, old.id)?;
        cx.emit(&UserDisabled { user: old.reference, name: old.name, reason })?;
        Ok(new)
    }
}

/// Enable a disabled user: they can sign in again, with the roles they still hold.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct EnableUser {
    /// The user's number.
    pub id: i64,
}

impl Operation for EnableUser {
    const NAME: &'static str = "people.user.enable";
    const ROUTE: Route = post("/people/users/{id}/enable");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = User;

    fn run(&self, cx: &mut Cx) -> Result<User> {
        let old = reached(cx, self.id, Self::NAME)?;
        if old.disabled_at.is_none() {
            return Err(Error::conflict(format!("{} may sign in already.", old.name)));
        }
        let new = User { disabled_at: None, ..old.clone() };
        let new = save(cx, &old, &new)?;
        may_act_for(cx, old.id)?;
        rota::watch::somebody_changed(cx, old.id)?;
        cx.emit(&UserEnabled { user: old.reference, name: old.name })?;
        Ok(new)
    }
}

/// Set a user's password, for example a first one or when they forgot theirs. All their sessions end.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct SetPassword {
    /// The user's number.
    pub id: i64,
    /// The new password, at least 12 characters.
    pub password: String,
    #[serde(skip)]
    hash: String,
}

impl Operation for SetPassword {
    const NAME: &'static str = "people.user.set-password";
    const ROUTE: Route = post("/people/users/{id}/set-password");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    const SECRETS: &'static [&'static str] = &["password"];
    type Output = User;

    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        let id = self.id;
        let login = cx.kernel.db.read(|tx| Ok(store::get(tx, id)?.map(|user| user.login)))?.unwrap_or_default();
        password::check("password", &self.password, &login)?;
        self.hash = password::hash(cx, &self.password)?;
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<User> {
        let user = reached(cx, self.id, Self::NAME)?;
        may_act_for(cx, user.id)?;
        store::set_password(cx.tx, user.id, &self.hash, cx.now)?;
        sessions::store::end_all(cx.tx, user.id, 0, cx.now)?;
        cx.changed(&user.reference, "password", "(old)", "(new)")?;
        cx.emit(&PasswordSet { user: user.reference.clone(), name: user.name.clone() })?;
        Ok(User { version: user.version + 1, ..user })
    }
}

/// Refuses unless the actor holds everything the user holds: else a small administrator could take over a bigger one.
fn may_act_for(cx: &mut Cx, user: i64) -> Result<()> {
    let held = actor::of_user(cx.tx, user, cx.now)?.map(|actor| actor.grants).unwrap_or_default();
    reach::must_cover(cx, &held)
}
