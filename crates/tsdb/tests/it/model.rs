//! Whatever the order of appends, upkeep, restarts and kills after a sync: the store answers what a map would.

use crate::rig::{Points, Rig, STEP, T0, options};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tsdb::Options;

#[derive(Clone, Debug)]
enum Step {
    /// Rows of one source: how many steps to wait before, and which of its four series get which value.
    Rows {
        source: u8,
        wait: i64,
        rows: Vec<[Option<f64>; 4]>,
    },
    Maintain,
    Snapshot,
    Restart,
    Kill,
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => Just(None),
        3 => Just(Some(1.0)),
        4 => (0_i32..500).prop_map(|n| Some(f64::from(n))),
        1 => any::<u64>().prop_map(|bits| Some(f64::from_bits(bits))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let rows = prop::collection::vec([value(), value(), value(), value()], 1..60);
    prop_oneof![
        6 => (0_u8..3, 1_i64..40, rows).prop_map(|(source, wait, rows)| Step::Rows { source, wait, rows }),
        2 => Just(Step::Maintain),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
    ]
}

/// Runs the steps and keeps the same in a map.
fn run(steps: Vec<Step>) -> (Rig, BTreeMap<(String, String), Points>) {
    let options = Options { window_ms: 50 * STEP, grace_ms: STEP, ..options() };
    let mut rig = Rig::new(options);
    let mut model: BTreeMap<(String, String), Points> = BTreeMap::new();
    let mut now = T0;
    for step in steps {
        match step {
            Step::Rows { source, wait, rows } => {
                now += wait * STEP;
                let source = format!("s{source}");
                let ids: Vec<_> = (0..4).map(|n| rig.id(&source, &format!("m{n}"))).collect();
                for row in rows {
                    now += STEP + i64::from(row[0].is_some());
                    let samples: Vec<_> = ids.iter().zip(row).filter_map(|(id, value)| Some((*id, value?))).collect();
                    let appended = rig.store().append(&source, now, &samples).unwrap();
                    assert_eq!(appended.accepted, samples.len());
                    for (n, value) in row.into_iter().enumerate().filter_map(|(n, value)| Some((n, value?))) {
                        model.entry((source.clone(), format!("m{n}"))).or_default().push((now, value.to_bits()));
                    }
                }
            }
            Step::Maintain => rig.store().maintain(now).unwrap(),
            Step::Snapshot => rig.store().snapshot().unwrap(),
            Step::Restart => rig.close_and_open(now),
            Step::Kill => {
                rig.store().sync().unwrap();
                rig.crash(now, |_| {});
            }
        }
    }
    (rig, model)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_store_answers_what_a_map_would(steps in prop::collection::vec(step(), 1..25)) {
        let (rig, model) = run(steps);
        for source in 0..3 {
            for metric in 0..4 {
                let key = (format!("s{source}"), format!("m{metric}"));
                let points = rig.points(&key.0, &key.1);
                prop_assert_eq!(points, model.get(&key).cloned().unwrap_or_default(), "{:?}", key);
            }
        }
        let stats = rig.store().stats();
        prop_assert_eq!((stats.damaged_pages, stats.damaged_frames, stats.lost_records), (0, 0, 0));
    }
}
