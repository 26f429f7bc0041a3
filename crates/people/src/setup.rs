//! The first run: a one-time secret from the console output makes the organisation, its first teams and its first
//! administrator.

use kernel::db::Priority;
use kernel::{Access, Cx, Effect, Error, Handle, Operation, PrepareCx, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grants::{Given, GrantScope};
use crate::random::fingerprint;
use crate::user::store::NewUser;
use crate::user::{self, User, UserCreated};
use crate::{grants, password, place, random, roles, team};

mod store;

/// The teams a new organisation starts with: short name, name, what it looks after.
const TEAMS: &[(&str, &str, &str)] = &[
    ("service-desk", "Service desk", "Takes every request and incident that nobody else takes."),
    ("infrastructure", "Infrastructure", "Servers, network and the services on them."),
];

/// A fresh setup secret while no administrator exists; `None` once there is one. An earlier secret no longer counts.
///
/// # Errors
/// The database fails.
pub fn issue(kernel: &Handle) -> Result<Option<String>> {
    let secret = random::secret(kernel)?;
    let (hash, now) = (fingerprint(&secret), kernel.now());
    let issued = kernel.db.write("people.setup.issue", Priority::Interactive, move |tx| {
        if grants::store::administrators_without(tx, None, None, None)? {
            return Ok(false);
        }
        store::put(tx, &hash, now).map(|()| true)
    })?;
    Ok(issued.then_some(secret))
}

/// True while the setup waits to be completed.
///
/// # Errors
/// The database fails.
pub fn waits(tx: &mut kernel::db::Tx<'_>) -> Result<bool> {
    Ok(!grants::store::administrators_without(tx, None, None, None)?)
}

/// Who the setup made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetUp {
    /// The administrator's number.
    pub user: i64,
    /// What they sign in with.
    pub login: String,
    /// The place that stands for the organisation.
    pub organisation: i64,
}

/// Complete the setup with the one-time secret that the server printed when it started: name the organisation and make
/// its first administrator.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct CompleteSetup {
    /// The one-time secret.
    pub secret: String,
    /// The name of your organisation.
    pub organisation: String,
    /// Your name.
    pub name: String,
    /// What you will sign in with.
    pub login: String,
    /// Your mail address.
    #[serde(default)]
    pub email: String,
    /// A password of at least 12 characters.
    pub password: String,
    /// Your time zone, for example Europe/Berlin; UTC when empty.
    #[serde(default)]
    pub zone: Option<String>,
    #[serde(skip)]
    hash: String,
}

impl Operation for CompleteSetup {
    const NAME: &'static str = "people.setup.complete";
    const ROUTE: Route = post("/people/setup");
    const ACCESS: Access = Access::Anyone;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = &["secret", "password"];
    const FIELD_BYTES_MAX: usize = 2_000;
    type Output = SetUp;

    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        // The secret is checked first, so that strangers cannot make the server hash passwords.
        let wanted = fingerprint(self.secret.trim());
        cx.kernel.db.read(|tx| check(tx, &wanted))?;
        password::check("password", &self.password, &self.login)?;
        self.hash = password::hash(cx, &self.password)?;
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<SetUp> {
        check(cx.tx, &fingerprint(self.secret.trim()))?;
        let organisation = kernel::text::line("organisation", &self.organisation, place::NAME_CHARS_MAX)?;
        let place = match place::store::first_root(cx.tx)? {
            Some(place) => place,
            None => place::store::insert(cx.tx, None, "client", &organisation, cx.now)?,
        };
        let user = self.administrator(cx, place)?;
        for (slug, name, about) in TEAMS {
            let team = match team::store::by_slug(cx.tx, slug)? {
                Some(team) => team.id,
                None => team::store::insert(cx.tx, slug, name, about, cx.now)?,
            };
            team::store::add_member(cx.tx, team, user.id, true, cx.now)?;
        }
        let given = Given {
            id: 0,
            role: roles::ADMINISTRATOR.to_owned(),
            user: Some(user.id),
            team: None,
            scope: GrantScope::Everything,
            scope_place: None,
            scope_team: None,
            reason: "Set up this server".to_owned(),
            given_by: "setup".to_owned(),
            given_at: cx.now,
            expires_at: None,
            revoked_at: None,
            revoked_by: String::new(),
            revoke_reason: String::new(),
        };
        grants::store::insert(cx.tx, &given)?;
        store::used(cx.tx, cx.now)?;
        cx.changed(&Ref::new("place", place), "name", None::<&str>, Some(&organisation))?;
        cx.changed(&user.reference, "role", None::<&str>, Some(roles::ADMINISTRATOR))?;
        cx.emit(&UserCreated { user: user.reference.clone(), login: user.login.clone(), name: user.name.clone() })?;
        user::index(cx, &user)?;
        Ok(SetUp { user: user.id, login: user.login, organisation: place })
    }
}

impl CompleteSetup {
    fn administrator(&self, cx: &mut Cx, place: i64) -> Result<User> {
        let login = user::login(&self.login)?;
        let name = kernel::text::line("name", &self.name, user::NAME_CHARS_MAX)?;
        let zone = self.zone.as_deref().filter(|zone| !zone.trim().is_empty()).map_or(Ok("UTC".into()), user::zone)?;
        let email = user::email(&self.email)?;
        if user::store::login_taken(cx.tx, &login)? {
            return Err(Error::invalid("login", "Somebody has this login already. Use another."));
        }
        let new = NewUser {
            login: &login,
            name: &name,
            email: &email,
            password_hash: &self.hash,
            zone: &zone,
            locale: "en",
            place: Some(place),
        };
        let id = user::store::insert(cx.tx, &new, cx.now)?;
        user::store::get(cx.tx, id)?.ok_or_else(|| Error::internal("user-not-inserted", id))
    }
}

/// Refuses a secret that is not the one that waits, and any secret once there is an administrator.
fn check(tx: &mut kernel::db::Tx<'_>, wanted: &str) -> Result<()> {
    let waiting = waits(tx)? && store::waiting(tx)?.as_deref() == Some(wanted);
    if waiting {
        return Ok(());
    }
    Err(Error::invalid(
        "secret",
        "This setup link was used already or is an old one. Take the newest one from the server's output; each start prints a new one until the setup is done.",
    ))
}
