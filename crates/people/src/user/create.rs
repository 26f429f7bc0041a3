//! Add a user.

use kernel::{Access, Cx, Effect, Error, Operation, PrepareCx, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::store::NewUser;
use super::{NAME_CHARS_MAX, User, UserCreated, store};
use crate::password;

/// Add a user. Without a password they cannot sign in until one is set. They hold no role yet: give one next.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct CreateUser {
    /// What they sign in with.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Their mail address.
    #[serde(default)]
    pub email: String,
    /// A first password of at least 12 characters.
    #[serde(default)]
    pub password: Option<String>,
    /// Their time zone, for example Europe/Berlin; UTC when empty.
    #[serde(default)]
    pub zone: Option<String>,
    /// Their language, for example en.
    #[serde(default)]
    pub locale: Option<String>,
    /// Where they work.
    #[serde(default)]
    pub place: Option<i64>,
    #[serde(skip)]
    hash: String,
}

impl Operation for CreateUser {
    const NAME: &'static str = "people.user.create";
    const ROUTE: Route = post("/people/users");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = &["password"];
    type Output = User;

    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        if let Some(new) = self.password.as_deref().filter(|text| !text.is_empty()) {
            password::check("password", new, &self.login)?;
            self.hash = password::hash(cx, new)?;
        }
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<User> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let login = super::login(&self.login)?;
        let name = kernel::text::line("name", &self.name, NAME_CHARS_MAX)?;
        let email = super::email(&self.email)?;
        let zone = given(&self.zone).map_or(Ok("UTC".into()), |zone| super::zone(&zone))?;
        let locale = given(&self.locale).map_or(Ok("en".into()), |locale| super::locale(&locale))?;
        if store::login_taken(cx.tx, &login)? {
            return Err(Error::invalid("login", format!("Somebody has the login {login} already. Use another.")));
        }
        super::place_within_reach(cx, Self::NAME, self.place)?;
        let new = NewUser {
            login: &login,
            name: &name,
            email: &email,
            password_hash: &self.hash,
            zone: &zone,
            locale: &locale,
            place: self.place,
        };
        let id = store::insert(cx.tx, &new, cx.now)?;
        let user = store::get(cx.tx, id)?.ok_or_else(|| Error::internal("user-not-inserted", id))?;
        cx.changed(&user.reference, "login", None::<&str>, Some(&user.login))?;
        cx.changed(&user.reference, "name", None::<&str>, Some(&user.name))?;
        cx.changed(&user.reference, "email", "", &user.email)?;
        cx.changed(&user.reference, "place", None::<i64>, user.place)?;
        cx.emit(&UserCreated { user: user.reference.clone(), login, name })?;
        super::index(cx, &user)?;
        Ok(user)
    }
}
