//! What names say: how they are built, and the words in them that not everything has.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Thing;
use crate::score::Case;

/// Shorter words of names say nothing.
const WORD_MIN: usize = 2;
/// Among fewer things no word is called common.
const THINGS_MIN: usize = 8;

/// How a name is built: its numbers and the words of its site do not count.
pub(crate) fn role(thing: &Thing) -> String {
    let site: BTreeSet<String> = split(&thing.site).collect();
    let mut role = String::with_capacity(thing.name.len());
    let mut rest = thing.name.as_str();
    while let Some(letter) = rest.chars().next() {
        let sort = |one: char| (one.is_ascii_digit(), one.is_alphabetic());
        let end = rest.find(|other: char| sort(other) != sort(letter)).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        match letter.is_ascii_digit() || site.contains(&run.to_lowercase()) {
            true => role.push('#'),
            false => role.push_str(run),
        }
        rest = tail;
    }
    role
}

/// The words of names, as far as they say something: not those that most things have.
pub(crate) struct Spoken {
    common: BTreeSet<String>,
}

impl Spoken {
    pub(crate) fn new(case: &Case<'_>) -> Self {
        let (mut of, mut all) = (BTreeMap::<String, usize>::new(), 0_usize);
        let places = u32::try_from(case.graph.places()).unwrap_or(u32::MAX);
        for node in (0..places).filter_map(|place| case.graph.node(place)) {
            all += 1;
            for word in split(&node.thing.name).collect::<BTreeSet<_>>() {
                *of.entry(word).or_default() += 1;
            }
        }
        let common = of.into_iter().filter(|(_, many)| all >= THINGS_MIN && many * 2 > all).map(|(word, _)| word);
        Self { common: common.collect() }
    }

    /// The words of a name that say something.
    pub(super) fn words<'n>(&'n self, name: &'n str) -> impl Iterator<Item = String> + 'n {
        split(name).filter(|word| !self.common.contains(word))
    }

    /// How a name begins, when more follows and it says something.
    pub(super) fn start(&self, name: &str) -> Option<String> {
        let start: String = name.chars().take_while(|letter| letter.is_alphabetic()).collect::<String>().to_lowercase();
        let says = start.chars().count() >= WORD_MIN && start.len() < name.len() && !self.common.contains(&start);
        says.then_some(start)
    }
}

/// The words of a name: `sw-osl-02` says `sw` and `osl`, `srv01.r12` says `srv`, `srv01` and `r12`.
fn split(name: &str) -> impl Iterator<Item = String> + '_ {
    let parts = name.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase);
    let both = parts.flat_map(|part| {
        let start: String = part.chars().take_while(|letter| letter.is_alphabetic()).collect();
        let whole = (start.len() < part.len()).then_some(part);
        std::iter::once(start).chain(whole)
    });
    both.filter(|word| word.chars().count() >= WORD_MIN && word.chars().any(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_a_name_without_its_numbers_and_the_words_of_its_site() {
        let role = |name: &str, site: &str| {
            role(&Thing { id: 1, kind: "router".into(), name: name.into(), site: site.into() })
        };
        assert_eq!(role("gw-oslo", "oslo"), role("gw-Bergen", "Bergen city"));
        assert_eq!(role("srv-12-web3", ""), "srv-#-web#");
        assert_ne!(role("gw-oslo", "bergen"), role("gw-bodo", "bergen"));
        assert_eq!(role("shop-7.till", "shop-7"), "#-#.till");
    }
}
