//! The agent updates itself: a release that its policy's key signed is tried and takes the program's place; every other
//! one is refused or rolled back, with the reason, and what is in place goes on.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use agent_proto::{
    Durable, FromAgent, FromServer, Hello, Offer, Release, SigningKey, UpdateReport, UpdateState, ability, hex, limits,
    sign_release,
};

use crate::server::{Machine, Peer, Server};

const SEED: [u8; 32] = [3; 32];

fn release_key() -> SigningKey {
    SigningKey::from_seed(&SEED).unwrap()
}

/// This very program with something at its end: it runs as before, and is another one.
fn another(mark: &[u8]) -> Vec<u8> {
    let mut bytes = std::fs::read(env!("CARGO_BIN_EXE_mainstay-agent")).unwrap();
    bytes.extend_from_slice(mark);
    bytes
}

fn release(version: &str, program: &[u8]) -> Release {
    let sum = ring::digest::digest(&ring::digest::SHA256, program);
    let (target, size_bytes) = (agent::target(), program.len() as u64);
    Release { version: version.into(), target, size_bytes, sha256: sum.as_ref().try_into().unwrap(), downgrade: false }
}

fn offer(release: Release) -> FromServer {
    FromServer::Update(Box::new(Offer { signed: sign_release(release, &release_key()), again: false }))
}

/// Gives parts of a program as they are asked for, until a report comes.
async fn serve(peer: &mut Peer, program: &[u8]) -> UpdateReport {
    loop {
        enum Said {
            Fetch([u8; 32], u64),
            Report(UpdateReport),
        }
        let said = peer
            .find(|message| match message {
                FromAgent::Fetch { sha256, offset } => Some(Said::Fetch(*sha256, *offset)),
                FromAgent::Durable { event: Durable::Update(report), .. } => Some(Said::Report(report.clone())),
                _ => None,
            })
            .await;
        match said {
            Said::Report(report) => return report,
            Said::Fetch(sha256, offset) => {
                let from = offset as usize;
                let to = (from + limits::PART_BYTES_MAX).min(program.len());
                let bytes = program.get(from..to).unwrap_or_default().to_vec();
                peer.say(FromServer::Part { sha256, offset, bytes }).await;
            }
        }
    }
}

/// A machine whose policy pins the release key and whose program may be replaced.
async fn updatable(server: &Server, trial_s: u32) -> (Machine, Peer, Hello) {
    let mut machine = Machine::new();
    machine.install();
    let key = hex(&release_key().public());
    machine.write("policy.toml", &format!("[[release_keys]]\nname = \"the house\"\npublic_key = \"{key}\"\n"));
    machine.write("agent.toml", &format!("trial_s = {trial_s}\n"));
    machine.run(&["--server", &server.url(), "--token", &server.token().to_string()]);
    server.enrol().await;
    let (peer, hello) = server.welcome().await;
    (machine, peer, hello)
}

fn in_place(machine: &Machine) -> Vec<u8> {
    std::fs::read(machine.path("bin/mainstay-agent")).unwrap()
}

fn exe(pid: u32) -> Vec<u8> {
    std::fs::read(Path::new("/proc").join(pid.to_string()).join("exe")).unwrap()
}

#[tokio::test]
async fn lesson_15_a_signed_release_is_tried_acknowledged_and_takes_the_place_of_the_program() {
    let server = Server::start().await;
    let (mut machine, mut peer, hello) = updatable(&server, 30).await;
    assert_eq!(hello.agent_version, agent::VERSION);
    let (pid, before, new) = (machine.pid(), in_place(&machine), another(b"the next one"));
    peer.say(offer(release("7.0.0", &new))).await;
    assert_eq!(serve(&mut peer, &new).await.state, UpdateState::Trying);
    // What is in place ends before the new one begins.
    while peer.hear_or_end().await.is_some() {}

    let (mut trial, hello) = server.welcome().await;
    assert_eq!(hello.agent_version, "7.0.0", "the version is the one that was signed");
    assert_eq!(in_place(&machine), before, "nothing is replaced before it has stood its trial");
    // What it says is acknowledged; then the trial ends.
    while let Some(message) = trial.hear_or_end().await {
        if let FromAgent::Durable { lane, seq, .. } = message {
            trial.say(FromServer::Ack { lane, seq }).await;
        }
    }

    let (mut peer, hello) = server.welcome().await;
    assert_eq!(hello.agent_version, "7.0.0");
    assert_eq!(serve(&mut peer, &new).await.state, UpdateState::Done);
    assert_eq!(in_place(&machine), new);
    assert_eq!(std::fs::read(machine.path("bin/mainstay-agent.previous")).unwrap(), before);
    assert!(!machine.path("bin/mainstay-agent.update").exists());
    assert_eq!((machine.pid(), exe(pid)), (pid, new.clone()), "the service manager sees the same process");

    let third = another(b"an older one");
    peer.say(offer(release("6.9.0", &third))).await;
    let refused = serve(&mut peer, &third).await;
    assert!(refused.reason.contains("not newer than 7.0.0"), "{}", refused.reason);

    // It ends again and again soon after it was put in place: the one before it comes back by itself.
    let url = server.url();
    let mut versions = Vec::new();
    let mut last = peer;
    for _ in 0..3 {
        machine.kill();
        machine.run(&["--server", &url]);
        let (peer, hello) = server.welcome().await;
        versions.push(hello.agent_version);
        last = peer;
    }
    assert_eq!(versions, ["7.0.0", "7.0.0", agent::VERSION]);
    let report = loop {
        let report = serve(&mut last, &new).await;
        if report.state == UpdateState::RolledBack {
            break report;
        }
    };
    assert!(report.reason.contains("after it was put in place"), "{}", report.reason);
    assert_eq!(in_place(&machine), before);
    last.say(offer(release("7.0.0", &new))).await;
    assert!(serve(&mut last, &new).await.reason.contains("rolled back here before"));
    assert!(machine.end().await);
}

#[tokio::test]
async fn lesson_15_a_version_on_trial_ends_when_the_process_that_watched_it_is_gone() {
    let server = Server::start().await;
    let (mut machine, peer, _) = updatable(&server, 300).await;
    assert!(machine.end().await);
    drop(peer);
    // Process 1 is not what started it: the one that did was killed in the moment before.
    assert!(machine.run_on_trial("1", &["--server", &server.url()]).await, "it ends by itself, in order");
}

#[tokio::test]
async fn lesson_15_a_release_that_is_never_acknowledged_is_rolled_back_and_not_tried_again_unless_asked() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = updatable(&server, 20).await;
    let (before, new) = (in_place(&machine), another(b"a mute one"));
    peer.say(offer(release("7.0.0", &new))).await;
    assert_eq!(serve(&mut peer, &new).await.state, UpdateState::Trying);
    // What is in place ends before the new one begins.
    while peer.hear_or_end().await.is_some() {}
    // It connects and speaks, but nobody acknowledges anything.
    let (mut trial, _) = server.welcome().await;
    while trial.hear_or_end().await.is_some() {}
    let (mut peer, hello) = server.welcome().await;
    assert_eq!(hello.agent_version, agent::VERSION);
    let report = loop {
        let report = serve(&mut peer, &new).await;
        if report.state != UpdateState::Trying {
            break report;
        }
    };
    assert_eq!(report.state, UpdateState::RolledBack);
    assert!(report.reason.contains("no server acknowledged it"), "{}", report.reason);
    assert_eq!(in_place(&machine), before);
    assert!(!machine.path("bin/mainstay-agent.update").exists());

    peer.say(offer(release("7.0.0", &new))).await;
    let again = serve(&mut peer, &new).await;
    assert_eq!(again.state, UpdateState::Refused);
    assert!(again.reason.contains("rolled back here before"), "{}", again.reason);
    let signed = sign_release(release("7.0.0", &new), &release_key());
    peer.say(FromServer::Update(Box::new(Offer { signed, again: true }))).await;
    assert_eq!(serve(&mut peer, &new).await.state, UpdateState::Trying);
    assert!(machine.end().await);
}

#[tokio::test]
async fn lesson_15_a_release_that_crashes_again_and_again_is_rolled_back() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = updatable(&server, 300).await;
    // It passes its own test, and ends at once when it is to work.
    let new = b"#!/bin/sh\ncase \"$*\" in *check) exit 0;; *) exit 3;; esac\n".to_vec();
    peer.say(offer(release("7.0.0", &new))).await;
    assert_eq!(serve(&mut peer, &new).await.state, UpdateState::Trying);
    // What is in place ends before the new one begins.
    while peer.hear_or_end().await.is_some() {}
    let (mut peer, _) = server.welcome().await;
    let report = loop {
        let report = serve(&mut peer, &new).await;
        if report.state != UpdateState::Trying {
            break report;
        }
    };
    assert_eq!(report.state, UpdateState::RolledBack);
    assert!(report.reason.contains("it ended 3 times") && report.reason.contains('3'), "{}", report.reason);
    assert!(machine.end().await);
}

#[tokio::test]
async fn lesson_15_what_is_not_signed_for_this_machine_or_not_what_was_signed_is_refused_with_the_reason() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = updatable(&server, 300).await;
    let new = another(b"x");
    let good = release("7.0.0", &new);
    let stranger = SigningKey::from_seed(&[4; 32]).unwrap();
    let mut changed = sign_release(good.clone(), &release_key());
    changed.release.version = "8.0.0".into();
    let offers = [
        (sign_release(good.clone(), &stranger), "does not pin the key"),
        (changed, "signature"),
        (sign_release(Release { target: "sparc64-sun-solaris".into(), ..good.clone() }, &release_key()), "sparc64"),
        (sign_release(Release { version: "0.0.1".into(), ..good.clone() }, &release_key()), "not newer"),
    ];
    for (signed, why) in offers {
        peer.say(FromServer::Update(Box::new(Offer { signed, again: false }))).await;
        let report = serve(&mut peer, &new).await;
        assert_eq!(report.state, UpdateState::Refused);
        assert!(report.reason.contains(why), "{why}: {}", report.reason);
    }
    // The last part is short of what was signed, and other bytes stand in its place.
    let mut other = new.clone();
    *other.last_mut().unwrap() = b'y';
    peer.say(offer(good.clone())).await;
    let report = serve(&mut peer, &other).await;
    assert!(report.reason.contains("not the one that was signed"), "{}", report.reason);
    // The server breaks off; a later offer begins anew.
    peer.say(offer(good)).await;
    let half = new[..new.len() / 2].to_vec();
    let fetch = peer
        .find(|message| match message {
            FromAgent::Fetch { sha256, offset } => Some((*sha256, *offset)),
            _ => None,
        })
        .await;
    peer.say(FromServer::Part { sha256: fetch.0, offset: 0, bytes: half[..1000].to_vec() }).await;
    peer.say(FromServer::Part { sha256: fetch.0, offset: 1000, bytes: Vec::new() }).await;
    let broken = b"no program at all".to_vec();
    peer.say(offer(release("7.0.0", &broken))).await;
    let report = serve(&mut peer, &broken).await;
    assert!(report.reason.contains("does not run here"), "{}", report.reason);
    assert!(!machine.path("bin/mainstay-agent.update").exists());
    std::fs::set_permissions(machine.path("bin"), std::fs::Permissions::from_mode(0o777)).unwrap();
    peer.say(offer(release("7.0.0", &new))).await;
    assert!(serve(&mut peer, &new).await.reason.contains("written by others"));
    std::fs::set_permissions(machine.path("bin"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::remove_file(machine.path("policy.toml")).unwrap();
    peer.say(offer(release("7.0.0", &new))).await;
    assert!(serve(&mut peer, &new).await.reason.contains("pins no release key"));
    assert!(machine.end().await);
}

#[tokio::test]
async fn lesson_15_a_server_that_knows_no_abilities_gets_the_greeting_it_knows_and_unknown_messages_are_passed_over() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = updatable(&server, 300).await;
    let mut unknown = b"MS\x01\x00".to_vec();
    unknown.extend([100, 1, 2, 3]);
    peer.say_bytes(unknown).await;
    peer.say(offer(release("0.0.1", b"x"))).await;
    let report = serve(&mut peer, b"x").await;
    assert_eq!(report.state, UpdateState::Refused, "the connection goes on");
    assert!(machine.log().contains("passed over"), "{}", machine.log());
    drop(peer);
    let greeting = server.refuse_greeting().await;
    assert!(greeting.abilities.iter().any(|word| word == ability::UPDATE), "{greeting:?}");
    assert_eq!(greeting.target, agent::target());
    assert_eq!(server.welcome_plainly().await.agent_version, agent::VERSION);
    assert!(machine.end().await);
}
