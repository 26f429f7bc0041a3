//! Who acts, what they hold, and how far it reaches. Row visibility follows from a `Reach`.

mod store;

pub use store::Visible;

use crate::error::{Error, Result};
use crate::reference::Ref;
use crate::time::Time;

/// Who or what acts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ident {
    /// Nobody is signed in.
    Nobody,
    /// A person, by the number `people` gave.
    User(i64),
    /// A part of Mainstay that reacts to events or runs jobs, with its own grants.
    Service(String),
    /// Whoever owns the data folder on this machine, by login name: the break-glass door.
    Os(String),
    /// An agent, by the number of the asset it runs on.
    Agent(i64),
}

impl std::fmt::Display for Ident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Service(name) => write!(f, "service:{name}"),
            Self::Os(name) => write!(f, "os:{name}"),
            Self::Agent(id) => write!(f, "agent:{id}"),
        }
    }
}

impl std::str::FromStr for Ident {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |id: &str| id.parse().map_err(|_| Error::internal("ident", text));
        match text.split_once(':') {
            None if text == "nobody" => Ok(Self::Nobody),
            Some(("user", id)) => Ok(Self::User(number(id)?)),
            Some(("agent", id)) => Ok(Self::Agent(number(id)?)),
            Some(("service", name)) => Ok(Self::Service(name.into())),
            Some(("os", name)) => Ok(Self::Os(name.into())),
            _ => Err(Error::internal("ident", text)),
        }
    }
}

/// How far one grant reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every row.
    Everything,
    /// Rows at these places; the list already holds the places below them.
    Places(Vec<i64>),
    /// Rows of these teams.
    Teams(Vec<i64>),
    /// Rows that belong to the actor: requested, owned or assigned.
    Own,
}

/// One grant: a pattern of operation names and a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// An operation name in which `*` stands for any run of characters.
    pub pattern: String,
    /// How far it reaches.
    pub scope: Scope,
    /// From when on it no longer counts.
    pub expires_at: Option<Time>,
}

/// When the actor last proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Never in this session, or a token without that right.
    None,
    /// At this moment, by password or second factor.
    At(Time),
    /// Not needed: a service, the machine's owner, a token made for it.
    Standing,
}

/// The actor of a call, with everything that decides what they may do.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who.
    pub ident: Ident,
    /// Their name in audit and history.
    pub name: String,
    /// What they hold.
    pub grants: Vec<Grant>,
    /// The teams they belong to.
    pub teams: Vec<i64>,
    /// When they proved who they are.
    pub proof: Proof,
    /// The patterns of the token they came with: what fits none of them is refused, even what needs no grant. Empty when
    /// nothing narrows them.
    pub patterns: Vec<String>,
}

/// The union of the scopes under which an actor holds an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Every row; the other fields do not matter then.
    pub everything: bool,
    /// Rows at these places.
    pub places: Vec<i64>,
    /// Rows of these teams.
    pub teams: Vec<i64>,
    /// Rows that belong to this user.
    pub own: Option<i64>,
}

impl Actor {
    /// Nobody.
    pub fn nobody() -> Self {
        Self {
            ident: Ident::Nobody,
            name: "nobody".into(),
            grants: Vec::new(),
            teams: Vec::new(),
            proof: Proof::None,
            patterns: Vec::new(),
        }
    }

    /// A service identity with grants to everything that matches the patterns.
    pub fn service(name: &str, patterns: &[&str]) -> Self {
        let grants = patterns.iter().map(|pattern| Grant::everywhere(pattern)).collect();
        Self {
            ident: Ident::Service(name.into()),
            name: name.into(),
            grants,
            teams: Vec::new(),
            proof: Proof::Standing,
            patterns: Vec::new(),
        }
    }

    /// The owner of the data folder: may do everything, and is audited by login name.
    pub fn os(login: &str) -> Self {
        Self {
            ident: Ident::Os(login.into()),
            name: login.into(),
            grants: vec![Grant::everywhere("*")],
            teams: Vec::new(),
            proof: Proof::Standing,
            patterns: Vec::new(),
        }
    }

    /// The same actor with no more than the patterns of a token leave; no pattern narrows nothing.
    #[must_use]
    pub fn narrowed(self, patterns: &[String]) -> Self {
        if patterns.is_empty() {
            return self;
        }
        let grants = self.grants.iter().flat_map(|grant| grant.narrowed(patterns)).collect();
        Self { grants, patterns: patterns.to_vec(), ..self }
    }

    /// True unless the actor is narrowed to patterns and the operation fits none of them.
    pub fn fits(&self, operation: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| matches(pattern, operation))
    }

    /// The user number, if the actor is a person.
    pub fn user(&self) -> Option<i64> {
        if let Ident::User(id) = self.ident { Some(id) } else { None }
    }

    /// The user as a reference.
    pub fn user_ref(&self) -> Option<Ref> {
        self.user().map(|id| Ref::new("user", id))
    }

    /// How far the actor's grants for an operation reach now; `None` when there is no grant at all.
    pub fn reach(&self, operation: &str, now: Time) -> Option<Reach> {
        let mut reach = Reach::default();
        let mut any = false;
        let current =
            |grant: &&Grant| grant.expires_at.is_none_or(|end| now < end) && matches(&grant.pattern, operation);
        for grant in self.grants.iter().filter(current) {
            match &grant.scope {
                Scope::Everything => reach.everything = true,
                Scope::Places(places) => reach.places.extend(places),
                Scope::Teams(teams) => reach.teams.extend(teams),
                Scope::Own => match self.user() {
                    Some(user) => reach.own = Some(user),
                    None => continue,
                },
            }
            any = true;
        }
        for list in [&mut reach.places, &mut reach.teams] {
            list.sort_unstable();
            list.dedup();
        }
        any.then_some(reach)
    }
}

impl Grant {
    /// A grant for every row, without an end.
    pub fn everywhere(pattern: &str) -> Self {
        Self { pattern: pattern.into(), scope: Scope::Everything, expires_at: None }
    }

    /// What is left of the grant under patterns: never more than the grant, never more than a pattern.
    pub fn narrowed(&self, patterns: &[String]) -> Vec<Self> {
        let left = patterns.iter().filter_map(|pattern| both(&self.pattern, pattern));
        left.map(|pattern| Self { pattern, ..self.clone() }).collect()
    }
}

/// A pattern for names that fit both; where that cannot be written as one pattern, none.
fn both(one: &str, two: &str) -> Option<String> {
    if matches(one, two) {
        return Some(two.to_owned());
    }
    if matches(two, one) {
        return Some(one.to_owned());
    }
    let prefix = |text: &str| text.strip_suffix('*').filter(|rest| !rest.contains('*')).map(str::to_owned);
    let suffix = |text: &str| text.strip_prefix('*').filter(|rest| !rest.contains('*')).map(str::to_owned);
    let join = |front: Option<String>, back: Option<String>| Some(format!("{}*{}", front?, back?));
    join(prefix(one), suffix(two)).or_else(|| join(prefix(two), suffix(one)))
}

/// True when `name` fits `pattern`, in which `*` stands for any run of characters.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names_with_stars_as_wildcards() {
        for (pattern, name, expected) in [
            ("*", "desk.ticket.open", true),
            ("desk.*", "desk.ticket.open", true),
            ("desk.*", "deskx.ticket", false),
            ("*.list", "desk.ticket.list", true),
            ("*.list", "desk.ticket.listed", false),
            ("desk.*.list", "desk.ticket.list", true),
            ("desk.ticket.open", "desk.ticket.open", true),
            ("desk.ticket.open", "desk.ticket.opener", false),
            ("", "desk", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} against {name}");
        }
    }

    #[test]
    fn an_expired_grant_and_an_own_grant_of_a_service_reach_nothing() {
        let mut actor = Actor::service("robot", &[]);
        actor.grants.push(Grant { pattern: "a.b".into(), scope: Scope::Own, expires_at: None });
        actor.grants.push(Grant { pattern: "a.b".into(), scope: Scope::Everything, expires_at: Some(Time(10)) });
        assert!(actor.reach("a.b", Time(9)).is_some_and(|reach| reach.everything));
        assert_eq!(actor.reach("a.b", Time(10)), None);
    }

    #[test]
    fn patterns_of_a_token_leave_what_both_allow() {
        for (one, two, left) in [
            ("*", "desk.ticket.list", Some("desk.ticket.list")),
            ("desk.ticket.list", "*", Some("desk.ticket.list")),
            ("desk.*", "*.list", Some("desk.*.list")),
            ("*.list", "desk.*", Some("desk.*.list")),
            ("desk.*", "assets.*", None),
            ("desk.ticket.open", "*.list", None),
        ] {
            assert_eq!(both(one, two).as_deref(), left, "{one} and {two}");
        }
    }

    #[test]
    fn what_is_left_under_patterns_never_matches_a_name_that_one_of_both_does_not() {
        let patterns = ["*", "desk.*", "*.list", "desk.ticket.*", "*.ticket.*", "desk.ticket.list", "d*t", "*a*b*"];
        let names =
            ["desk.ticket.list", "desk.view.list", "assets.thing.list", "desk.list", "dt", "ab", "desk.ticket.open"];
        for one in patterns {
            for two in patterns {
                let Some(left) = both(one, two) else { continue };
                for name in names.iter().filter(|name| matches(&left, name)) {
                    assert!(matches(one, name) && matches(two, name), "{one} and {two} gave {left} for {name}");
                }
            }
        }
    }

    #[test]
    fn a_narrowed_actor_keeps_within_its_patterns_and_an_unnarrowed_one_fits_everything() {
        let whole = Actor::os("root");
        assert!(whole.fits("people.me.update") && whole.clone().narrowed(&[]).fits("people.me.update"));
        let less = whole.narrowed(&["desk.*".to_owned()]);
        assert!(less.fits("desk.ticket.list") && !less.fits("people.me.update"));
        assert!(less.reach("desk.ticket.list", Time(0)).is_some() && less.reach("people.me.update", Time(0)).is_none());
    }
}
