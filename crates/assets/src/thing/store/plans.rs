//! How SQLite finds what the views ask for: by an index, never by looking at every thing.

use kernel::world::World;
use kernel::{Reach, Time};
use people::filter::Filter;

use super::{Narrow, Order, Wanted, counting, listing};

/// The plans of a list and of its count; `None` on an engine that chooses by what is in the tables.
fn plans(filter: &str, order: Order, reach: &Reach) -> Option<[Vec<String>; 2]> {
    let world = World::new(vec![people::domain().kernel, crate::domain().kernel]).unwrap();
    let queries = world.kernel.db.read(|tx| {
        let narrow = Narrow::of(tx, &Filter::parse(filter)?, Some(7))?;
        let wanted = Wanted { narrow: &narrow, reach, now: Time(0) };
        Ok([listing(&wanted, order, None, 51)?, counting(&wanted)?])
    });
    let [list, count] = queries.unwrap().map(|query| world.plan(query.sql()).unwrap());
    Some([list?, count?])
}

fn everything() -> Reach {
    Reach { everything: true, ..Reach::default() }
}

#[test]
fn a_plan_tells_that_every_thing_is_looked_at() {
    let Some([_, count]) = plans("-kind:printer", Order::Name, &everything()) else { return };
    assert!(count.iter().any(|step| step.starts_with("SCAN a")), "{count:?}");
}

#[test]
fn every_view_that_leaves_things_out_is_counted_and_listed_by_an_index() {
    for filter in [
        "owner:me -status:retired",
        "criticality:high,critical -status:retired",
        "seen>15min status:in_use",
        "status:retired",
        "team:none",
        "team:ghosts",
        "place:nowhere",
        "kind:printer",
    ] {
        let Some(plans) = plans(filter, Order::Name, &everything()) else { return };
        for steps in &plans {
            let scan = |step: &&String| step.starts_with("SCAN a");
            assert_eq!(steps.iter().find(scan), None, "{filter}: {steps:?}");
            assert!(steps.iter().any(|step| step.contains("INDEX assets_things_by_")), "{filter}: {steps:?}");
        }
    }
}

#[test]
fn what_one_value_narrows_comes_in_the_order_of_the_list_without_sorting() {
    for filter in ["owner:me", "owner:me -status:retired", "status:retired", "kind:printer", "-status:retired", ""] {
        let Some([list, _]) = plans(filter, Order::Name, &everything()) else { return };
        assert!(!list.iter().any(|step| step.contains("TEMP B-TREE")), "{filter}: {list:?}");
    }
    let Some([list, _]) = plans("-status:retired", Order::Updated, &everything()) else { return };
    assert!(!list.iter().any(|step| step.contains("TEMP B-TREE")), "{list:?}");
}

#[test]
fn what_a_role_reaches_is_counted_by_indexes() {
    let reach = Reach { teams: vec![1], places: vec![2], own: Some(7), ..Reach::default() };
    let Some([_, count]) = plans("-status:retired", Order::Name, &reach) else { return };
    assert!(!count.iter().any(|step| step.starts_with("SCAN a")), "{count:?}");
}
