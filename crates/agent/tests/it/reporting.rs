//! Facts, samples and check results from end to end, also while the server is away.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::fs::MetadataExt;

use agent_proto::facts::{Section, apply};
use agent_proto::{CheckSpec, CheckState, Durable, Frame, FromAgent, FromServer, Lane, Probe, decode, encode};

use crate::server::{Machine, Peer, Server, connected};

#[tokio::test]
async fn a_new_machine_sends_its_facts_and_samples_of_named_series() {
    let server = Server::start().await;
    let (_machine, mut peer, _) = connected(&server, "").await;
    let mut facts: BTreeMap<String, Section> = BTreeMap::new();
    let mut names = BTreeMap::new();
    let mut moments = 0;
    peer.find(|message| {
        match message {
            FromAgent::Series { register } => names.extend(register.iter().cloned()),
            FromAgent::Durable { event: Durable::Facts(message), .. } => {
                let known = facts.entry(message.section.clone()).or_default();
                *known = apply(known, message).expect("the chain holds");
            }
            FromAgent::Durable { event: Durable::Samples(samples), lane, .. } => {
                assert_eq!(*lane, Lane::Metrics);
                assert!(samples.values.iter().all(|(id, _)| names.contains_key(id)), "a sample without a name");
                assert!(samples.values.windows(2).all(|two| two[0].0 < two[1].0));
                moments += 1;
            }
            _ => {}
        }
        let all = ["os", "cpu", "memory", "interfaces", "filesystems", "processes"];
        (moments >= 2 && all.iter().all(|name| facts.contains_key(*name))).then_some(())
    })
    .await;
    assert!(facts["interfaces"]["interfaces.lo"].contains("127.0.0.1"));
    assert!(names.values().any(|series| series.name == "node_load1"));
}

#[tokio::test]
async fn a_broken_chain_of_facts_is_mended_on_request() {
    let server = Server::start().await;
    let (_machine, mut peer, _) = connected(&server, "").await;
    let os = |full_only: bool| {
        move |message: &FromAgent| match message {
            FromAgent::Durable { event: Durable::Facts(facts), .. }
                if facts.section == "os" && (!full_only || facts.full) =>
            {
                Some(facts.clone())
            }
            _ => None,
        }
    };
    let first = peer.find(os(true)).await;
    peer.say(FromServer::FactsResend { section: "os".into() }).await;
    let again = peer.find(os(true)).await;
    assert_eq!((again.full, &again.set), (true, &first.set));
    assert!(apply(&Section::new(), &again).is_ok());
}

#[tokio::test]
async fn checks_run_on_schedule_and_a_change_is_seen() {
    let server = Server::start().await;
    let (_machine, mut peer, _) = connected(&server, "").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let probe = Probe::Tcp { host: "127.0.0.1".into(), port };
    let check = CheckSpec { check_id: 41, generation: 2, interval_ms: 1_000, timeout_ms: 5_000, probe };
    peer.say(FromServer::Checks { generation: 2, checks: vec![check] }).await;
    let seen = |state: CheckState| {
        move |message: &FromAgent| match message {
            FromAgent::Durable { event: Durable::CheckResults { results }, .. } => {
                results.iter().find(|result| result.state == state).cloned()
            }
            _ => None,
        }
    };
    let good = peer.find(seen(CheckState::Ok)).await;
    assert_eq!((good.check_id, good.generation), (41, 2));
    assert!(good.value.is_some_and(|ms| ms > 0.0));
    drop(listener);
    let bad = peer.find(seen(CheckState::Fail)).await;
    assert!(bad.evidence.contains("refused"), "{}", bad.evidence);
}

#[tokio::test]
async fn a_look_that_is_asked_for_is_taken_at_once_beside_its_rhythm() {
    let server = Server::start().await;
    let (_machine, mut peer, _) = connected(&server, "").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let probe = Probe::Tcp { host: "127.0.0.1".into(), port };
    // An hour from one to the next: a second one within the test is the one that was asked for.
    let check = CheckSpec { check_id: 41, generation: 2, interval_ms: 3_600_000, timeout_ms: 5_000, probe };
    peer.say(FromServer::Checks { generation: 2, checks: vec![check] }).await;
    let result = |message: &FromAgent| match message {
        FromAgent::Durable { event: Durable::CheckResults { results }, .. } => results.first().cloned(),
        _ => None,
    };
    let first = peer.find(result).await;
    peer.say(FromServer::Look { number: 1, checks: vec![41, 999] }).await;
    let second = peer.find(result).await;
    assert_eq!((second.check_id, second.state), (41, CheckState::Ok));
    assert!(second.at_ms > first.at_ms, "{} {}", second.at_ms, first.at_ms);
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_and_numbers_never_go_back() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = connected(&server, "").await;
    let sample = |message: &FromAgent| match message {
        FromAgent::Durable { lane: Lane::Metrics, seq, .. } => Some(*seq),
        _ => None,
    };
    let acked = peer.find(sample).await;
    let lost = loop {
        if let Some(seq) = sample(&peer.hear().await) {
            break seq;
        }
    };
    assert!(lost > acked);
    machine.kill();
    machine.run(&[]);
    let (mut peer, hello) = server.welcome().await;
    let metrics = hello.resume.iter().find(|position| position.lane == Lane::Metrics).unwrap();
    assert!(metrics.waiting >= 1);
    assert!(peer.find(sample).await <= lost, "the lost one is sent again");
    assert!(machine.end().await);
}

/// Everything that comes until the agent has caught up: gaps, moments, and their numbers.
async fn catch_up(peer: &mut Peer, from_ms: i64) -> (u64, HashSet<u64>) {
    let (mut dropped, mut seqs) = (0, HashSet::new());
    peer.find(|message| match message {
        FromAgent::Durable { event: Durable::Gap(gap), .. } => {
            assert!(gap.why.contains("full") && gap.lane == Lane::Metrics, "{gap:?}");
            dropped += gap.dropped;
            None
        }
        FromAgent::Durable { event: Durable::Samples(samples), seq, .. } => {
            seqs.insert(*seq);
            (samples.at_ms >= from_ms).then_some(())
        }
        _ => None,
    })
    .await;
    (dropped, seqs)
}

#[tokio::test]
async fn a_server_that_was_away_hears_of_the_gap_and_the_ring_stays_bounded() {
    let server = Server::start().await;
    let (mut machine, peer, _) = connected(&server, "").await;
    drop(peer);
    machine.kill();
    fill_ring(&machine);
    machine.write("agent.toml", "ring_bytes_max = 262144\n");
    machine.run(&[]);
    let now_ms = crate::server::wall_us() / 1_000;
    let (mut peer, hello) = server.welcome().await;
    assert!(hello.resume.iter().map(|position| position.waiting).sum::<u64>() > 0);
    let (dropped, seqs) = catch_up(&mut peer, now_ms).await;
    assert!(dropped > 0, "a gap is said");
    assert!(!seqs.is_empty());
    let bytes: u64 = files(&machine.path("collector/ring")).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(bytes < 300_000, "{bytes} bytes on disk");
}

/// Hours without a server, as they look on disk: the moment that is there, 1600 times, each with a number of its own.
fn fill_ring(machine: &Machine) {
    let folder = machine.path("collector/ring/metrics");
    let segment = files(&folder).into_iter().find(|path| path.extension().is_some_and(|end| end == "seg")).unwrap();
    let bytes = std::fs::read(&segment).unwrap();
    let frame_bytes = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    let (at_ms, frame) = (&bytes[16..24], &bytes[24..24 + frame_bytes]);
    let FromAgent::Durable { lane, seq: first, event } = decode::<FromAgent>(frame).unwrap().message else {
        panic!("no moment in the ring");
    };
    std::fs::remove_file(&segment).unwrap();
    for part in 0..40_u64 {
        let mut out = Vec::new();
        for seq in first + part * 40..first + part * 40 + 40 {
            let event = event.clone();
            let frame = encode(&Frame::direct(FromAgent::Durable { lane, seq, event })).unwrap();
            let mut sealed = crc32fast::Hasher::new();
            for bytes in [&seq.to_le_bytes()[..], at_ms, &frame[..]] {
                sealed.update(bytes);
            }
            out.extend_from_slice(&(frame.len() as u32).to_le_bytes());
            out.extend_from_slice(&sealed.finalize().to_le_bytes());
            out.extend_from_slice(&seq.to_le_bytes());
            out.extend_from_slice(at_ms);
            out.extend_from_slice(&frame);
        }
        let path = folder.join(format!("{:020}.seg", first + part * 40));
        std::fs::write(&path, out).unwrap();
        // Root's agent has a collector that is somebody else.
        let owner = folder.metadata().unwrap();
        std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(files(&path)) } else { out.push(path) }
    }
    out
}
