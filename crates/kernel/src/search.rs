//! Full text in the same transaction as what it is about, on both engines. Every document carries scope tokens, so that
//! the index itself only answers what the actor's grants reach. Text from users never becomes query syntax.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::limits;
use crate::operation::{Access, Effect, Operation, Route, get};
use crate::reference::Ref;
use crate::time::Time;

pub(crate) mod store;

/// Whose rows a document counts among: what a [`crate::Reach`] is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeToken {
    /// Rows of this team.
    Team(i64),
    /// Rows at this place.
    Place(i64),
    /// Rows that belong to this user: requested, owned or assigned.
    User(i64),
    /// Whoever holds any grant for the noun's list operation.
    Anybody,
}

/// Something that can be found. Who holds the noun's list operation for everything always finds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What it is; its kind must be a registered noun to be found.
    pub subject: Ref,
    /// One line; searched, and shown in results.
    pub title: String,
    /// More text to search; cut at [`limits::SEARCH_BYTES_MAX`].
    pub body: String,
    /// Who may find it.
    pub scopes: Vec<ScopeToken>,
    /// Its moment, for the order of results.
    pub at: Time,
}

/// A thing that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// What was found.
    pub subject: Ref,
    /// Its title when it was indexed.
    pub title: String,
}

impl Cx<'_, '_> {
    /// Makes a thing findable, or replaces what was indexed of it. Searches see it after commit.
    pub fn index(&mut self, document: &Document) -> Result<()> {
        let words = words(&format!("{} {}", document.title, document.body), limits::SEARCH_BYTES_MAX);
        let scopes: Vec<String> =
            document.scopes.iter().map(|scope| token(&document.subject.kind, Some(*scope))).collect();
        let all = token(&document.subject.kind, None);
        store::put(self.tx, document, &words, &[vec![all], scopes].concat())
    }

    /// Makes a thing unfindable.
    pub fn unindex(&mut self, subject: &Ref) -> Result<()> {
        store::delete(self.tx, subject)
    }

    /// The newest things that have every word, the last word as a beginning; `kinds` empty means all. Only what the
    /// actor's grants for each noun's list operation reach.
    pub fn search(&mut self, text: &str, kinds: &[&str], limit: usize) -> Result<Vec<Hit>> {
        let words = words(text, limits::SEARCH_QUERY_BYTES_MAX);
        let mut scopes = Vec::new();
        for noun in self.kernel.registry().nouns() {
            if kinds.is_empty() || kinds.contains(&noun.kind) {
                scopes.extend(self.tokens_within_reach(noun.kind, noun.list));
            }
        }
        if words.is_empty() || scopes.is_empty() {
            return Ok(Vec::new());
        }
        store::find(self.tx, &words, &scopes, limit)
    }

    fn tokens_within_reach(&self, kind: &str, list: &str) -> Vec<String> {
        let access = self.kernel.registry().operation(list).map(|entry| entry.access);
        let own = |user: Option<i64>| user.map(|user| token(kind, Some(ScopeToken::User(user))));
        match access {
            Some(Access::Anyone) => vec![token(kind, None)],
            Some(Access::SignedIn) if !self.actor.fits(list) => Vec::new(),
            Some(Access::SignedIn) => own(self.actor.user()).into_iter().collect(),
            Some(Access::Grant) => match self.actor.reach(list, self.now) {
                None => Vec::new(),
                Some(reach) if reach.everything => vec![token(kind, None)],
                Some(reach) => {
                    let teams = reach.teams.iter().map(|team| token(kind, Some(ScopeToken::Team(*team))));
                    let places = reach.places.iter().map(|place| token(kind, Some(ScopeToken::Place(*place))));
                    let anybody = std::iter::once(token(kind, Some(ScopeToken::Anybody)));
                    teams.chain(places).chain(own(reach.own)).chain(anybody).collect()
                }
            },
            None => Vec::new(),
        }
    }
}

/// A scope as one word of letters and digits; a kind has no digits, so the 0 ends it.
fn token(kind: &str, scope: Option<ScopeToken>) -> String {
    let kind: String = kind.chars().map(|c| if c == '_' { '9' } else { c }).collect();
    match scope {
        None => format!("{kind}0all"),
        Some(ScopeToken::Anybody) => format!("{kind}0any"),
        Some(ScopeToken::Team(id)) => format!("{kind}0t{id}"),
        Some(ScopeToken::Place(id)) => format!("{kind}0p{id}"),
        Some(ScopeToken::User(id)) => format!("{kind}0u{id}"),
    }
}

/// The words of a text in lower case, each once, in order of first appearance.
fn words(text: &str, bytes_max: usize) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut words = Vec::new();
    let mut total = 0;
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty() && word.len() <= 200) {
        let word = word.to_lowercase();
        total += word.len() + 1;
        if total > bytes_max {
            break;
        }
        if seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

/// Search everything you may see.
///
/// Finds tickets, things, people and the rest by the words in them, newest first. The last word may be the beginning of
/// one, from two letters on. A reference such as `ticket:4821` finds that one.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct FindAnything {
    /// The words to look for.
    pub text: String,
    /// Only these kinds, for example `ticket`; all when left out.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Most results, 1 to 50.
    pub limit: Option<usize>,
}

/// What a search found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The results, newest first.
    pub items: Vec<FoundItem>,
}

/// One result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FoundItem {
    /// What was found.
    #[serde(rename = "ref")]
    pub subject: Ref,
    /// Its kind.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Its page.
    pub href: String,
}

impl Operation for FindAnything {
    const NAME: &'static str = "kernel.search.find";
    const ROUTE: Route = get("/search");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Read;
    type Output = Found;

    fn run(&self, cx: &mut Cx) -> Result<Found> {
        let limit = self.limit.unwrap_or(20);
        if !(1..=50).contains(&limit) {
            return Err(Error::invalid("limit", "Ask for 1 to 50 results."));
        }
        let kinds: Vec<&str> = self.kinds.iter().map(String::as_str).collect();
        let mut refs: Vec<Ref> = self.text.trim().parse::<Ref>().into_iter().collect();
        refs.extend(cx.search(&self.text, &kinds, limit)?.into_iter().map(|hit| hit.subject));
        let mut resolved = cx.resolve(&refs)?;
        let items = refs.into_iter().filter_map(|subject| {
            let found = resolved.remove(&subject)?;
            Some(FoundItem { kind: subject.kind.clone().into_owned(), subject, title: found.title, href: found.href })
        });
        Ok(Found { items: items.take(limit).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_in_lower_case_each_once() {
        assert_eq!(words("Printer \"OR\" printer* NEAR(x) Åse's", 100), ["printer", "or", "near", "x", "åse", "s"]);
        assert_eq!(words("aaaa bbbb cccc", 10), ["aaaa", "bbbb"]);
    }

    #[test]
    fn tokens_of_two_kinds_never_meet() {
        assert_eq!(token("alert_group", Some(ScopeToken::Team(5))), "alert9group0t5");
        assert_ne!(token("a", None), token("a_", None));
    }
}
