//! What the ring keeps, what it drops, and that it says so.

use super::*;
use agent_proto::{JobState, Samples, decode};

const LEAST: u64 = 256 * 1024;

fn ring(dir: &Path) -> Ring {
    Ring::open(dir, LEAST, 0).unwrap()
}

/// Values that do not compress, so that a few thousand of them fill the ring.
fn samples(seed: u64) -> Durable {
    let noise = |id: u64| (id + 1).wrapping_mul(seed.wrapping_add(7)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let values = (0..100_u32).map(|id| (id, f64::from_bits(noise(u64::from(id)) >> 2))).collect();
    Durable::Samples(Samples { at_ms: seed.cast_signed(), values })
}

fn result(byte: u8) -> Durable {
    Durable::JobResult(agent_proto::JobResult {
        job_id: [byte; 16],
        state: JobState::Done,
        reason: String::new(),
        exit_code: Some(0),
        started_us: 1,
        finished_us: 2,
        output: String::new(),
        output_dropped_bytes: 0,
    })
}

fn open_frame(frame: &[u8]) -> (Lane, u64, Durable) {
    match decode::<FromAgent>(frame).unwrap().message {
        FromAgent::Durable { lane, seq, event } => (lane, seq, event),
        other => panic!("{other:?} in the ring"),
    }
}

/// Everything that waits, acknowledged as it comes.
fn drain(ring: &mut Ring) -> Vec<(Lane, u64, Durable)> {
    let mut out = Vec::new();
    while let Some(frame) = ring.next_unsent() {
        let message = open_frame(&frame);
        ring.ack(message.0, message.1);
        out.push(message);
    }
    out
}

#[test]
fn results_go_before_facts_before_metrics_and_each_lane_keeps_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = ring(dir.path());
    for seed in 0..3 {
        ring.append(Lane::Metrics, 1, samples(seed), Keep::Lazily);
        ring.append(Lane::Results, 1, result(seed as u8), Keep::Synced);
    }
    let out = drain(&mut ring);
    let lanes: Vec<Lane> = out.iter().map(|(lane, ..)| *lane).collect();
    assert_eq!(lanes, [Lane::Results, Lane::Results, Lane::Results, Lane::Metrics, Lane::Metrics, Lane::Metrics]);
    assert!(out.windows(2).all(|two| two[0].0 != two[1].0 || two[0].1 + 1 == two[1].1), "numbers grow by one");
    assert_eq!(ring.positions().iter().map(|position| position.waiting).sum::<u64>(), 0);
}

#[test]
fn what_was_not_acknowledged_is_sent_again_after_a_reconnect_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = ring(dir.path());
    for byte in 0..5 {
        first.append(Lane::Results, 1, result(byte), Keep::Synced);
    }
    let (lane, seq, _) = open_frame(&first.next_unsent().unwrap());
    first.next_unsent().unwrap();
    first.ack(lane, seq);
    first.rewind();
    let again = open_frame(&first.next_unsent().unwrap());
    assert_eq!(again.1, seq + 1);
    first.save();
    drop(first);
    let mut second = ring(dir.path());
    let rest = drain(&mut second);
    assert_eq!(rest.iter().map(|(_, seq, _)| *seq).collect::<Vec<_>>(), (seq + 1..=seq + 4).collect::<Vec<_>>());
    second.append(Lane::Results, 1, result(9), Keep::Synced);
    assert_eq!(drain(&mut second)[0].1, seq + 5, "numbers go on after a restart");
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = ring(dir.path());
    ring.append(Lane::Results, 1, result(1), Keep::Synced);
    ring.ack(Lane::Results, u64::MAX);
    assert_eq!(drain(&mut ring).len(), 1);
}

#[test]
fn a_full_ring_drops_the_oldest_metrics_says_so_and_keeps_every_result() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = ring(dir.path());
    for seed in 0..1_000_u64 {
        ring.append(Lane::Metrics, seed.cast_signed() + 1, samples(seed), Keep::Lazily);
        if seed % 100 == 0 {
            ring.append(Lane::Results, seed.cast_signed(), result(seed as u8), Keep::Lazily);
        }
    }
    assert!(ring.bytes() < LEAST + LEAST / 8, "{} bytes on disk", ring.bytes());
    let out = drain(&mut ring);
    let results = out.iter().filter(|(.., event)| matches!(event, Durable::JobResult(_))).count();
    let kept = out.iter().filter(|(.., event)| matches!(event, Durable::Samples(_))).count() as u64;
    let gaps: Vec<&Gap> =
        out.iter().filter_map(|(.., event)| if let Durable::Gap(gap) = event { Some(gap) } else { None }).collect();
    assert_eq!(results, 10);
    assert!(kept > 50, "{kept} kept");
    assert_eq!(gaps.iter().map(|gap| gap.dropped).sum::<u64>() + kept, 1_000, "every message is kept or counted");
    assert!(gaps.iter().all(|gap| gap.lane == Lane::Metrics && gap.why.contains("full")));
    assert_eq!(gaps.iter().map(|gap| gap.from_ms).min(), Some(1));
}

#[test]
fn a_ring_full_of_results_refuses_metrics_and_counts_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = ring(dir.path());
    let long = |byte: u8| {
        let Durable::JobResult(mut result) = result(byte) else { unreachable!() };
        result.output =
            (0..30_000_u32).map(|n| char::from(33 + (n.wrapping_mul(2_654_435_761) >> 25) as u8 % 90)).collect();
        Durable::JobResult(result)
    };
    while ring.bytes() < LEAST - 40_000 {
        ring.append(Lane::Results, 1, long(1), Keep::Lazily);
    }
    for seed in 0..400 {
        ring.append(Lane::Metrics, 1, samples(seed), Keep::Lazily);
    }
    assert!(ring.dropped > 0);
    let results = drain(&mut ring).iter().filter(|(.., event)| matches!(event, Durable::JobResult(_))).count();
    assert!(results >= 6, "{results} results");
}

#[test]
fn a_torn_record_at_the_end_is_cut_off_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = ring(dir.path());
    first.append(Lane::Results, 1, result(1), Keep::Synced);
    first.append(Lane::Results, 1, result(2), Keep::Synced);
    drop(first);
    let segment = std::fs::read_dir(dir.path().join("results")).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&segment).unwrap();
    for cut in 1..40 {
        std::fs::write(&segment, &bytes[..bytes.len() - cut]).unwrap();
        let copy = tempfile::tempdir().unwrap();
        std::fs::create_dir(copy.path().join("results")).unwrap();
        std::fs::copy(&segment, copy.path().join("results").join(segment.file_name().unwrap())).unwrap();
        let out = drain(&mut ring(copy.path()));
        assert!(matches!(out[0].2, Durable::JobResult(_)), "cut by {cut}");
        assert!(matches!(&out[1].2, Durable::Gap(gap) if gap.why.contains("damaged")), "cut by {cut}");
        assert_eq!(out.len(), 2);
    }
}

#[test]
fn every_record_of_a_damaged_end_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = ring(dir.path());
    for byte in 0..4 {
        first.append(Lane::Results, 1, result(byte), Keep::Synced);
    }
    drop(first);
    let segment = std::fs::read_dir(dir.path().join("results")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    let one = bytes.len() / 4;
    bytes[one + 30] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    let out = drain(&mut ring(dir.path()));
    assert_eq!(out.len(), 2, "what follows the damage is not read");
    assert!(matches!(&out[1].2, Durable::Gap(gap) if gap.dropped == 3), "{:?}", out[1]);
}

#[test]
fn a_segment_damaged_while_the_agent_runs_becomes_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = ring(dir.path());
    for seed in 0..3 {
        ring.append(Lane::Metrics, 1, samples(seed), Keep::Lazily);
    }
    let segment = std::fs::read_dir(dir.path().join("metrics")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    assert!(drain(&mut ring).is_empty());
    ring.append(Lane::Metrics, 1, samples(9), Keep::Lazily);
    let out = drain(&mut ring);
    assert!(matches!(&out[0].2, Durable::Gap(gap) if gap.dropped == 3), "{:?}", out[0]);
    assert!(matches!(out[1].2, Durable::Samples(_)));
}

#[test]
fn what_nobody_fetched_for_seven_days_is_dropped_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = ring(dir.path());
    first.append(Lane::Metrics, 1_000, samples(1), Keep::Lazily);
    first.expire(AGE_MS_MAX);
    assert_eq!(first.positions()[2].waiting, 1);
    first.expire(AGE_MS_MAX + 1_001);
    first.append(Lane::Metrics, AGE_MS_MAX + 2_000, samples(2), Keep::Lazily);
    let out = drain(&mut first);
    assert!(matches!(&out[0].2, Durable::Gap(gap) if gap.dropped == 1 && gap.from_ms == 1_000));
    assert_eq!(out.len(), 2);
}

#[test]
fn a_window_of_unacknowledged_messages_is_never_exceeded() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = ring(dir.path());
    for byte in 0..40 {
        ring.append(Lane::Results, 1, result(byte), Keep::Lazily);
    }
    let mut sent = 0;
    while ring.next_unsent().is_some() {
        sent += 1;
    }
    assert_eq!(sent, IN_FLIGHT_MAX);
}

#[test]
fn segments_that_the_server_stored_leave_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = ring(dir.path());
    for seed in 0..200 {
        ring.append(Lane::Metrics, 1, samples(seed), Keep::Lazily);
    }
    drain(&mut ring);
    assert!(ring.bytes() < 4 * 1024, "{} bytes left", ring.bytes());
}

#[test]
fn what_is_offered_and_not_taken_is_no_loss_and_may_be_offered_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = Ring::open(dir.path(), 0, 0).unwrap();
    assert!(!ring.offer(Lane::Results, 1, result(1), Keep::Synced), "there is no room");
    assert_eq!((ring.dropped, drain(&mut ring).len()), (0, 0), "it is still somebody's");
    ring.bytes_max = LEAST;
    assert!(ring.offer(Lane::Results, 1, result(1), Keep::Synced));
    assert_eq!(drain(&mut ring).iter().map(|(.., event)| event.clone()).collect::<Vec<_>>(), [result(1)]);
}
