//! The loop on this machine with real processes: a fault is noticed, explained, fixed within policy, proven and written
//! down, and a killed server goes on where it was.

use std::process::{Child, Command};

use crate::running::{PROGRAM, Running, first};

/// The tour's service under a child of ours, so that it ends with the test; the agent's restart of it is ended by number.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ends the service that the agent started, however the test ends: it belongs to nobody here.
struct Restarted;

impl Drop for Restarted {
    fn drop(&mut self) {
        end_restarted_service();
    }
}

fn end_restarted_service() {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        if words.first() == Some(&PROGRAM.as_bytes()) && words.get(1..3) == Some(&[b"demo".as_slice(), b"service"]) {
            let pid = entry.file_name().to_string_lossy().into_owned();
            let _ = Command::new("kill").arg(pid).status();
        }
    }
}

#[test]
fn a_fault_becomes_an_incident_a_run_fixes_it_and_the_story_is_written_down() {
    if std::net::TcpListener::bind(mainstay::demo_service::ADDRESS).is_err() {
        eprintln!("skipped: {} is in use on this machine", mainstay::demo_service::ADDRESS);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (server, ready) = Running::start(&data, &[]);
    assert!(ready["setup_url"].as_str().is_some_and(|url| url.contains("/setup?secret=")), "{ready}");
    server.until("the agent connects", &["fleet", "agent", "list"], |agents| *first(agents, "connected") == true);
    let mut service = Service(Command::new(PROGRAM).args(["demo", "service"]).spawn().unwrap());
    server.cli(&["demo", "tour"]);
    server.until("the check is ok", &["monitor", "check", "list"], |checks| *first(checks, "state") == "ok");

    let _restarted = Restarted;
    service.0.kill().unwrap();
    let tickets = &["desk", "ticket", "list", "--filter", "kind:incident"];
    server.until("an incident opens", tickets, |tickets| *first(tickets, "kind") == "incident");
    server.until("it is resolved", tickets, |tickets| *first(tickets, "status") == "resolved");
    let runs = server.cli(&["runbooks", "run", "list"]);
    assert_eq!(*first(&runs, "state"), "done", "{runs:#}");

    let timeline = server.cli(&["assets", "thing", "timeline", "1"]);
    let names: Vec<&str> =
        timeline["items"].as_array().unwrap().iter().rev().filter_map(|event| event["name"].as_str()).collect();
    let story = [
        "monitor.alert.fired",
        "desk.ticket.opened",
        "runbooks.run.started",
        "fleet.job.finished",
        "runbooks.run.finished",
        "monitor.group.recovered",
        "desk.ticket.resolved",
    ];
    for name in story {
        assert!(names.contains(&name), "the timeline does not tell of {name}: {names:?}");
    }
    let place = |name: &str| names.iter().position(|one| *one == name).unwrap();
    assert!(place("monitor.alert.fired") < place("runbooks.run.started"), "{names:?}");
    assert!(place("runbooks.run.started") < place("runbooks.run.finished"), "{names:?}");
    assert!(place("runbooks.run.finished") < place("desk.ticket.resolved"), "{names:?}");

    // The server dies without warning and comes back: everything is still there, and the agent returns by itself.
    drop(server);
    let (server, ready) = Running::start(&data, &[]);
    assert!(ready["pid"].is_number());
    assert_eq!(*first(&server.cli(tickets), "status"), "resolved");
    server.until("the agent comes back", &["fleet", "agent", "list"], |agents| *first(agents, "connected") == true);
}
