//! How the engine finds the rows of lists.

use kernel::world::World;

use super::*;

#[test]
fn lists_of_runs_go_by_an_index() {
    let domains = vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel];
    let world = World::new(domains).unwrap();
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
        let Some(plan) = world.plan(query.sql()).unwrap() else { return };
        let plan = plan.join("; ");
        assert!(plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{index}: {plan}");
    }
}
