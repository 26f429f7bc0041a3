//! Which series and labels there are, at a time and by expression; and what a flood of them does.

use crate::rig::{ALWAYS, Rig, T0, noisy, options};
use tsdb::{Error, Limits, Matcher, Options};

const DAY: i64 = 86_400_000;

/// One series of yesterday, one of today, one of both, one without samples.
fn rig() -> Rig {
    let rig = Rig::new(options());
    rig.fill("old", "a", T0, 5, noisy);
    rig.fill("both", "a", T0, 5, noisy);
    rig.fill("both", "a", T0 + DAY, 5, noisy);
    rig.fill("new", "b", T0 + DAY, 5, noisy);
    rig.id("none", "c");
    rig
}

#[test]
fn names_are_of_the_series_that_have_samples_at_that_time() {
    let mut rig = rig();
    for _ in 0..2 {
        let sources = |span| rig.store().label_values("source", &[], span, Limits::default()).unwrap();
        assert_eq!(sources((T0 - DAY, T0 - 1)), Vec::<String>::new());
        assert_eq!(sources((T0, T0 + DAY - 1)), ["both", "old"]);
        assert_eq!(sources((T0 + DAY, i64::MAX)), ["both", "new"]);
        assert_eq!(sources((0, i64::MAX - 1)), ["both", "new", "old"]);
        let series = rig.store().series(&[Matcher::metric("a")], (T0 + DAY, i64::MAX), Limits::default()).unwrap();
        assert_eq!(series.len(), 1);
        let names = |span| rig.store().label_names(&[], span, Limits::default()).unwrap();
        assert_eq!((names(ALWAYS), names((0, 1))), (vec!["__name__".to_owned(), "source".to_owned()], vec![]));
        rig.close_and_open(T0 + DAY);
    }
}

#[test]
fn lists_of_names_have_limits_too() {
    let rig = rig();
    let limits = Limits { series: 1, ..Limits::default() };
    let what = |error: Error| match error {
        Error::TooMuch { what, limit: 1 } => what,
        other => panic!("{other}"),
    };
    assert_eq!(what(rig.store().series(&[], (0, i64::MAX), limits).unwrap_err()), "series");
    assert_eq!(what(rig.store().label_names(&[], ALWAYS, limits).unwrap_err()), "label names");
    assert_eq!(what(rig.store().label_values("source", &[], ALWAYS, limits).unwrap_err()), "label values");
}

#[test]
fn expressions_choose_series_of_a_read() {
    let rig = rig();
    let sources = |pattern: &str| {
        let matcher = Matcher::matching("source", pattern).unwrap();
        let read = rig.store().select_columns(&[matcher], 0, i64::MAX, Limits::default()).unwrap();
        let mut sources: Vec<_> = read.iter().map(|one| one.labels.get("source").unwrap().to_owned()).collect();
        sources.sort();
        sources
    };
    assert_eq!(sources("old|new"), ["new", "old"]);
    assert_eq!(sources("[bn].*"), ["both", "new"]);
    assert_eq!(sources("ol"), Vec::<String>::new(), "the whole value is meant");
}

#[test]
fn a_flood_from_one_source_is_stopped_counted_and_harms_no_other() {
    let rig = Rig::new(Options { series_per_source_max: 50, series_max: 1_000, ..options() });
    rig.put("modest", "a", T0, 1.0);
    let mut refused = 0;
    for n in 0..5_000 {
        let name = format!("m{n}");
        refused += u64::from(rig.store().register("flood", &[("__name__", &name)]).is_err());
    }
    assert_eq!(refused, 4_950);
    rig.put("modest", "b", T0 + 1, 2.0);
    rig.put("new", "a", T0 + 1, 3.0);
    let stats = rig.store().stats();
    assert_eq!((stats.rejected.series_limit, stats.offenders.len()), (4_950, 1));
    assert_eq!(stats.offenders[0], ("flood".to_owned(), 4_950));
}
