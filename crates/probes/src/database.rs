//! A database lets a login in and answers a query. The session is made read-only first; one cell of the answer is judged.

use serde::{Deserialize, Serialize};

use crate::mail::Security;
use crate::text::{ms, shorten, too_slow};
use crate::{Around, Secret, Seen, mysql, postgres};

/// Most bytes of one message of a server.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Most messages of one answer.
pub(crate) const MESSAGES_MAX: usize = 10_000;

/// A database answers. Value: milliseconds for login and query.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Database {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is secured: `none`, or as the server's protocol does it.
    pub security: Security,
    /// Any certificate will do.
    pub any_certificate: bool,
    /// The account.
    pub user: Option<String>,
    /// Its password.
    #[serde(skip_serializing_if = "Secret::is_none")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub password: Secret,
    /// The database.
    pub database: Option<String>,
    /// The query; `SELECT 1` if absent.
    pub query: Option<String>,
    /// What the first cell of the answer must be.
    pub expect: Option<String>,
    /// Least number that the first cell may be.
    pub min_value: Option<f64>,
    /// Greatest number that the first cell may be.
    pub max_value: Option<f64>,
    /// Longest time for login and query, in milliseconds.
    pub max_ms: Option<u32>,
}

/// Which protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    Mysql,
}

/// What a server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What the server calls itself.
    pub(crate) version: String,
    pub(crate) rows: usize,
    /// The first cell of the first row; nothing when there is no row, or it is NULL.
    pub(crate) first: Option<String>,
}

impl Database {
    pub(crate) fn query(&self) -> &str {
        self.query.as_deref().filter(|query| !query.trim().is_empty()).unwrap_or("select 1")
    }
}

/// Signs in, asks, judges.
pub(crate) async fn look(database: &Database, engine: Engine, around: &Around) -> Seen {
    let start = std::time::Instant::now();
    let answer = match engine {
        Engine::Postgres => postgres::ask(database, around).await,
        Engine::Mysql => mysql::ask(database, around).await,
    };
    let took = ms(start.elapsed());
    match answer {
        Ok(answer) => judge(database, engine, &answer, took),
        Err(e) => Seen::bad(None, e),
    }
}

fn judge(database: &Database, engine: Engine, answer: &Answer, took: f64) -> Seen {
    let shown =
        answer.first.as_deref().map_or_else(|| "nothing".to_owned(), |cell| format!("{:?}", shorten(cell, 150)));
    let number = answer.first.as_deref().and_then(|cell| cell.trim().parse::<f64>().ok());
    let outside = |value: f64| {
        let least = database.min_value.filter(|least| value < *least).map(|least| format!("at least {least}"));
        least.or_else(|| database.max_value.filter(|most| value > *most).map(|most| format!("at most {most}")))
    };
    let bounded = database.min_value.is_some() || database.max_value.is_some();
    let wrong = match (&database.expect, number) {
        (Some(expect), _) if answer.first.as_deref() != Some(expect.as_str()) => {
            Some(format!("the query answers {shown}, not {expect:?}"))
        }
        (_, None) if bounded => Some(format!("the query answers {shown}, which is no number")),
        (_, Some(value)) => outside(value).map(|allowed| format!("the query answers {value}, {allowed} is allowed")),
        _ => None,
    };
    let wrong = wrong.or_else(|| too_slow("login and query", took, database.max_ms));
    let name = if engine == Engine::Postgres { "PostgreSQL" } else { "MySQL" };
    let fine = format!("{name} {} on {} answers {shown} in {took:.0} ms", shorten(&answer.version, 60), database.host);
    let seen = Seen::judged(took, wrong, fine).figure("rows", answer.rows as f64);
    match number {
        Some(number) => seen.figure("result", number),
        None => seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn the_first_cell_is_judged_as_text_or_as_a_number() {
        let answer = |cell: Option<&str>| Answer { version: "15.4".into(), rows: 1, first: cell.map(str::to_owned) };
        let plain = Database { host: "db".into(), ..Database::default() };
        let exact = Database { expect: Some("t".into()), ..plain.clone() };
        let bounded = Database { min_value: Some(1.0), max_value: Some(30.0), max_ms: Some(100), ..plain.clone() };
        for (database, cell, outcome, part) in [
            (&plain, Some("1"), Outcome::Good, "PostgreSQL 15.4 on db answers \"1\" in 5 ms"),
            (&plain, None, Outcome::Good, "answers nothing"),
            (&exact, Some("t"), Outcome::Good, ""),
            (&exact, Some("f"), Outcome::Bad, "answers \"f\", not \"t\""),
            (&bounded, Some("30"), Outcome::Good, ""),
            (&bounded, Some("31"), Outcome::Bad, "at most 30 is allowed"),
            (&bounded, Some("0"), Outcome::Bad, "at least 1 is allowed"),
            (&bounded, Some("x"), Outcome::Bad, "which is no number"),
            (&bounded, None, Outcome::Bad, "which is no number"),
        ] {
            let seen = judge(database, Engine::Postgres, &answer(cell), 5.0);
            assert_eq!(seen.outcome, outcome, "{}", seen.evidence);
            assert!(seen.evidence.contains(part), "{}", seen.evidence);
        }
        assert!(judge(&bounded, Engine::Mysql, &answer(Some("5")), 101.0).evidence.contains("took 101 ms"));
    }
}
