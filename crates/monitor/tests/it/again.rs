//! Looking again at once before people are told: by the server itself, and by agents.

use std::time::Duration;

use agent_proto::{CheckState, Frame, FromServer};
use serde_json::{Value, json};

use crate::house::House;

/// What an agent is asked to look at again now.
fn asked(house: &House, asset: i64) -> Option<(i64, Vec<i64>)> {
    let feed = house.kernel().registry().feeds().find(|feed| feed.kind == "look").unwrap();
    let bytes = house.kernel().read_as(&house.admin, |cx| (feed.make)(cx, asset)).unwrap()?;
    let frame: Frame<FromServer> = agent_proto::decode(&bytes).unwrap();
    match frame.message {
        FromServer::Look { number, checks } => Some((number, checks)),
        other => panic!("{other:?}"),
    }
}

/// What the one open group says of looking again.
fn lines(house: &House) -> Vec<String> {
    let open = house.call("monitor.group.list", json!({"state": "open"}))["items"].as_array().unwrap().clone();
    assert_eq!(open.len(), 1, "{open:?}");
    serde_json::from_value(open[0]["cause"]["again"].clone()).unwrap()
}

fn open_groups(house: &House) -> Value {
    house.call("monitor.group.list", json!({"state": "open"}))["count"].clone()
}

/// A virtual machine on a host, each with a check by its own agent; the host is well, the machine fails and is asked
/// again, and the host too.
fn failing() -> (House, (i64, i64), (i64, i64)) {
    let house = House::new();
    let (host, vm) = (house.asset("host-01"), house.asset("vm-01"));
    house.link(vm, "runs_on", host);
    let (host_runs, service) = (house.check(host, "Host runs"), house.check(vm, "Service runs"));
    house.wait(1);
    house.send(host, vec![house.result(host_runs, CheckState::Ok)]).unwrap();
    for _ in 0..2 {
        house.wait(3);
        house.send(vm, vec![house.result(service, CheckState::Fail)]).unwrap();
    }
    (house, (host, host_runs), (vm, service))
}

#[test]
fn an_agent_is_asked_to_look_again_at_once_and_its_good_answer_speaks_against_the_cause() {
    let (house, (host, host_runs), (vm, service)) = failing();
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let inside = heard.clone();
    house.kernel().listen(Box::new(move |refs| inside.lock().unwrap().extend(refs.iter().map(ToString::to_string))));
    assert_eq!(asked(&house, host), None, "nothing is asked before anything is wrong");
    house.wait(1);
    let (number, checks) = asked(&house, host).unwrap();
    assert_eq!((number, checks), (1, vec![host_runs]));
    assert_eq!(asked(&house, vm).unwrap().1, [service], "the symptom itself too: one good result may be all");
    let touched = heard.lock().unwrap().clone();
    assert!(touched.contains(&format!("agent_feed:{host}")) && touched.contains(&format!("agent_feed:{vm}")));
    house.wait(1);
    house.send(host, vec![house.result(host_runs, CheckState::Ok)]).unwrap();
    house.send(vm, vec![house.result(service, CheckState::Fail)]).unwrap();
    house.wait(4);
    assert_eq!(open_groups(&house), 1, "what is answered is not waited for any longer");
    let lines = lines(&house);
    assert!(
        lines[0].ends_with("2 checks were looked at again: 1 bad, 1 good, 0 without an answer in time."),
        "{lines:?}"
    );
    assert!(lines[1].contains("good at") && lines[1].ends_with("Host runs on host-01"), "{lines:?}");
    let alert = house.show(service)["check"]["alert"].as_i64().unwrap();
    let steps = house.call("monitor.alert.explain", json!({"id": alert}))["steps"].clone();
    assert!(steps.as_array().unwrap().iter().any(|step| step["about"] == "again"), "{steps}");
    house.wait(15);
    assert_eq!(asked(&house, host), None, "later it helps nobody");
}

#[test]
fn an_agent_that_does_not_answer_is_waited_for_a_bounded_time_and_that_is_said() {
    let (house, _, _) = failing();
    house.wait(8);
    assert_eq!(open_groups(&house), 0, "its answer is waited for");
    house.wait(6);
    let lines = lines(&house);
    assert!(lines[0].ends_with("0 bad, 0 good, 2 without an answer in time."), "{lines:?}");
    assert!(lines.contains(&"Was not looked at again: Host runs on host-01".to_owned()), "{lines:?}");
}

/// Waits until a check has so many results, while the monitor looks at a clock that hardly moves.
fn wait_for_results(house: &House, check: i64, many: usize) {
    for _ in 0..1_200 {
        if house.show(check)["results"].as_array().unwrap().len() >= many {
            return;
        }
        house.kernel().wait(Duration::from_millis(50));
        house.world.clock.advance(1_000);
        monitor::tick(house.kernel()).unwrap();
    }
    panic!("check {check} has no {many} results: {}", house.show(check));
}

#[test]
fn the_server_looks_again_at_once_at_what_it_looks_at_itself() {
    let house = House::new();
    let (host, web) = (house.asset("host-01"), house.asset("web-01"));
    house.link(web, "runs_on", host);
    house.world.settle().unwrap();
    house.call("kernel.setting.set", json!({"key": "monitor.looks", "value": {"loopback": true}}));
    let good = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // An hour passes between two looks: a second one within the test is one that was asked for.
    let check = |asset: i64, name: &str, port: u16| {
        let input = json!({"name": name, "asset": asset, "kind": "tcp", "host": "127.0.0.1", "port": port, "vantage": 0,
            "interval_s": 3_600, "fire_n": 1, "fire_m": 1});
        house.call("monitor.check.create", input)["id"].as_i64().unwrap()
    };
    let (host_answers, web_answers) =
        (check(host, "Host answers", good.local_addr().unwrap().port()), check(web, "Web answers", gone));
    let looks = house.kernel().registry().domains().iter().flat_map(|domain| &domain.services);
    let run = looks.into_iter().find(|service| service.name == "looks").unwrap().run;
    let kernel = house.kernel().clone();
    let thread = std::thread::spawn(move || run(kernel));
    wait_for_results(&house, host_answers, 1);
    wait_for_results(&house, web_answers, 1);
    house.wait(1);
    wait_for_results(&house, host_answers, 2);
    wait_for_results(&house, web_answers, 2);
    house.wait(5);
    let lines = lines(&house);
    assert!(
        lines[0].ends_with("2 checks were looked at again: 1 bad, 1 good, 0 without an answer in time."),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("Host answers on host-01"), "{lines:?}");
    house.kernel().shut_down();
    thread.join().unwrap();
}
