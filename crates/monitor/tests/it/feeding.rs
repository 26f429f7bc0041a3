//! Results that the server itself found, and alerts that are about no asset of ours.

use kernel::Time;
use kernel::time::SECOND;
use monitor::machine::Outcome;
use monitor::{Fed, feed};
use serde_json::json;

use crate::house::House;

fn fed(check: i64, outcome: Outcome, at: Time) -> Fed {
    Fed { check, outcome, value: Some(1.5), at, took_us: 900, evidence: "looked".into() }
}

/// Ten seconds pass and a result is fed, once for each letter.
fn play(house: &House, check: i64, letters: &str) {
    for letter in letters.chars() {
        house.wait(10);
        let outcome = match letter {
            'g' => Outcome::Good,
            'b' => Outcome::Bad,
            'm' => Outcome::Between,
            _ => Outcome::Unknown,
        };
        feed(house.kernel(), &[fed(check, outcome, house.kernel().now())]).unwrap();
        house.news.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

#[test]
fn a_result_that_is_fed_twice_counts_once_and_what_is_fed_late_is_history() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.wait(1);
    let now = house.kernel().now();
    for _ in 0..3 {
        feed(house.kernel(), &[fed(check, Outcome::Bad, now)]).unwrap();
    }
    assert_eq!(house.state(check), "pending");
    feed(house.kernel(), &[fed(check, Outcome::Bad, now.plus(-3_600 * SECOND)), fed(999, Outcome::Bad, now)]).unwrap();
    assert_eq!(house.state(check), "pending");
    play(&house, check, "b");
    assert_eq!(house.state(check), "firing");
}

#[test]
fn an_alert_about_no_asset_opens_a_group_and_recovers() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Error rate");
    house.without_asset(check);
    play(&house, check, "bb");
    let open = house.groups("open");
    assert_eq!((open.len(), open[0]["title"].as_str()), (1, Some("Fails: Error rate")));
    assert!(open[0]["asset"].is_null() && house.show(check)["check"]["asset"].is_null());
    assert_eq!(open[0]["labels"]["alertname"], "Error rate");
    let group = open[0]["id"].as_i64().unwrap();
    let opened = house.events("alert_group", group, "monitor.group.opened");
    assert!(opened[0].fields::<serde_json::Value>().unwrap()["labels"]["severity"] == json!("critical"));
    play(&house, check, "mmgmg");
    assert_eq!(house.groups("open").len(), 1, "between the thresholds nothing ends");
    play(&house, check, "g");
    assert!(house.groups("open").is_empty());
    assert_eq!(house.events("alert_group", group, "monitor.group.recovered").len(), 1);
}

#[test]
fn what_the_server_looks_at_itself_has_no_data_when_nothing_is_fed() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = house.check(web, "Error rate");
    house.without_asset(check);
    play(&house, check, "g");
    house.wait(31);
    assert_eq!(house.state(check), "no_data");
    play(&house, check, "g");
    assert_eq!(house.state(check), "ok");
}
