//! What a filter of things means in SQL.

use kernel::db::{Query, Tx};
use kernel::{Result, Time};
use people::filter::{Filter, Relation, Term};

use crate::relation::coverage::Need;

/// A filter whose names were looked up: what `me`, a place or a team's short name stand for.
pub(crate) struct Narrow {
    pub(crate) terms: Vec<(Term, Vec<i64>)>,
}

impl Narrow {
    /// Looks up what the filter names.
    pub(crate) fn of(tx: &mut Tx<'_>, filter: &Filter, me: Option<i64>) -> Result<Self> {
        let mut terms = Vec::new();
        for term in filter.terms() {
            let mut ids = Vec::new();
            for value in &term.values {
                match (term.field.as_deref(), value.as_str()) {
                    (Some("owner"), "me") => ids.extend(me),
                    (Some("team" | "owner" | "place"), "none") => {}
                    (Some("owner"), login) => ids.extend(people::user_by_login(tx, login)?),
                    (Some("team"), slug) => ids.extend(people::team_by_slug(tx, slug)?.map(|team| team.id)),
                    (Some("place"), name) => ids.extend(people::places_named(tx, name)?),
                    _ => {}
                }
            }
            terms.push((term.clone(), ids));
        }
        Ok(Self { terms })
    }

    pub(super) fn push(&self, query: &mut Query, now: Time) -> Result<()> {
        for (term, ids) in &self.terms {
            query.push(if term.negated { " AND NOT (" } else { " AND (" });
            one(query, term, ids, now)?;
            query.push(")");
        }
        Ok(())
    }
}

/// The fields that [`one`] knows.
const KNOWN: &str =
    "kind:, status:, criticality:, tag:, team:, owner:, place:, lacks:, seen<AGE, seen>AGE and seen:never";

/// One condition, written so that it is always true or false, also for what is not known, and so that an index serves it.
fn one(query: &mut Query, term: &Term, ids: &[i64], now: Time) -> Result<()> {
    let none = term.values.iter().any(|value| value == "none");
    match (term.field.as_deref(), term.relation) {
        (None, _) => word(query, term.value()),
        (Some("kind"), Relation::Is) => drop(query.push("a.kind IN ").list(&term.values)),
        (Some("status"), Relation::Is) => drop(query.push("a.status IN ").list(&term.values)),
        (Some("criticality"), Relation::Is) => drop(query.push("a.criticality IN ").list(&term.values)),
        (Some("tag"), Relation::Is) => drop(query.push("a.tag IN ").list(&term.values)),
        (Some("team"), Relation::Is) => {
            query.push(if none {
                "a.team_id IS NULL OR a.team_id IN "
            } else {
                "a.team_id IS NOT NULL AND a.team_id IN "
            });
            query.list(&pointed(ids));
        }
        (Some("owner"), Relation::Is) => {
            query.push(if none {
                "a.owner_id IS NULL OR a.owner_id IN "
            } else {
                "a.owner_id IS NOT NULL AND a.owner_id IN "
            });
            query.list(&pointed(ids));
        }
        (Some("place"), Relation::Is) => {
            query.push(if none {
                "a.place_id IS NULL OR a.place_id IN "
            } else {
                "a.place_id IS NOT NULL AND a.place_id IN "
            });
            query.list(&pointed(ids));
        }
        (Some("lacks"), Relation::Is) => lacks(query, term)?,
        (Some("seen"), Relation::Is) if term.value() == "never" => {
            query.push("a.last_seen_at IS NULL");
        }
        // What was never seen is neither recent nor long ago, also when the condition is turned around.
        (Some("seen"), Relation::Less) => {
            query.push("a.last_seen_at IS NOT NULL AND a.last_seen_at > ").bind(now.plus(-age(term)?));
        }
        (Some("seen"), Relation::More) => {
            query.push("a.last_seen_at IS NOT NULL AND a.last_seen_at < ").bind(now.plus(-age(term)?));
        }
        _ => return Err(term.unknown(KNOWN)),
    }
    Ok(())
}

/// Of what is in use it is not known what it stands on; the same as what coverage counts.
fn lacks(query: &mut Query, term: &Term) -> Result<()> {
    for (at, word) in term.values.iter().enumerate() {
        let need = Need::parse(word).ok_or_else(|| term.unknown("lacks:network, names, power, host or service"))?;
        let relations: Vec<&str> = need.relations().iter().map(|kind| kind.as_str()).collect();
        query.push(if at == 0 { "(" } else { " OR (" });
        query.push("a.status <> 'retired' AND a.kind IN ").list(need.kinds());
        query.push(
            " AND NOT EXISTS (SELECT 1 FROM assets_relations r JOIN assets_things b ON b.id = r.to_id AND b.status <> 'retired' \
             WHERE r.from_id = a.id AND r.kind IN ",
        );
        query.list(&relations).push("))");
    }
    Ok(())
}

/// Numbers to look for. What was named but is not known is a number that nothing has: an empty list would make the
/// condition neither true nor false, and turned around it would still hide everything.
fn pointed(ids: &[i64]) -> Vec<i64> {
    if ids.is_empty() { vec![-1] } else { ids.to_vec() }
}

fn age(term: &Term) -> Result<i64> {
    use kernel::time::{DAY, HOUR, MINUTE, SECOND};
    let wrong = || term.unknown("an age such as seen<15min, seen>2h or seen>7d");
    let text = term.value();
    let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(end).ok_or_else(wrong)?;
    let unit = match unit {
        "s" => SECOND,
        "m" | "min" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        _ => return Err(wrong()),
    };
    number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)
}

fn word(query: &mut Query, word: &str) {
    let like = people::filter::like(word);
    // A tag has only letters of ASCII, which every engine folds by itself.
    query
        .push("COALESCE(a.folded, lower(a.name)) LIKE ")
        .bind(like.as_str())
        .push(" ESCAPE '\\' OR lower(a.tag) LIKE ");
    query.bind(like.as_str()).push(" ESCAPE '\\'");
    query.push(" OR a.id IN (SELECT e.asset_id FROM assets_evidence e WHERE e.value = ");
    query.bind(word.to_lowercase()).push(")");
}
