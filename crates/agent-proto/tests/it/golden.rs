//! Released bytes still read the same. `GOLDEN_WRITE=1` writes files that are missing, and never changes one.

use std::path::{Path, PathBuf};

use agent_proto::{
    Frame, FromAgent, FromServer, Message, SignedJob, SigningKey, decode, encode, limit_ms, sign_job_within,
};

use crate::sample;

/// How the file of a job with a limit ends.
const LIMITED: &str = "_limited.bin";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1").join(name)
}

fn bytes_of(name: &str, now: &[u8]) -> Vec<u8> {
    let path = golden(name);
    if !path.exists() && std::env::var_os("GOLDEN_WRITE").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    std::fs::read(&path).unwrap_or_else(|e| panic!("{name} has no golden file ({e}); GOLDEN_WRITE=1 makes it"))
}

fn check<M: Message + PartialEq + std::fmt::Debug>(prefix: &str, samples: Vec<(&'static str, M)>) {
    for (name, message) in samples {
        let frame = Frame::direct(message);
        let written = encode(&frame).unwrap();
        let kept = bytes_of(&format!("{prefix}_{name}.bin"), &written);
        assert_eq!(decode::<M>(&kept).as_ref(), Ok(&frame), "{name}: the golden frame reads as something else");
        assert_eq!(decode::<M>(&written).as_ref(), Ok(&frame), "{name}: what is written now reads as something else");
    }
}

#[test]
fn golden_frames_of_agents_read_as_they_did() {
    check("agent", sample::from_agent());
}

#[test]
fn golden_frames_of_servers_read_as_they_did() {
    check("server", sample::from_server());
}

#[test]
fn golden_jobs_keep_their_bytes_so_that_signatures_and_plan_digests_hold() {
    for (name, job) in sample::jobs() {
        let written = postcard::to_allocvec(&job).unwrap();
        assert_eq!(bytes_of(&format!("{name}.bin"), &written), written, "{name}");
        assert_eq!(postcard::from_bytes::<agent_proto::Job>(&written).unwrap(), job, "{name}");
    }
}

#[test]
fn a_golden_job_with_a_limit_keeps_its_bytes_and_its_signature() {
    let key = SigningKey::from_seed(&[1; 32]).unwrap();
    for (name, job) in sample::jobs() {
        let signed = sign_job_within(&job, 90_000, &key).unwrap();
        let written = postcard::to_allocvec(&signed).unwrap();
        let kept = bytes_of(&format!("{name}{LIMITED}"), &written);
        assert_eq!(kept, written, "{name}");
        let kept: SignedJob = postcard::from_bytes(&kept).unwrap();
        assert_eq!(limit_ms(&kept, &key.public()), Some(90_000), "{name}");
    }
}

#[test]
fn the_number_of_messages_is_the_one_that_unknown_ones_are_told_by() {
    let number = |bytes: &[u8]| u32::from(bytes[0]);
    let agents = sample::from_agent().iter().map(|(_, m)| number(&postcard::to_allocvec(m).unwrap())).max().unwrap();
    let servers = sample::from_server().iter().map(|(_, m)| number(&postcard::to_allocvec(m).unwrap())).max().unwrap();
    assert_eq!((agents + 1, servers + 1), (FromAgent::KINDS, FromServer::KINDS));
}

#[test]
fn every_golden_file_belongs_to_a_sample() {
    let mut known: Vec<String> = sample::jobs().iter().map(|(name, _)| format!("{name}.bin")).collect();
    known.extend(sample::jobs().iter().map(|(name, _)| format!("{name}{LIMITED}")));
    known.extend(sample::from_agent().iter().map(|(name, _)| format!("agent_{name}.bin")));
    known.extend(sample::from_server().iter().map(|(name, _)| format!("server_{name}.bin")));
    for entry in std::fs::read_dir(golden("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name} is tested by nothing");
    }
}

#[test]
fn a_frame_through_a_relay_keeps_its_addresses() {
    for (_, message) in sample::from_server() {
        let frame = Frame { to: Some([1; 16]), via: Some([2; 16]), message };
        assert_eq!(decode(&encode(&frame).unwrap()), Ok(frame));
    }
}
