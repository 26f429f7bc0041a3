//! Storms: a group that changes a thousand times is told once.

use serde_json::json;

use crate::house::{Catcher, House};

#[test]
fn a_group_with_a_thousand_changes_is_one_page_and_one_recovery() {
    let house = House::new();
    let chat = Catcher::new();
    house.channel("chat", &chat);
    house.policy("0 channel:chat", json!({}));
    house.opened(1, json!({}));
    for number in 0..1_000 {
        let change = ["joined", "left", "flapping", "steady"][number % 4];
        house.tell(
            "monitor.group.changed",
            json!({ "group": "alert_group:1", "change": change, "severity": "critical" }),
        );
    }
    house.world.settle().unwrap();
    house.pass(60);
    house.recovered(1);
    assert_eq!(chat.titles(), ["Alert: Fault 1", "Recovered: Fault 1"]);
}

#[test]
fn many_groups_at_once_are_one_page_each() {
    let house = House::new();
    let chat = Catcher::new();
    house.channel("chat", &chat);
    house.policy("0 channel:chat", json!({}));
    for group in 1..=100 {
        house.tell(
            "monitor.group.opened",
            json!({ "group": format!("alert_group:{group}"), "title": format!("Fault {group}") }),
        );
    }
    house.world.settle().unwrap();
    house.pass(30);
    let mut titles = chat.titles();
    titles.sort();
    titles.dedup();
    assert_eq!((chat.got().len(), titles.len()), (100, 100));
}
