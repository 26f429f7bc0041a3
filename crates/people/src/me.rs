//! About oneself: who I am, what I hold, and what I may change of it.

use kernel::{Access, Change, Cx, Effect, Error, Operation, PrepareCx, Result, Route, get, patch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grants::{self, Given};
use crate::password;
use crate::sessions::{self, prove, user_of};
use crate::user::change::save;
use crate::user::show::{UserShown, shown};
use crate::user::{self, User};

/// Who I am and what I hold.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Me {
    /// Myself.
    #[serde(flatten)]
    pub user: UserShown,
    /// The roles I hold now, my teams' included.
    pub roles: Vec<Given>,
}

/// Show who you are: your profile, your teams and the roles you hold.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ShowMe {}

impl Operation for ShowMe {
    const NAME: &'static str = "people.me.show";
    const ROUTE: Route = get("/people/me");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Read;
    type Output = Me;

    fn run(&self, cx: &mut Cx) -> Result<Me> {
        let id = user_of(cx)?;
        let user = user::store::get(cx.tx, id)?.ok_or_else(|| Error::not_found(User::subject(id)))?;
        let roles = grants::store::current_of_user(cx.tx, id, cx.now)?;
        Ok(Me { user: shown(cx, user)?, roles })
    }
}

/// Change your own profile or password. A new password needs the current one, and ends your other sessions.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct UpdateMe {
    /// Your name.
    #[serde(default)]
    pub name: Option<String>,
    /// Your mail address; empty for none.
    #[serde(default)]
    pub email: Change<String>,
    /// Your time zone, for example Europe/Berlin.
    #[serde(default)]
    pub zone: Option<String>,
    /// Your language, for example en.
    #[serde(default)]
    pub locale: Option<String>,
    /// A new password of at least 12 characters.
    #[serde(default)]
    pub new_password: Option<String>,
    /// Your current password; needed for a new one.
    #[serde(default)]
    pub current_password: Option<String>,
    /// The session to keep when the password changes; the others end.
    #[serde(default)]
    pub keep_session: Option<i64>,
    #[serde(skip)]
    verified: prove::Verified,
    #[serde(skip)]
    hash: String,
}

impl UpdateMe {
    fn wanted_password(&self) -> Option<&str> {
        self.new_password.as_deref().filter(|text| !text.is_empty())
    }
}

impl Operation for UpdateMe {
    const NAME: &'static str = "people.me.update";
    const ROUTE: Route = patch("/people/me");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = &["new_password", "current_password"];
    type Output = User;

    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        let Some(new) = self.wanted_password() else { return Ok(()) };
        let id = cx.actor.user().unwrap_or_default();
        let login = cx.kernel.db.read(|tx| Ok(user::store::get(tx, id)?.map(|user| user.login)))?.unwrap_or_default();
        password::check("new_password", new, &login)?;
        let verified = prove::verified(cx, self.current_password.as_deref().unwrap_or_default(), None)?;
        let hash = if verified.is_right() { password::hash(cx, new)? } else { String::new() };
        (self.verified, self.hash) = (verified, hash);
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<User> {
        let id = user_of(cx)?;
        let old = user::store::get(cx.tx, id)?.ok_or_else(|| Error::not_found(User::subject(id)))?;
        let mut new = old.clone();
        if let Some(name) = &self.name {
            new.name = kernel::text::line("name", name, user::NAME_CHARS_MAX)?;
        }
        if !self.email.is_keep() {
            new.email = user::email(&self.email.apply(None).unwrap_or_default())?;
        }
        if let Some(zone) = &self.zone {
            new.zone = user::zone(zone)?;
        }
        if let Some(locale) = &self.locale {
            new.locale = user::locale(locale)?;
        }
        let mut saved = save(cx, &old, &new)?;
        if self.wanted_password().is_some() {
            prove::confirm(cx, id, &self.verified, "current_password")?;
            user::store::set_password(cx.tx, id, &self.hash, cx.now)?;
            sessions::store::end_all(cx.tx, id, self.keep_session.unwrap_or_default(), cx.now)?;
            cx.changed(&saved.reference, "password", "(old)", "(new)")?;
            saved.version += 1;
        }
        Ok(saved)
    }
}
