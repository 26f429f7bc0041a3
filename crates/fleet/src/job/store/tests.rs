//! How the engine finds the rows of lists, and what it reads of them.

use kernel::Reach;
use kernel::world::World;

use super::*;
use crate::job::list::Filter;

#[test]
fn lists_of_jobs_go_by_an_index_and_leave_long_texts_where_they_are() {
    let domains = vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel];
    let world = World::new(domains).unwrap();
    let everything = Reach { everything: true, ..Reach::default() };
    let filter =
        |asset, agent, state: Option<&str>| Filter { asset, agent, state: state.map(str::to_owned), before: i64::MAX };
    for (index, filter) in [
        ("fleet_jobs_agent", filter(None, Some(3), None)),
        ("fleet_jobs_state", filter(None, None, Some("failed"))),
        ("fleet_jobs_asset", filter(Some(3), None, None)),
    ] {
        let query = page_query(&filter, &everything, 51);
        let Some(plan) = world.plan(query.sql()).unwrap() else { return };
        let plan = plan.join("; ");
        assert!(plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{index}: {plan}");
        assert!(!query.sql().contains("j.output,") && !query.sql().contains("j.plan,"), "{}", query.sql());
    }
}
