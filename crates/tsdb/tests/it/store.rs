//! Registering, appending, reading; and what is refused.

use crate::rig::{ALWAYS, Rig, STEP, T0, WINDOW, expected, noisy, options};
use tsdb::{Appended, BATCH_SAMPLES_MAX, Error, Limits, Matcher, Options, Store};

#[test]
fn the_same_labels_in_any_order_are_the_same_series() {
    let rig = Rig::new(options());
    let store = rig.store();
    let a = store.register("s", &[("__name__", "up"), ("site", "a"), ("none", "")]).unwrap();
    let b = store.register("s", &[("site", "a"), ("__name__", "up")]).unwrap();
    let c = store.register("s", &[("site", "b"), ("__name__", "up")]).unwrap();
    assert!(a == b && a != c);
    assert_eq!(store.stats().series, 2);
}

#[test]
fn a_read_merges_blocks_and_head_and_keeps_to_its_bounds() {
    let rig = Rig::new(options());
    rig.fill("s", "load", T0, 30, noisy);
    rig.store().maintain(T0 + WINDOW + 400_000).unwrap();
    assert_eq!((rig.store().stats().blocks, rig.store().stats().block_samples), (1, 30));
    rig.fill("s", "load", T0 + WINDOW + STEP, 10, noisy);
    assert_eq!(rig.points("s", "load").len(), 40);
    let read = |from, to| {
        let series = rig.store().select(&[Matcher::metric("load")], from, to, Limits::default()).unwrap();
        series.first().map_or(0, |series| series.points.len())
    };
    assert_eq!(read(T0 + 29 * STEP, T0 + WINDOW + STEP), 2);
    assert_eq!(read(T0 + 30 * STEP, T0 + WINDOW), 0);
    assert_eq!(read(T0, T0), 1);
}

#[test]
fn every_bit_pattern_survives_head_block_and_restart() {
    let odd = [
        f64::from_bits(0x7ff0_0000_0000_0002),
        f64::NAN,
        -0.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE / 4.0,
    ];
    let value = |n: i64| odd[n as usize % odd.len()];
    let mut rig = Rig::new(options());
    rig.fill("s", "odd", T0, 300, value);
    rig.fill("t", "stale", T0, 200, |_| odd[0]);
    for now in [T0, T0 + WINDOW / 2, T0 + WINDOW + 400_000] {
        rig.store().maintain(now).unwrap();
        rig.close_and_open(now);
        assert_eq!(rig.points("s", "odd"), expected(T0, 300, value));
        assert_eq!(rig.points("t", "stale"), expected(T0, 200, |_| odd[0]));
    }
    assert_eq!(rig.store().stats().blocks, 1);
}

#[test]
fn series_of_one_source_may_have_rhythms_of_their_own() {
    let rig = Rig::new(options());
    let (fast, slow) = (rig.id("s", "fast"), rig.id("s", "slow"));
    for n in 0..480 {
        let at = T0 + n * STEP;
        let _ = rig.store().append("s", at, &[(fast, noisy(n))]).unwrap();
        if n % 4 == 1 {
            let _ = rig.store().append("s", at, &[(slow, noisy(n))]).unwrap();
        }
    }
    let check = || {
        assert_eq!(rig.points("s", "fast"), expected(T0, 480, noisy));
        let slow: Vec<_> = expected(T0, 480, noisy).into_iter().skip(1).step_by(4).collect();
        assert_eq!(rig.points("s", "slow"), slow);
    };
    check();
    rig.store().maintain(T0 + WINDOW + 400_000).unwrap();
    check();
    assert_eq!(rig.store().stats().block_samples, 600);
}

#[test]
fn what_cannot_be_taken_is_refused_and_counted() {
    let rig = Rig::new(Options { late_window_ms: 60_000, ..Options::default() });
    let (a, b, other) = (rig.id("s", "a"), rig.id("s", "b"), rig.id("other", "a"));
    let check = |at, samples: &[_], expected| {
        assert_eq!(rig.store().append("s", at, samples).unwrap(), expected);
    };
    let none = Appended::default();
    check(T0, &[(a, 1.0)], Appended { accepted: 1, ..none });
    check(T0, &[(a, 2.0), (b, 3.0)], Appended { accepted: 1, duplicate: 1, ..none });
    check(T0, &[(a, 1.0), (b, 3.0)], Appended { repeated: 2, ..none });
    check(T0 - 60_001, &[(a, 4.0), (b, 4.0)], Appended { out_of_order: 2, ..none });
    check(T0 + 601_000, &[(a, 5.0)], Appended { out_of_bounds: 1, ..none });
    check(T0 - 15 * 86_400_000, &[(a, 5.0)], Appended { out_of_bounds: 1, ..none });
    check(T0 + 1, &[(other, 6.0)], Appended { unknown: 1, ..none });
    check(T0, &[(b, 7.0)], Appended { duplicate: 1, ..none });
    assert_eq!(rig.store().append("nobody", T0, &[(a, 1.0)]).unwrap(), Appended { unknown: 1, ..none });
    assert_eq!(rig.points("s", "a"), [(T0, 1.0_f64.to_bits())]);
    let rejected = rig.store().stats().rejected;
    assert_eq!((rejected.out_of_order, rejected.duplicate), (2, 2));
    assert_eq!((rejected.out_of_bounds, rejected.unknown), (2, 2));
    let many = vec![(a, 0.0); BATCH_SAMPLES_MAX + 1];
    assert!(matches!(rig.store().append("s", T0 + 2, &many), Err(Error::TooMuch { .. })));
}

#[test]
fn a_source_that_comes_back_with_old_rows_is_taken_if_they_are_in_order() {
    let rig = Rig::new(options());
    rig.fill("live", "x", T0, 10, noisy);
    rig.store().maintain(T0 + 3 * WINDOW).unwrap();
    rig.fill("away", "x", T0 + STEP, 1_000, noisy);
    rig.store().maintain(T0 + 4 * WINDOW + 400_000).unwrap();
    assert_eq!(rig.store().stats().blocks, 4);
    assert_eq!(rig.points("away", "x"), expected(T0 + STEP, 1_000, noisy));
    assert_eq!(rig.points("live", "x"), expected(T0, 10, noisy));
}

#[test]
fn limits_name_the_offender() {
    let options = Options { series_per_source_max: 3, series_max: 5, ..options() };
    let mut rig = Rig::new(options);
    let add = |store: &Store, source: &str, n: i32| store.register(source, &[("__name__", &format!("m{n}"))]);
    for n in 0..3 {
        add(rig.store(), "greedy", n).unwrap();
    }
    let error = add(rig.store(), "greedy", 3).unwrap_err().to_string();
    assert!(error.contains("\"greedy\" already has 3 series"), "{error}");
    add(rig.store(), "greedy", 0).unwrap();
    add(rig.store(), "modest", 0).unwrap();
    add(rig.store(), "modest", 1).unwrap();
    let error = add(rig.store(), "late", 0).unwrap_err().to_string();
    assert!(error.contains("\"late\"") && error.contains("\"greedy\" with 3 series"), "{error}");
    let stats = rig.store().stats();
    assert_eq!(stats.rejected.series_limit, 2);
    assert_eq!(stats.offenders, [("greedy".to_owned(), 1), ("late".to_owned(), 1)]);
    rig.close_and_open(T0 + 1);
    assert!(add(rig.store(), "greedy", 3).is_err(), "the limit counts what was there before the restart");
}

#[test]
fn broken_labels_are_refused_with_the_source_and_the_rule() {
    let rig = Rig::new(options());
    let check = |source: &str, labels: &[(&str, &str)], part: &str| {
        let error = rig.store().register(source, labels).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    check("s", &[("site", "a")], "source \"s\" sent labels that are refused: label \"__name__\"");
    check("s", &[("__name__", &"x".repeat(2_000))], "2000 bytes, at most 1024");
    check("", &[("__name__", "a")], "source's name has 0 bytes");
    assert_eq!(rig.store().stats().rejected.bad_labels, 3);
}

#[test]
fn matchers_find_series_and_an_absent_label_is_empty() {
    let rig = Rig::new(options());
    for (name, site) in [("cpu", "bern"), ("cpu", "basel"), ("cpu", ""), ("disk", "zug")] {
        let id = rig.store().register("s", &[("__name__", name), ("site", site)]).unwrap();
        let _ = rig.store().append("s", T0, &[(id, 1.0)]).unwrap();
    }
    let check = |matchers: &[Matcher], expected: &[&str]| {
        let last = rig.store().last(matchers, 0);
        let sites: Vec<_> = last.iter().map(|(labels, _, _)| labels.get("site").unwrap_or("-")).collect();
        assert_eq!(sites, expected);
    };
    let cpu = Matcher::metric("cpu");
    check(std::slice::from_ref(&cpu), &["-", "basel", "bern"]);
    check(&[cpu.clone(), Matcher::equal("site", "")], &["-"]);
    check(&[cpu.clone(), Matcher::not_equal("site", "")], &["basel", "bern"]);
    check(&[cpu.clone(), Matcher::not_equal("site", "bern")], &["-", "basel"]);
    check(&[Matcher::one_of("site", &["zug", "bern", "x"])], &["bern", "zug"]);
    check(&[Matcher::prefix("site", "b")], &["basel", "bern"]);
    check(&[Matcher::prefix("site", "")], &["-", "basel", "bern", "zug"]);
    check(&[Matcher::equal("nowhere", "x")], &[]);
    assert_eq!(rig.store().label_values("site", &[], ALWAYS, Limits::default()).unwrap(), ["basel", "bern", "zug"]);
    assert_eq!(rig.store().label_values("site", &[cpu], ALWAYS, Limits::default()).unwrap(), ["basel", "bern"]);
    assert_eq!(rig.store().series(&[], ALWAYS, Limits::default()).unwrap().len(), 4);
}

#[test]
fn last_answers_the_newest_sample_and_forgets_what_is_older_than_asked() {
    let mut rig = Rig::new(options());
    rig.fill("s", "a", T0, 5, |n| n as f64);
    rig.close_and_open(T0 + WINDOW);
    let last = rig.store().last(&[Matcher::metric("a")], T0);
    assert_eq!(last.iter().map(|(_, at, value)| (*at, *value)).collect::<Vec<_>>(), [(T0 + 4 * STEP, 4.0)]);
    assert!(rig.store().last(&[Matcher::metric("a")], T0 + 5 * STEP).is_empty());
}

#[test]
fn a_read_beyond_its_limits_is_refused() {
    let rig = Rig::new(options());
    rig.fill("s", "a", T0, 50, noisy);
    rig.fill("t", "a", T0, 50, noisy);
    let read = |limits| rig.store().select(&[Matcher::metric("a")], 0, i64::MAX, limits);
    let limits = |series, samples| Limits { series, samples, ..Limits::default() };
    assert!(read(limits(2, 100)).is_ok());
    let error = read(limits(1, 100)).unwrap_err().to_string();
    assert!(error.starts_with("more than 1 series"), "{error}");
    let error = read(limits(2, 99)).unwrap_err().to_string();
    assert!(error.starts_with("more than 99 samples"), "{error}");
    assert!(read(Limits { bytes: 800, ..Limits::default() }).is_ok());
    let error = read(Limits { bytes: 799, ..Limits::default() }).unwrap_err().to_string();
    assert!(error.starts_with("more than 799 bytes"), "{error}");
}

#[test]
fn a_folder_has_one_owner() {
    let rig = Rig::new(options());
    let second = Store::open(rig.dir.path(), options(), T0);
    assert!(matches!(second, Err(Error::InUse { .. })));
}

#[test]
fn many_threads_may_append_and_read_while_the_head_is_cut() {
    let rig = Rig::new(options());
    let store = rig.store();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                let source = format!("s{thread}");
                let id = store.register(&source, &[("__name__", "x"), ("source", &source)]).unwrap();
                for n in 0..400 {
                    let appended = store.append(&source, T0 + n * STEP, &[(id, noisy(n))]).unwrap();
                    assert_eq!(appended.accepted, 1);
                    if n % 50 == 0 {
                        let read = store.select(&[Matcher::equal("source", &source)], 0, i64::MAX, Limits::default());
                        assert_eq!(read.unwrap()[0].points.len() as i64, n + 1);
                    }
                }
            });
        }
        for n in 0..60 {
            store.maintain(T0 + WINDOW + n * 100_000).unwrap();
        }
    });
    for thread in 0..4 {
        assert_eq!(rig.points(&format!("s{thread}"), "x"), expected(T0, 400, noisy));
    }
}

#[test]
fn a_visit_hands_over_what_a_read_answers_and_its_bound_is_for_one_series() {
    let rig = Rig::new(options());
    let metrics: Vec<String> = (0..40).map(|n| format!("m{n:02}")).collect();
    for (at, source) in [(0, "s"), (0, "t"), (WINDOW, "s")] {
        for metric in &metrics {
            // The same labels in two sources are one series.
            let id = rig.store().register(&format!("{source}-{metric}"), &[("__name__", metric)]).unwrap();
            for n in 0..50 {
                let at_ms = T0 + at + n * STEP + i64::from(source == "t");
                let sample = [(id, noisy(n))];
                assert_eq!(rig.store().append(&format!("{source}-{metric}"), at_ms, &sample).unwrap().accepted, 1);
            }
        }
        rig.store().maintain(T0 + at + WINDOW / 2).unwrap();
    }
    assert_eq!(rig.store().stats().blocks, 1);
    let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
    let matchers = [Matcher::one_of("__name__", &names)];
    let whole = rig.store().select(&matchers, 0, i64::MAX, Limits::default()).unwrap();
    assert_eq!(whole.iter().map(|one| one.points.len()).sum::<usize>(), 40 * 150);
    let limits = |samples| Limits { samples, ..Limits::default() };
    let visit = |samples, most: usize| {
        let mut seen = Vec::new();
        rig.store()
            .visit(&matchers, (0, i64::MAX), limits(samples), |one| {
                seen.push((one.labels, one.points));
                seen.len() < most
            })
            .map(|()| seen)
    };
    let plain: Vec<_> = whole.into_iter().map(|one| (one.labels, one.points)).collect();
    assert!(rig.store().select(&matchers, 0, i64::MAX, limits(200)).is_err());
    assert_eq!(visit(200, 1_000).unwrap(), plain, "one series fits at a time");
    assert_eq!(visit(6_000, 1_000).unwrap(), plain);
    assert_eq!(visit(200, 3).unwrap(), plain[..3]);
    assert!(matches!(visit(149, 1_000), Err(Error::TooMuch { what: "samples", limit: 149 })));
}
