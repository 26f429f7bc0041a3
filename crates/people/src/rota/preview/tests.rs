//! What a preview answers, and what it refuses by name.

use serde_json::{Value, json};

use super::*;

fn preview(more: Value) -> Result<Vec<Stretch>> {
    let mut all = json!({
        "time_zone": "Europe/Oslo",
        "rotations": [{ "kind": "weekly", "length": 1, "start": "2026-03-02T08:00", "participants": ["grace", "ada"] }],
        "overrides": [], "from": "2026-03-02T08:00", "to": "2026-03-16T08:00",
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value::<PreviewRota>(all).unwrap().compute()
}

fn stretch(from: &str, to: &str, who: &[&str]) -> Stretch {
    Stretch { from: from.into(), to: to.into(), who: who.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn a_preview_answers_with_the_offset_of_the_zone_and_merges_neighbours() {
    let expected = [
        stretch("2026-03-02T08:00:00+01:00", "2026-03-09T08:00:00+01:00", &["grace"]),
        stretch("2026-03-09T08:00:00+01:00", "2026-03-16T08:00:00+01:00", &["ada"]),
    ];
    assert_eq!(preview(json!({})).unwrap(), expected);
    let same = json!({ "from": "2026-03-02T07:00:00Z", "to": "2026-03-16T08:00:00+01:00" });
    assert_eq!(preview(same).unwrap(), expected);
    let alone = json!({ "rotations": [{ "kind": "daily", "start": "2026-03-02T08:00", "participants": [" ada "] }] });
    assert_eq!(preview(alone).unwrap(), [stretch("2026-03-02T08:00:00+01:00", "2026-03-16T08:00:00+01:00", &["ada"])]);
    let none = preview(json!({ "rotations": [] })).unwrap();
    assert_eq!(none, [stretch("2026-03-02T08:00:00+01:00", "2026-03-16T08:00:00+01:00", &[])]);
}

#[test]
fn overrides_of_a_preview_add_and_take_off() {
    let overrides = json!([
        { "from": "2026-03-03T08:00", "to": "2026-03-04T08:00", "add": ["zoe"] },
        { "from": "2026-03-04T08:00", "to": "2026-03-05T08:00", "remove": ["grace"] },
        { "from": "2026-03-05T08:00", "to": "2026-03-06T08:00", "add": ["bob"], "remove": ["*"] },
    ]);
    let found = preview(json!({ "overrides": overrides, "to": "2026-03-07T08:00" })).unwrap();
    let who: Vec<Vec<String>> = found.into_iter().map(|one| one.who).collect();
    assert_eq!(who, [vec!["grace"], vec!["grace", "zoe"], vec![], vec!["bob"], vec!["grace"]]);
}

#[test]
fn every_wrong_part_of_a_preview_is_refused_by_its_name() {
    let exception = |from: &str, to: &str| json!({ "overrides": [{ "from": from, "to": to, "add": ["ada"] }] });
    let names = vec!["x"; 51];
    for (more, field) in [
        (json!({ "time_zone": "Mars/Base" }), "time_zone"),
        (json!({ "time_zone": "../../etc/passwd" }), "time_zone"),
        (json!({ "time_zone": "" }), "time_zone"),
        (json!({ "from": "yesterday" }), "from"),
        (json!({ "to": "2026-03-02T08:00" }), "to"),
        (json!({ "to": "2027-05-01T08:00" }), "to"),
        (json!({ "to": "9999-12-31T23:59" }), "to"),
        (exception("x", "2026-03-04T08:00"), "overrides[0].from"),
        (exception("2026-03-04T08:00", "2026-03-04T08:00"), "overrides[0].to"),
        (
            json!({ "overrides": [{ "from": "2026-03-03", "to": "2026-03-04", "remove": names }] }),
            "overrides[0].remove",
        ),
        (
            json!({ "rotations": [{ "kind": "daily", "length": 0, "start": "2026-03-02", "participants": ["a"] }] }),
            "rotations[0].length",
        ),
        (
            json!({ "rotations": vec![json!({ "kind": "daily", "start": "2026-03-02", "participants": ["a"] }); 21] }),
            "rotations",
        ),
        (json!({ "overrides": vec![json!({ "from": "2026-03-03", "to": "2026-03-04" }); 501] }), "overrides"),
    ] {
        assert_eq!(preview(more.clone()).unwrap_err().field.as_deref(), Some(field), "{more}");
    }
}

#[test]
fn the_largest_preview_is_bounded() {
    let hours = json!({ "from": "00:00", "to": "23:59" });
    let many: Vec<String> = (0..200).map(|number| format!("p{number}")).collect();
    let layer = json!({ "kind": "hourly", "start": "1970-01-01T00:15", "participants": many, "restrictions": vec![hours; 3], "adds": true });
    let span =
        |layers: usize| json!({ "rotations": vec![layer.clone(); layers], "from": "2026-01-01", "to": "2027-02-05" });
    let found = preview(span(1)).unwrap();
    assert!(found.len() > 9_000 && found.len() < 25_000, "{}", found.len());
    assert_eq!(preview(span(20)).unwrap_err().field.as_deref(), Some("rotations"));
}

#[test]
fn rotations_that_change_too_often_for_the_span_are_refused_before_they_are_computed() {
    let minute =
        |number: usize| json!({ "from": format!("{:02}:00", number % 24), "to": format!("{:02}:01", number % 24) });
    let hours: Vec<Value> = (0..50).map(minute).collect();
    let layer = json!({ "kind": "daily", "start": "2026-01-01", "participants": ["a", "b"], "restrictions": hours, "adds": true });
    let span = json!({ "rotations": vec![layer; 20], "from": "2026-01-01", "to": "2027-02-05" });
    let error = preview(span.clone()).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("rotations"));
    assert!(error.message.contains("at most 20000 are computed at once"), "{}", error.message);
    let mut week = span;
    week["to"] = json!("2026-01-03");
    assert!(preview(week).unwrap().len() > 90, "a short span of the same is answered");
}

#[test]
fn overrides_that_name_too_many_for_the_span_are_refused() {
    let names = |kind: &str, number: usize| (0..50).map(|one| format!("{kind}{number}-{one}")).collect::<Vec<_>>();
    let one = |number: usize| json!({ "from": "2026-01-01", "to": "2027-02-05", "add": names("a", number), "remove": names("r", number) });
    let overrides: Vec<Value> = (0..500).map(one).collect();
    let span = json!({
        "rotations": [{ "kind": "daily", "start": "2026-01-01", "participants": ["a", "b"] }],
        "overrides": overrides, "from": "2026-01-01", "to": "2027-02-05",
    });
    let error = preview(span.clone()).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("overrides"));
    assert!(error.message.contains("at most 500000"), "{}", error.message);
    let mut days = span;
    days["to"] = json!("2026-01-06");
    assert_eq!(preview(days).unwrap()[0].who.len(), 25_001);
}
