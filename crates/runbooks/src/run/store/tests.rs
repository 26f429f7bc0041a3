//! How the engine finds the rows of lists.

use kernel::db::{Options, Source};
use kernel::world::{START, World};

use super::*;

/// A world on SQLite, whatever the other tests run on: the plans are its.
fn world() -> World {
    let folder = std::env::temp_dir().join(format!("mainstay_plans_runbooks_{}", std::process::id()));
    let source = Source::Sqlite(folder.join("mainstay.db"));
    let domains = vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel];
    World::open(domains, Options::default(), source, folder, kernel::time::Clock::fake(START)).unwrap()
}

#[test]
fn lists_of_runs_go_by_an_index() {
    let world = world();
    let everything = Reach { everything: true, ..Reach::default() };
    let filters = [
        ("runbooks_runs_check", Filter { check: Some(3), ..Filter::default() }),
        ("runbooks_runs_state", Filter { state: Some(RunState::Failed), ..Filter::default() }),
        ("runbooks_runs_asset", Filter { asset: Some(3), ..Filter::default() }),
        ("runbooks_runs_cause", Filter { cause: Some(Ref::new("alert_group", 9)), ..Filter::default() }),
        ("runbooks_runs_runbook", Filter { runbook: Some(3), ..Filter::default() }),
    ];
    for (index, filter) in filters {
        let query = page_query(&filter, &everything, i64::MAX, 51);
        let explain = format!("EXPLAIN QUERY PLAN {}", query.sql());
        let values = vec![Value::from(1_i64); query.sql().matches('?').count()];
        let read =
            |tx: &mut Tx<'_>| tx.query(&explain, &values)?.iter().map(|row| row.text(3)).collect::<Result<Vec<_>>>();
        let plan = world.kernel.db.read(read).unwrap().join("; ");
        assert!(plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{index}: {plan}");
    }
}
