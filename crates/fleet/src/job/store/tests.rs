//! How the engine finds the rows of lists, and what it reads of them.

use kernel::Reach;
use kernel::db::{Options, Source, Value};
use kernel::world::{START, World};

use super::*;
use crate::job::list::Filter;

/// A world on SQLite, whatever the other tests run on: the plans are its.
fn world() -> World {
    let folder = std::env::temp_dir().join(format!("mainstay_plans_fleet_{}", std::process::id()));
    let source = Source::Sqlite(folder.join("mainstay.db"));
    let domains = vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel];
    World::open(domains, Options::default(), source, folder, kernel::time::Clock::fake(START)).unwrap()
}

#[test]
fn lists_of_jobs_go_by_an_index_and_leave_long_texts_where_they_are() {
    let world = world();
    let everything = Reach { everything: true, ..Reach::default() };
    let filter =
        |asset, agent, state: Option<&str>| Filter { asset, agent, state: state.map(str::to_owned), before: i64::MAX };
    for (index, filter) in [
        ("fleet_jobs_agent", filter(None, Some(3), None)),
        ("fleet_jobs_state", filter(None, None, Some("failed"))),
        ("fleet_jobs_asset", filter(Some(3), None, None)),
    ] {
        let query = page_query(&filter, &everything, 51);
        let explain = format!("EXPLAIN QUERY PLAN {}", query.sql());
        let values = vec![Value::from(1_i64); query.sql().matches('?').count()];
        let read =
            |tx: &mut Tx<'_>| tx.query(&explain, &values)?.iter().map(|row| row.text(3)).collect::<Result<Vec<_>>>();
        let plan = world.kernel.db.read(read).unwrap().join("; ");
        assert!(plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{index}: {plan}");
        assert!(!query.sql().contains("j.output,") && !query.sql().contains("j.plan,"), "{}", query.sql());
    }
}
