//! Users: people who may sign in, and what may be seen of them.

use kernel::search::{Document, ScopeToken};
use kernel::{Cx, Error, Event, Mark, Operation, Reach, Ref, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod show;
pub mod store;

/// Longest name, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 120;

/// Somebody who may sign in or ask for things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Their number.
    pub id: i64,
    /// `user:NUMBER`.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// What they sign in with.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Their mail address; empty when there is none.
    pub email: String,
    /// The time zone that times are shown in, an IANA name.
    pub zone: String,
    /// Their language, for example `en`.
    pub locale: String,
    /// Where they work.
    pub place: Option<i64>,
    /// Since when they may no longer sign in.
    pub disabled_at: Option<Time>,
    /// Since when they are known.
    pub created_at: Time,
    /// Counts changes; send it back as `expected_version`.
    pub version: i64,
}

impl User {
    /// The reference of a user.
    pub const fn subject(id: i64) -> Ref {
        Ref::new("user", id)
    }
}

/// A login: lower case, without spaces, at most 64 characters. An address of mail fits.
pub(crate) fn login(text: &str) -> Result<String> {
    let login = text.trim().to_lowercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
    if login.is_empty() || login.len() > 64 || !login.chars().all(fits) {
        return Err(Error::invalid("login", "Use 1 to 64 letters, digits, dots, dashes, underscores or an @."));
    }
    Ok(login)
}

/// A mail address, checked for its shape only: something, one @, a host. Empty is allowed.
pub(crate) fn email(text: &str) -> Result<String> {
    let email = text.trim();
    let shaped = email.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    });
    let clean = !email.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'));
    if email.is_empty() || (shaped && clean && email.len() <= 254) {
        Ok(email.to_owned())
    } else {
        Err(Error::invalid("email", "This is not a mail address. Write it like name@example.org."))
    }
}

/// An IANA time zone that this machine knows.
pub(crate) fn zone(text: &str) -> Result<String> {
    let name = text.trim();
    jiff::tz::TimeZone::get(name).map_err(|_| {
        Error::invalid(
            "zone",
            format!("\"{}\" is not a time zone. Write it like Europe/Berlin or UTC.", kernel::text::shorten(name, 40)),
        )
    })?;
    Ok(name.to_owned())
}

/// A language tag such as `en` or `de-CH`.
pub(crate) fn locale(text: &str) -> Result<String> {
    let tag = text.trim();
    let fits = !tag.is_empty() && tag.len() <= 20 && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if fits { Ok(tag.to_owned()) } else { Err(Error::invalid("locale", "Write a language like en or de-CH.")) }
}

/// Makes a user findable: by those who may see users at their place or of their teams, and by themselves.
pub(crate) fn index(cx: &mut Cx, user: &User) -> Result<()> {
    let mut scopes = vec![ScopeToken::User(user.id)];
    scopes.extend(user.place.map(ScopeToken::Place));
    scopes.extend(crate::team::store::of_user(cx.tx, user.id)?.into_iter().map(ScopeToken::Team));
    cx.index(&Document {
        subject: user.reference.clone(),
        title: user.name.clone(),
        body: format!("{} {}", user.login, user.email),
        scopes,
        at: user.created_at,
    })
}

/// A user the actor's grant for an operation reaches.
pub(crate) fn reached(cx: &mut Cx, id: i64, operation: &str) -> Result<User> {
    let reach = cx.reach(operation)?;
    store::find(cx.tx, &[id], &reach)?.pop().ok_or_else(|| Error::not_found(User::subject(id)))
}

/// A user the actor may see, for an operation on somebody who need not be within the reach of its own grant. Whoever may
/// not list users at all sees those that grant reaches.
pub(crate) fn seen(cx: &mut Cx, id: i64, operation: &str) -> Result<User> {
    let reach = cx.reach(list::ListUsers::NAME).or_else(|_| cx.reach(operation))?;
    let reach = with_self(reach, cx.actor.user());
    store::find(cx.tx, &[id], &reach)?.pop().ok_or_else(|| Error::not_found(User::subject(id)))
}

/// Refuses a place for a user beyond the actor's grant for an operation: they would add or move somebody out of their own reach.
/// No place at all is for those who reach everything.
pub(crate) fn place_within_reach(cx: &mut Cx, operation: &str, place: Option<i64>) -> Result<()> {
    let reach = cx.reach(operation)?;
    match place {
        Some(id) if reach.everything => crate::place::must_exist(cx, id),
        Some(id) if reach.places.contains(&id) => Ok(()),
        None if reach.everything => Ok(()),
        _ => Err(Error::invalid("place", "Your role does not reach there. Choose a place that it is for.")),
    }
}

/// How much of the users an actor may see: the reach, with the actor always seeing themselves.
pub(crate) fn with_self(mut reach: Reach, user: Option<i64>) -> Reach {
    reach.own = reach.own.or(user);
    reach
}

/// A user was added.
#[derive(Serialize)]
pub(crate) struct UserCreated {
    pub(crate) user: Ref,
    pub(crate) login: String,
    pub(crate) name: String,
}

impl Event for UserCreated {
    const NAME: &'static str = "people.user.created";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.user.clone()]
    }
    fn title(&self) -> String {
        format!("{} was added as a user", self.name)
    }
    fn sample() -> Self {
        Self { user: Ref::new("user", 1), login: "sam".into(), name: "Sam Reyes".into() }
    }
}

/// A user may no longer sign in.
#[derive(Serialize)]
pub(crate) struct UserDisabled {
    pub(crate) user: Ref,
    pub(crate) name: String,
    pub(crate) reason: String,
}

impl Event for UserDisabled {
    const NAME: &'static str = "people.user.disabled";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.user.clone()]
    }
    fn title(&self) -> String {
        format!("{} may no longer sign in: {}", self.name, self.reason)
    }
    fn mark(&self) -> Mark {
        Mark::Idle
    }
    fn sample() -> Self {
        Self { user: Ref::new("user", 1), name: "Sam Reyes".into(), reason: "Left the company".into() }
    }
}

/// A user may sign in again.
#[derive(Serialize)]
pub(crate) struct UserEnabled {
    pub(crate) user: Ref,
    pub(crate) name: String,
}

impl Event for UserEnabled {
    const NAME: &'static str = "people.user.enabled";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.user.clone()]
    }
    fn title(&self) -> String {
        format!("{} may sign in again", self.name)
    }
    fn sample() -> Self {
        Self { user: Ref::new("user", 1), name: "Sam Reyes".into() }
    }
}

/// A user's password was set.
#[derive(Serialize)]
pub(crate) struct PasswordSet {
    pub(crate) user: Ref,
    pub(crate) name: String,
}

impl Event for PasswordSet {
    const NAME: &'static str = "people.user.password_set";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.user.clone()]
    }
    fn title(&self) -> String {
        format!("{} got a new password; all sessions ended", self.name)
    }
    fn sample() -> Self {
        Self { user: Ref::new("user", 1), name: "Sam Reyes".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_lower_case_without_spaces() {
        assert_eq!(login(" Sam.Reyes@Example.org ").unwrap(), "sam.reyes@example.org");
        for bad in ["", "a b", "å", "a/b", &"x".repeat(65)] {
            assert_eq!(login(bad).unwrap_err().field.as_deref(), Some("login"), "{bad}");
        }
    }

    #[test]
    fn a_mail_address_that_could_carry_headers_or_two_receivers_is_refused() {
        assert_eq!(email("sam@example.org").unwrap(), "sam@example.org");
        assert_eq!(email("").unwrap(), "");
        for bad in ["sam", "@x", "x@", "a@b@c", "a@b,c@d", "a@b\r\nBcc: x@y", "Sam <sam@example.org>"] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_zone_must_be_known() {
        assert_eq!(zone("Europe/Berlin").unwrap(), "Europe/Berlin");
        assert!(zone("Mars/Base").is_err());
    }
}
