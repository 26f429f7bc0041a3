//! How SQLite finds what lists and pages ask for: by an index, never by looking at every row.

use kernel::db::Query;
use kernel::world::World;
use kernel::{Reach, Time};

use super::*;
use crate::group::GroupState;
use crate::machine::State;
use crate::proposal::ProposalState;

fn world() -> World {
    World::new(vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel]).unwrap()
}

fn everything() -> Reach {
    Reach { everything: true, ..Reach::default() }
}

/// What the lists ask for when they are opened, with the index that answers.
fn lists(reach: &Reach) -> Vec<(Query, &'static str)> {
    let open = alerts::Filter { open: Some(true), ..alerts::Filter::default() };
    let groups = groups::Filter { state: Some(GroupState::Open), ..groups::Filter::default() };
    let of_asset = alerts::Filter { asset: Some(3), ..open.clone() };
    vec![
        (alerts::page_query(&open, reach, 100, 51), "monitor_alerts_out"),
        (alerts::page_query(&of_asset, reach, 100, 51), "monitor_alerts_asset"),
        (groups::page_query(&groups, reach, 100, 51), "monitor_groups_state"),
        (silences::page_query(Some(Time(5)), reach, None, 51), "monitor_silences_until"),
        (proposals::page_query(ProposalState::Open, None, reach, 100, 51), "monitor_proposals_state"),
    ]
}

#[test]
fn lists_are_read_in_their_order_by_an_index() {
    let world = world();
    for (query, index) in lists(&everything()) {
        let Some(plan) = world.plan(query.sql()).unwrap() else { return };
        assert!(plan.iter().any(|step| step.starts_with("SEARCH") && step.contains(index)), "{index}: {plan:?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{index}: {plan:?}");
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
        assert!(!sorts || index == "monitor_alerts_asset", "{index}: {plan:?}");
    }
}

#[test]
fn lists_of_a_reach_are_narrowed_by_the_same_index() {
    let world = world();
    let reach = Reach { teams: vec![1], places: vec![2], own: Some(7), ..Reach::default() };
    for (query, index) in lists(&reach) {
        let Some(plan) = world.plan(query.sql()).unwrap() else { return };
        assert!(plan.iter().any(|step| step.contains(index)), "{index}: {plan:?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{index}: {plan:?}");
    }
}

#[test]
fn lists_by_name_walk_the_index_of_names() {
    let world = world();
    let checks = checks::page_query(&checks::Filter::default(), &everything(), Some(("disk", 7)), 51);
    let filter = rules::Filter { words: Vec::new(), makes: None, file: None, group: None, paused: None };
    let rules = rules::page_query(&filter, &everything(), None, 51);
    for (query, index) in [(checks, "monitor_checks_name"), (rules, "monitor_rules_name")] {
        let Some(plan) = world.plan(query.sql()).unwrap() else { return };
        assert!(plan.iter().any(|step| step.contains(index)), "{index}: {plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{index}: {plan:?}");
    }
}

#[test]
fn the_alerts_of_a_group_and_the_figures_of_the_board_go_by_an_index() {
    let world = world();
    let states = checks::states_query(&[State::Firing, State::Ok], &Reach::default(), 1_000);
    let Some(plan) = world.plan(states.sql()).unwrap() else { return };
    let steps = |name: &str| plan.iter().filter(|step| step.contains(name)).count();
    assert_eq!((steps("monitor_alerts_state"), steps("monitor_checks_paused")), (2, 1), "{plan:?}");
    for sql in [
        "SELECT id FROM monitor_alerts a WHERE a.is_open = 1 AND a.group_id = 3 ORDER BY a.fired_at, a.id LIMIT 200",
        "SELECT COUNT(*) FROM monitor_alerts a WHERE a.group_id = 3 AND a.is_open = 1",
        "SELECT check_id FROM monitor_alerts WHERE group_id = 3 AND asset_id = 4 AND is_open = 1 ORDER BY fired_at, check_id LIMIT 1",
        // With the number as it is given: a value that is bound proves to no index that there is one.
        "SELECT COUNT(*) FROM monitor_alerts a WHERE a.group_id = ?1 AND a.is_open = 1",
        "SELECT asset_id, state FROM monitor_alerts WHERE is_open = 1 AND group_id = ?1 AND asset_id IN (1, 2) ORDER BY asset_id, id LIMIT 9",
    ] {
        let Some(plan) = world.plan(sql).unwrap() else { return };
        let keyed = |step: &String| step.contains("monitor_alerts_group") || step.contains("monitor_alerts_asset");
        assert!(plan.iter().any(keyed) && !plan.iter().any(|step| step.contains("monitor_alerts_out")), "{plan:?}");
    }
}

#[test]
fn what_fired_and_cleared_on_a_thing_is_read_from_the_index_of_those() {
    let world = world();
    let read = |tx: &mut kernel::db::Tx<'_>| {
        figures::turns_of_asset(tx, 3, Time(9), &everything(), 5)?;
        alerts::marks(tx, 3, Time(1), Time(9), &everything(), 5)
    };
    assert!(world.kernel.db.read(read).unwrap().is_empty());
    for sql in [
        "SELECT t.at FROM monitor_transitions t JOIN monitor_checks c ON c.id = t.check_id \
         WHERE (t.fired = 1 OR t.cleared = 1) AND t.asset_id = ?1 AND t.at <= ?2 ORDER BY t.at DESC, t.id DESC LIMIT ?3",
        "SELECT t.at FROM monitor_transitions t JOIN monitor_checks c ON c.id = t.check_id \
         WHERE (t.fired = 1 OR t.cleared = 1) AND t.asset_id = ?1 AND t.at >= ?2 AND t.at <= ?3 ORDER BY t.at, t.id LIMIT ?4",
    ] {
        let Some(plan) = world.plan(sql).unwrap() else { return };
        assert!(plan.iter().any(|step| step.contains("monitor_transitions_asset")), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    }
}
