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
    house.damage_alert(answers, true);
    insist(&house, web, answers, 2);
    insist(&house, other, database, 2);
    assert_eq!(house.state(database), "firing");
    insist(&house, web, answers, 12);
    house.damage_alert(answers, false);
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

#[test]
fn many_agents_at_once_are_written_together_and_what_is_refused_fails_alone() {
    let house = House::new();
    let looked: Vec<(i64, i64)> = (0..10)
        .map(|number| {
            let asset = house.asset(&format!("web-{number}"));
            (asset, house.check(asset, "Web server runs"))
        })
        .collect();
    let say = |state: CheckState| -> Vec<kernel::Result<()>> {
        house.world.clock.advance(SECOND);
        let together = std::sync::Barrier::new(looked.len());
        let send = |asset: i64, check: i64| {
            together.wait();
            house.send(asset, vec![house.result(check, state)])
        };
        let send = &send;
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                looked.iter().map(|(asset, check)| scope.spawn(move || send(*asset, *check))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    };
    let commits = || house.kernel().db.stats().commits.load(std::sync::atomic::Ordering::SeqCst);
    // Nobody is known to have company yet.
    assert!(say(CheckState::Ok).iter().all(Result::is_ok));
    let before = commits();
    assert!(say(CheckState::Fail).iter().all(Result::is_ok));
    assert!(commits() - before < 10, "{} commits for ten agents", commits() - before);
    assert!(looked.iter().all(|(_, check)| house.state(*check) == "pending"), "and all of it is on disk");
    let (asset, refused) = looked[3];
    house.damage_alert(refused, true);
    let answers = say(CheckState::Fail);
    let failed: Vec<usize> = (0..10).filter(|nth| answers[*nth].is_err()).collect();
    assert_eq!(failed, [3], "only whose own cannot be written");
    house.damage_alert(refused, false);
    assert_eq!(house.state(refused), "pending");
    house.wait(5);
    house.send(asset, vec![house.result(refused, CheckState::Fail)]).unwrap();
    assert!(looked.iter().all(|(_, check)| house.state(*check) == "firing"), "and then it is written, too");
}
