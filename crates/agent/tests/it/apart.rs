//! The two processes of an agent: who they are, what belongs to whom, and what happens when one of them ends.

use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use agent_proto::{Durable, FromAgent, JobState};
use rustix::process::{Pid, Signal, kill_process};

use crate::jobs::{POLICY, command, job};
use crate::server::{Machine, Server, connected};

/// The collector's process id, as the executor wrote it down.
fn collector(machine: &Machine) -> i32 {
    let text = std::fs::read_to_string(machine.path("executor.json")).unwrap();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("\"collector_pid\": ")).unwrap();
    line.trim_end_matches(',').parse().unwrap()
}

/// The words of a line of `/proc/PID/status`.
fn words(pid: i32, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_collector_that_is_killed_is_replaced_and_the_result_of_a_running_job_arrives_once() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = connected(&server, POLICY).await;
    let first = collector(&machine);
    peer.say(server.sign(&job(&server, 1, command(&["sleep", "2"])))).await;
    peer.accepted([1; 16]).await;
    kill_process(Pid::from_raw(first).unwrap(), Signal::KILL).unwrap();
    let (mut peer, hello) = server.welcome().await;
    assert_ne!(collector(&machine), first);
    assert_eq!(hello.classes_allowed.len(), 1, "the next one knows the policy");
    let result = peer.result([1; 16]).await;
    assert_eq!(result.state, JobState::Done, "{}", result.reason);
    peer.say(server.sign(&job(&server, 2, command(&["sleep", "0"])))).await;
    let mut again = 0;
    peer.find(|message| match message {
        FromAgent::Durable { event: Durable::JobResult(result), .. } => {
            again += u32::from(result.job_id == [1; 16]);
            (result.job_id == [2; 16]).then_some(())
        }
        _ => None,
    })
    .await;
    assert_eq!(again, 0, "it came once");
    assert!(machine.log().contains("is started again"), "{}", machine.log());
    assert!(machine.end().await);
}

#[tokio::test]
async fn the_collector_ends_when_the_executor_is_killed() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = connected(&server, "").await;
    let (url, token) = (server.url(), server.token().to_string());
    assert!(std::fs::File::open(machine.path("collector/lock")).is_ok(), "what is waited for is there");
    machine.kill();
    while peer.hear_or_end().await.is_some() {}
    let (good, text) = machine.obey(&["enrol", &url, &token]).await;
    assert!(!good && text.contains("enrolled already"), "nobody holds the folder: {text}");
}

#[tokio::test]
async fn the_collector_of_root_has_no_rights_and_cannot_touch_what_the_executor_goes_by() {
    let server = Server::start().await;
    let (mut machine, _peer, _) = connected(&server, POLICY).await;
    let pid = collector(&machine);
    let us = rustix::process::geteuid().as_raw();
    assert_eq!(words(pid, "NoNewPrivs"), ["1"]);
    assert_eq!(words(pid, "Name"), ["agent-collector"]);
    let (good, text) = machine.obey(&["status"]).await;
    assert!(good && text.contains("apart      "), "{text}");
    if us == 0 {
        let uids = words(pid, "Uid");
        assert!(uids.iter().all(|uid| uid != "0") && uids.len() == 4, "{uids:?}");
        assert!(words(pid, "Gid").iter().all(|gid| gid != "0"));
        assert!(words(pid, "Groups").is_empty());
        assert!(words(pid, "CapEff").iter().all(|set| set.trim_matches('0').is_empty()));
        assert!(text.contains("apart      yes"), "{text}");
        let theirs: u32 = uids[0].parse().unwrap();
        for name in ["collector", "collector/key", "collector/ring"] {
            assert_eq!(machine.path(name).metadata().unwrap().uid(), theirs, "{name}");
        }
    } else {
        assert!(text.contains("apart      no: "), "{text}");
    }
    for name in ["", "policy.toml", "enrolment.json", "jobs", "executor.json", "lock"] {
        let file = machine.path(name).metadata().unwrap();
        assert_eq!(file.uid(), us, "{name}");
        assert_eq!(file.mode() & 0o022, 0, "{name} can be written by others");
    }
    assert!(machine.end().await);
}

#[tokio::test]
async fn the_folder_of_an_agent_of_one_process_is_taken_over() {
    let server = Server::start().await;
    let (mut machine, _peer, _) = connected(&server, POLICY).await;
    assert!(machine.end().await);
    let key = std::fs::read(machine.path("collector/key")).unwrap();
    let us = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    for name in ["key", "ring", "facts", "series", "checks", "status.json"] {
        if machine.path("collector").join(name).exists() {
            std::fs::rename(machine.path("collector").join(name), machine.path(name)).unwrap();
            std::os::unix::fs::chown(machine.path(name), Some(us.0), Some(us.1)).unwrap();
        }
    }
    std::fs::remove_dir_all(machine.path("collector")).unwrap();
    machine.run(&[]);
    let (mut peer, _) = server.welcome().await;
    peer.say(server.sign(&job(&server, 1, command(&["sleep", "0"])))).await;
    assert_eq!(peer.result([1; 16]).await.state, JobState::Done);
    assert_eq!(std::fs::read(machine.path("collector/key")).unwrap(), key);
    assert!(!machine.path("key").exists());
    assert!(machine.end().await);
}

#[tokio::test]
async fn a_user_that_is_not_there_is_named() {
    let machine = Machine::new();
    machine.write("agent.toml", "user = \"no-such-user\"\n");
    let (good, text) = machine.obey(&["run"]).await;
    assert!(!good);
    if rustix::process::geteuid().is_root() {
        assert!(text.contains("no user no-such-user"), "{text}");
    }
}

#[test]
fn a_collector_is_not_started_by_hand() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mainstay-agent"));
    let output = command.env("MAINSTAY_AGENT_COLLECTOR", "1").arg("run").stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("not started by hand"), "{text}");
}
