//! What the targets of policies are called where people read and write them; the API keeps their numbers.

use std::collections::BTreeMap;

use kernel::Result;
use web::page::PageCx;

use crate::policy::{Policy, Target};

/// What one target is called.
#[derive(Debug)]
struct Name {
    /// Where it is read: `rota Infra`.
    shown: String,
    /// Where it is written: `rota:infra`.
    written: String,
}

/// Names of targets by their kept text.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, Name>);

impl Names {
    /// How targets are read.
    pub(super) fn shown<'a>(&'a self, targets: &'a [String]) -> Vec<&'a str> {
        targets.iter().map(|text| self.0.get(text).map_or(text.as_str(), |name| &name.shown)).collect()
    }

    /// How targets are written, so that saving them unchanged keeps them.
    pub(super) fn written<'a>(&'a self, targets: &'a [String]) -> Vec<&'a str> {
        targets.iter().map(|text| self.0.get(text).map_or(text.as_str(), |name| &name.written)).collect()
    }

    #[cfg(test)]
    pub(super) fn of<const N: usize>(all: [(&str, &str, &str); N]) -> Self {
        let name = |shown: &str, written: &str| Name { shown: shown.to_owned(), written: written.to_owned() };
        Self(all.into_iter().map(|(kept, shown, written)| (kept.to_owned(), name(shown, written))).collect())
    }
}

/// What the targets of policies are called.
pub(super) fn names(page: &mut PageCx, policies: &[Policy]) -> Result<Names> {
    let texts = policies.iter().flat_map(|one| &one.steps).flat_map(|step| &step.targets);
    let targets: Vec<(String, Target)> = texts.filter_map(|text| Some((text.clone(), text.parse().ok()?))).collect();
    let of =
        |wanted: fn(Target) -> Option<i64>| targets.iter().filter_map(|(_, one)| wanted(*one)).collect::<Vec<i64>>();
    let users = of(|one| if let Target::User(id) = one { Some(id) } else { None });
    let teams = of(|one| if let Target::Team(id) = one { Some(id) } else { None });
    let tx = &mut *page.cx.tx;
    let logins = people::written(tx, "user", &users)?;
    let users = people::names(tx, "user", &users)?;
    let slugs = people::written(tx, "team", &teams)?;
    let teams = people::names(tx, "team", &teams)?;
    let (mut rotas, mut rota_slugs) = (BTreeMap::new(), BTreeMap::new());
    for (id, slug, name) in people::rota::options(tx)? {
        rotas.insert(id, name);
        rota_slugs.insert(id, slug);
    }
    let channels: BTreeMap<i64, String> =
        crate::channel::store::all(tx)?.into_iter().map(|one| (one.id, one.name)).collect();
    let name = |(text, target): (String, Target)| {
        let (word, kind, found, short) = match target {
            Target::User(id) => ("", "user", users.get(&id), logins.get(&id)),
            Target::Team(id) => ("team ", "team", teams.get(&id), slugs.get(&id)),
            Target::Rota(id) => ("rota ", "rota", rotas.get(&id), rota_slugs.get(&id)),
            Target::Channel(id) => ("", "channel", channels.get(&id), channels.get(&id)),
            Target::OwnTeam => return (text.clone(), Name { shown: "the group's team".to_owned(), written: text }),
            Target::Default => return (text.clone(), Name { shown: "the default".to_owned(), written: text }),
        };
        let shown = found.map_or_else(|| format!("a deleted {kind} ({text})"), |name| format!("{word}{name}"));
        let written =
            short.filter(|short| speaks(short)).map_or_else(|| text.clone(), |short| format!("{kind}:{short}"));
        (text, Name { shown, written })
    };
    Ok(Names(targets.into_iter().map(name).collect()))
}

/// A name that is read back as itself: no list of two, no number.
fn speaks(name: &str) -> bool {
    name.trim() == name && !name.is_empty() && !name.contains([',', '\n']) && name.parse::<i64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_be_read_as_something_else_is_written_by_its_number() {
        assert!(speaks("ops-chat") && speaks("Ops chat"));
        for name in ["12", "ops, chat", " ops", ""] {
            assert!(!speaks(name), "{name}");
        }
    }
}
