//! What the database refuses: others go on, and nothing stays mute.

use agent_proto::CheckState;
use kernel::time::SECOND;

use crate::house::House;

/// Results come every ten seconds, whether they are taken or not.
fn insist(house: &House, asset: i64, check: i64, times: usize) {
    for _ in 0..times {
        house.world.clock.advance(10 * SECOND);
        monitor::tick(house.kernel()).ok();
        house.send(asset, vec![house.result(check, CheckState::Fail)]).ok();
    }
}

#[test]
fn an_alert_that_cannot_be_written_holds_up_no_other_and_is_told_when_it_can_be() {
    let house = House::new();
    let (web, other) = (house.asset("web-01"), house.asset("db-01"));
    let (runs, answers, database) =
        (house.check(web, "Web server runs"), house.check(web, "Port answers"), house.check(other, "Database runs"));
    house.report(web, runs, "bb");
    assert_eq!(house.groups("open").len(), 1);
    house.damage(answers, true);
    insist(&house, web, answers, 2);
    insist(&house, other, database, 2);
    assert_eq!(house.state(database), "firing");
    insist(&house, web, answers, 12);
    house.damage(answers, false);
    insist(&house, web, answers, 12);
    assert_eq!(house.state(answers), "firing", "it is tried again, or judged anew");
    house.wait(15);
    assert!(house.show(answers)["check"]["group"].is_number(), "and it belongs to a group");
}

#[test]
fn a_group_that_cannot_be_written_is_not_lost_with_its_alerts() {
    let house = House::new();
    let (web, other) = (house.asset("web-01"), house.asset("db-01"));
    let (runs, database) = (house.check(web, "Web server runs"), house.check(other, "Database runs"));
    house.wait(1);
    for _ in 0..2 {
        house.wait(1);
        house.send(web, vec![house.result(runs, CheckState::Fail)]).unwrap();
        house.send(other, vec![house.result(database, CheckState::Fail)]).unwrap();
    }
    assert_eq!((house.state(runs).as_str(), house.state(database).as_str()), ("firing", "firing"));
    // The alert is on disk; its group is refused for a while.
    house.damage(runs, true);
    house.wait(20);
    house.damage(runs, false);
    assert!(house.show(database)["check"]["group"].is_number(), "the other one is not held up");
    assert!(house.show(runs)["check"]["group"].is_null());
    house.wait(30);
    assert!(house.show(runs)["check"]["group"].is_number(), "it is told as soon as it can be");
    assert_eq!(house.groups("open").len(), 2);
}
