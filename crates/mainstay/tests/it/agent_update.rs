//! Server and agent as the two programs that they are, through an update: signed away from the server, pinned by the
//! machine's policy, imported, rolled out, fetched, tried and kept; and one that does not work, which goes back by itself.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::running::{PROGRAM, Running, first};

/// The agent's own program. Cargo builds it beside ours only when its crate is asked for too, so it is asked for here.
fn agent_program() -> PathBuf {
    let folder = Path::new(PROGRAM).parent().unwrap();
    let program = folder.join("mainstay-agent");
    let profile = folder.file_name().unwrap().to_str().unwrap();
    if let Some(cargo) = std::env::var_os("CARGO") {
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--package", "agent", "--bin", "mainstay-agent", "--profile"])
            .arg(if profile == "debug" { "dev" } else { profile })
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.unwrap().success(), "the agent cannot be built");
    }
    assert!(program.exists(), "build it first: cargo build -p agent --bin mainstay-agent");
    program
}

/// What a command of our program says.
fn said(arguments: &[&str]) -> String {
    let done = Command::new(PROGRAM).args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A machine with an agent whose program is its own.
struct Machine {
    child: Child,
    program: PathBuf,
}

impl Machine {
    /// Enrols and starts the agent in this folder. Its trials are short.
    fn start(folder: &Path, policy: &str, server: &str, token: &str) -> Self {
        let (bin, home) = (folder.join("bin"), folder.join("agent"));
        std::fs::create_dir(&bin).unwrap();
        std::fs::create_dir(&home).unwrap();
        let program = bin.join("mainstay-agent");
        std::fs::copy(agent_program(), &program).unwrap();
        std::fs::write(home.join("policy.toml"), policy).unwrap();
        std::fs::write(home.join("agent.toml"), "trial_s = 10\n").unwrap();
        let log = std::fs::File::create(folder.join("agent.log")).unwrap();
        let mut command = Command::new(&program);
        command.arg("--dir").arg(&home).args(["run", "--server", server]).env("MAINSTAY_AGENT_TOKEN", token);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { child, program }
    }

    fn in_place(&self) -> Vec<u8> {
        std::fs::read(&self.program).unwrap()
    }

    /// The program that the process runs.
    fn runs(&self) -> Vec<u8> {
        std::fs::read(format!("/proc/{}/exe", self.child.id())).unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Signs this program, imports it and brings it to every machine; answers the rollout's number.
fn roll_out(server: &Running, key: &Path, version: &str, program: &[u8]) -> i64 {
    let releases = server.data.join("releases");
    std::fs::create_dir_all(&releases).unwrap();
    let name = format!("mainstay-agent-{version}");
    let file = releases.join(&name);
    std::fs::write(&file, program).unwrap();
    let (file, key) = (file.to_str().unwrap(), key.to_str().unwrap());
    said(&["release", "sign", file, "--key", key, "--release-version", version]);
    let release = server.cli(&["fleet", "release", "import", "--name", &name, "--yes"])["id"].to_string();
    let start = ["fleet", "rollout", "start", "--release", &release, "--percents", "100", "--yes"];
    server.cli(&start)["id"].as_i64().unwrap()
}

/// Waits until the one machine of a rollout has come so far.
fn until_part(server: &Running, rollout: i64, state: &str) -> Value {
    let id = rollout.to_string();
    server.until(state, &["fleet", "rollout-agent", "list", &id], |parts| *first(parts, "state") == state)
}

#[test]
fn lesson_15_server_and_agent_bring_a_signed_release_to_the_machine_and_one_that_fails_its_trial_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (server, ready) = Running::start(&folder.path().join("data"), &["--no-agent"]);
    let key = folder.path().join("release.key");
    let told = said(&["release", "new-key", key.to_str().unwrap()]);
    let policy = &told[told.find("[[release_keys]]").unwrap()..];
    let token = server.cli(&["fleet", "token", "create", "--name", "one machine", "--auto-approve", "true"]);
    let machine =
        Machine::start(folder.path(), policy, ready["agents_url"].as_str().unwrap(), token["token"].as_str().unwrap());
    let agents = ["fleet", "agent", "list"];
    server.until("the agent connects", &agents, |agents| *first(agents, "connected") == true);
    let before = machine.in_place();

    // The same program with something at its end: it works, is another one, and has the version it was signed with.
    let mut next = before.clone();
    next.extend_from_slice(b"the next one");
    let rollout = roll_out(&server, &key, "7.0.0", &next);
    until_part(&server, rollout, "done");
    assert_eq!((machine.in_place() == next, machine.runs() == next), (true, true), "it runs, in the same process");
    let connected = |agents: &Value| *first(agents, "connected") == true && *first(agents, "agent_version") == "7.0.0";
    server.until("it greets as what was signed", &agents, connected);
    server.cli(&["fleet", "rollout", "end", &rollout.to_string()]);

    // It passes its own test, and ends at once when it is to work.
    let broken = b"#!/bin/sh\ncase \"$*\" in *check) exit 0;; *) exit 3;; esac\n";
    let rollout = roll_out(&server, &key, "7.1.0", broken);
    let part = until_part(&server, rollout, "rolled_back");
    assert!(first(&part, "reason").as_str().unwrap().contains("it ended 3 times"), "{part:#}");
    let rollout = rollout.to_string();
    let stopped = server.until("the rollout stops by itself", &["fleet", "rollout", "show", &rollout], |rollout| {
        rollout["state"] == "stopped"
    });
    assert!(stopped["reason"].as_str().unwrap().contains("the one machine"), "{stopped:#}");
    server.until("the version before it is back", &agents, connected);
    assert_eq!((machine.in_place() == next, machine.runs() == next), (true, true), "nothing was replaced");
    let names = |events: &Value| -> Vec<String> {
        let events = events["items"].as_array().unwrap();
        events.iter().filter_map(|event| event["name"].as_str().map(str::to_owned)).collect()
    };
    let told = names(&server.cli(&["assets", "thing", "timeline", "1"]));
    for name in ["fleet.agent.updated", "fleet.agent.not-updated"] {
        assert!(told.iter().any(|one| one == name), "the machine's timeline does not tell of {name}: {told:?}");
    }
}
