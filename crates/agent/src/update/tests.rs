//! What is judged and kept about updates, without processes.

use agent_proto::{SigningKey, sign_release};
use ring::digest::{SHA256, digest};

use super::*;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

fn release(version: &str) -> Release {
    Release { version: version.into(), target: target(), size_bytes: 4, sha256: [2; 32], downgrade: false }
}

fn offer(release: Release) -> Offer {
    Offer { signed: sign_release(release, &key(1)), again: false }
}

#[test]
fn a_release_is_taken_only_when_it_is_signed_for_this_machine_and_newer() {
    let ours = [key(1).public()];
    let current = "1.2.0";
    let mut changed = offer(release("1.3.0"));
    changed.signed.release.version = "1.4.0".into();
    let elsewhere = Release { target: "sparc64-unknown-linux-gnu".into(), ..release("1.3.0") };
    let back = Release { downgrade: true, ..release("1.1.0") };
    let again = Offer { again: true, ..offer(release("1.3.0")) };
    let long = Release { size_bytes: u64::MAX, ..release("1.3.0") };
    type Case<'a> = (&'a str, Offer, &'a [[u8; 32]], bool, Result<(), &'a str>);
    let cases: [Case<'_>; 12] = [
        ("newer", offer(release("1.3.0")), &ours, false, Ok(())),
        ("no key", offer(release("1.3.0")), &[], false, Err("pins no release key")),
        ("another key", offer(release("1.3.0")), &[[9; 32]], false, Err("does not pin the key")),
        ("changed", changed, &ours, false, Err("signature")),
        ("elsewhere", offer(elsewhere), &ours, false, Err("sparc64")),
        ("older", offer(release("1.1.0")), &ours, false, Err("not newer than 1.2.0")),
        ("the same", offer(release("1.2.0")), &ours, false, Err("not newer")),
        ("before its end", offer(release("1.2.0-rc.1")), &ours, false, Err("not newer")),
        ("a signed downgrade", offer(back), &ours, false, Ok(())),
        ("rolled back before", offer(release("1.3.0")), &ours, true, Err("rolled back here before")),
        ("asked for again", again, &ours, true, Ok(())),
        ("too long", offer(long), &ours, false, Err("64 MiB")),
    ];
    for (name, offer, keys, gave_up, expected) in cases {
        match (judge(&offer, keys, current, gave_up), expected) {
            (Ok(()), Ok(())) => {}
            (Err(why), Err(part)) => assert!(why.contains(part), "{name}: {why}"),
            (got, _) => panic!("{name}: {got:?}"),
        }
    }
}

#[test]
fn parts_are_taken_in_order_once_and_no_more_than_was_signed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut updates, path) = updates(folder.path(), [1; 32]);
    assert_eq!(updates.part(&[2; 32], 0, b"ab"), Step::Nothing, "nothing was offered");
    updates.stager = Some(Stager::open(offer(release("1.3.0")), &path).unwrap());
    assert_eq!(updates.part(&[2; 32], 0, b"ab"), Step::Fetch { sha256: [2; 32], offset: 2 });
    assert_eq!(updates.part(&[2; 32], 0, b"ab"), Step::Nothing, "it came twice");
    assert_eq!(updates.part(&[2; 32], 3, b"d"), Step::Nothing, "out of order");
    assert_eq!(updates.part(&[3; 32], 2, b"cd"), Step::Nothing, "of another program");
    let again = Offer { again: true, ..offer(release("1.3.0")) };
    assert_eq!(updates.offered(&again, &[]), Step::Fetch { sha256: [2; 32], offset: 2 }, "it goes on where it was");
    assert_eq!(updates.part(&[2; 32], 2, b"cd"), Step::Whole);
    assert_eq!(std::fs::read(stage::beside(&path)).unwrap(), b"abcd");
    updates.stager = Some(Stager::open(offer(release("1.3.0")), &path).unwrap());
    match updates.part(&[2; 32], 0, b"abcde") {
        Step::End(report) => assert!(report.reason.contains("more bytes"), "{}", report.reason),
        other => panic!("{other:?}"),
    }
    assert!(!stage::beside(&path).exists(), "what was refused is removed");
}

/// What an executor knows whose program has this digest, and where that program lies.
pub(super) fn updates(dir: &Path, sha256: [u8; 32]) -> (Updates, PathBuf) {
    let path = dir.join("agent");
    let records = Records::open(dir).unwrap();
    let program = Program { path: path.clone(), version: "1.2.0".into(), sha256 };
    let now = Instant::now();
    let (origin, on_trial, young) = (dir.to_owned(), false, false);
    let (stager, testing, ready) = (None, None, None);
    (Updates { records, program, origin, on_trial, stager, testing, ready, renewed: now, opened: now, young }, path)
}

/// SHA-256 of these bytes.
fn sum(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

/// What an executor knows that waits for the last part of a program of these bytes, which an offer for a newer version
/// brought; and where that program is put.
pub(crate) fn fetching(dir: &Path, program: &[u8]) -> (Updates, [u8; 32], PathBuf) {
    let (mut updates, path) = updates(dir, [1; 32]);
    std::fs::write(&path, "old").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (sha256, size_bytes) = (sum(program), program.len() as u64);
    let offer = offer(Release { sha256, size_bytes, ..release("1.3.0") });
    updates.stager = Some(Stager::open(offer, &path).unwrap());
    (updates, sha256, stage::beside(&path))
}

#[tokio::test]
async fn a_program_that_is_not_what_was_signed_or_does_not_run_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    for (signed, part) in [(b"abce", "not the one that was signed"), (b"abcd", "does not run here")] {
        let (mut updates, sha256, new) = fetching(folder.path(), signed);
        assert_eq!(updates.part(&sha256, 0, b"abcd"), Step::Whole);
        updates.test(folder.path());
        let verdict = test_ended(Some(&mut updates)).await;
        let refused = updates.tested(verdict).unwrap_err();
        assert!(refused.sha256 == sha256 && refused.reason.contains(part), "{}", refused.reason);
        assert!(!new.exists() && updates.ready.is_none());
    }
}

#[tokio::test]
async fn a_program_that_tests_itself_has_the_mode_of_the_old_one_and_its_offer_may_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut updates, sha256, new) = fetching(folder.path(), b"#!/bin/sh\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&updates.program.path, mode).unwrap();
    let offer = updates.stager.as_ref().unwrap().offer.clone();
    assert_eq!(updates.part(&sha256, 0, b"#!/bin/sh\n"), Step::Whole);
    updates.test(folder.path());
    assert_eq!(updates.offered(&Offer { again: true, ..offer }, &[]), Step::Nothing, "it is here");
    let verdict = test_ended(Some(&mut updates)).await;
    assert_eq!(updates.tested(verdict).unwrap().state, UpdateState::Trying);
    assert!(updates.ready.as_ref().unwrap().offer.again);
    assert_eq!(new.metadata().unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn a_program_that_others_can_change_is_not_replaced() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("agent");
    assert!(placeable(&program).unwrap_err().contains("not where it was started"));
    std::fs::write(&program, "x").unwrap();
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(&program, 0o755);
    assert_eq!(placeable(&program), Ok(()));
    mode(&program, 0o775);
    assert!(placeable(&program).unwrap_err().contains("written by others"));
    mode(&program, 0o755);
    mode(folder.path(), 0o777);
    assert!(placeable(&program).unwrap_err().contains("folder of the program"));
}

/// What a process finds that was started after another one was killed at some moment.
fn found_by(current: [u8; 32], begun: u32) -> (Option<UpdateReport>, bool) {
    let folder = tempfile::tempdir().unwrap();
    let (mut updates, path) = updates(folder.path(), current);
    for _ in 0..begun {
        updates.records.begin(&[2; 32]).unwrap();
    }
    std::fs::write(stage::beside(&path), "half").unwrap();
    updates.settle();
    assert!(!stage::beside(&path).exists(), "what is not in place is removed");
    (updates.owed(), updates.records.gave_up(&[2; 32]))
}

#[test]
fn whatever_moment_the_power_went_the_next_start_goes_on_from_there() {
    assert_eq!(found_by([1; 32], 0), (None, false), "before the trial");
    assert_eq!(found_by([1; 32], 1), (None, false), "in the trial: it may be offered again");
    assert_eq!(found_by([2; 32], 1).0.unwrap().state, UpdateState::Done, "after it was put in place");
    let (report, gave_up) = found_by([1; 32], TRIALS_MAX);
    assert_eq!(report.unwrap().state, UpdateState::RolledBack);
    assert!(gave_up, "what ends every machine it is tried on is not tried for ever");
}

#[test]
fn what_was_told_is_not_told_again_and_versions_are_known_by_their_digest() {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path()).unwrap();
    records.give_up(&report([2; 32], UpdateState::RolledBack, "why"));
    assert_eq!(records.owed(), Some(report([2; 32], UpdateState::RolledBack, "why")));
    records.told(&[3; 32]);
    assert!(records.owed().is_some(), "that was another one");
    records.told(&[2; 32]);
    assert_eq!(records.owed(), None);
    records.name(&[2; 32], "1.3.0").unwrap();
    records.name(&[3; 32], "1.4.0").unwrap();
    assert_eq!(records.version_of(&[2; 32]).as_deref(), Some("1.3.0"));
    assert_eq!(records.version_of(&[4; 32]), None);
}

/// An executor's updates with a version that waits for its trial.
pub(crate) fn waiting(dir: &Path) -> Updates {
    ready(dir, offer(release("1.3.0"))).0
}

/// What is ready to be tried, by an offer.
fn ready(dir: &Path, offer: Offer) -> (Updates, PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let (mut updates, path) = updates(dir, [1; 32]);
    for path in [path.clone(), stage::beside(&path)] {
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    updates.ready = Some(Staged { offer, path: stage::beside(&path) });
    (updates, stage::beside(&path))
}

#[test]
fn what_waited_for_a_job_is_judged_again_before_it_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let (mut updates, staged) = ready(folder.path(), offer(release("1.3.0")));
    assert_eq!(updates.judge_again(&[key(1).public()]), Ok(()));
    assert!(updates.ready.is_some() && staged.exists());
    let refused = updates.judge_again(&[key(9).public()]).unwrap_err();
    assert_eq!((refused.sha256, refused.state), ([2; 32], UpdateState::Refused));
    assert!(refused.reason.contains("does not pin the key"), "{}", refused.reason);
    assert!(updates.ready.is_none() && !staged.exists(), "it is removed");
}

#[test]
fn what_is_ready_lapses_when_its_offer_is_not_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut updates, staged) = ready(folder.path(), offer(release("1.3.0")));
    let begun = updates.renewed;
    updates.look(begun + LAPSE / 2);
    assert!(updates.ready.is_some());
    updates.renewed = begun + LAPSE / 2;
    updates.look(begun + LAPSE);
    assert!(updates.ready.is_some(), "the offer was renewed");
    assert_eq!(updates.offered(&offer(release("1.3.0")), &[key(1).public()]), Step::Nothing);
    let renewed = updates.renewed;
    assert!(renewed < begun + LAPSE / 2, "the same offer renews it");
    updates.look(renewed + LAPSE);
    assert!(updates.ready.is_none() && !staged.exists());
}

#[test]
fn a_reason_is_never_longer_than_what_a_server_reads() {
    let folder = tempfile::tempdir().unwrap();
    let long = report([2; 32], UpdateState::Refused, &"\u{fffd}".repeat(TEXT_BYTES_MAX));
    assert!(long.reason.len() <= TEXT_BYTES_MAX && !long.reason.is_empty());
    let said = agent_proto::FromAgent::Durable {
        lane: agent_proto::Lane::Results,
        seq: 1,
        event: agent_proto::Durable::Update(long.clone()),
    };
    let bytes = agent_proto::encode(&agent_proto::Frame::direct(said)).unwrap();
    assert!(agent_proto::decode::<agent_proto::FromAgent>(&bytes).is_ok());
    let records = Records::open(folder.path()).unwrap();
    records.give_up(&long);
    assert_eq!(records.owed(), Some(long));
}
