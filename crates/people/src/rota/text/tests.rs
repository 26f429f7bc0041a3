//! Lengths, days, hours and times as they are written.

use serde_json::{Value, json};

use super::*;

fn utc() -> TimeZone {
    TimeZone::UTC
}

fn rotation(more: Value) -> std::result::Result<Rotation, serde_json::Error> {
    let mut all = json!({ "kind": "weekly", "start": "2026-03-02T08:00", "participants": ["ada"] });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all)
}

fn length(more: Value) -> Result<i64> {
    rotation(more).unwrap().layer::<u8>("r", &utc(), Vec::new()).map(|layer| layer.length)
}

#[test]
fn a_length_is_a_number_of_units_or_a_duration() {
    for (more, expected) in [
        (json!({}), 7 * DAY),
        (json!({ "length": 2 }), 14 * DAY),
        (json!({ "length": "2" }), 14 * DAY),
        (json!({ "kind": "daily", "length": 1 }), DAY),
        (json!({ "kind": "hourly", "length": 12 }), 12 * HOUR),
        (json!({ "kind": "custom", "length": 12 }), 12 * HOUR),
        (json!({ "kind": "custom", "length": "12h" }), 12 * HOUR),
        (json!({ "kind": "custom", "length": "PT12H" }), 12 * HOUR),
        (json!({ "kind": "custom", "length": "P1W" }), 7 * DAY),
        (json!({ "kind": "custom", "length": "P2DT12H" }), 60 * HOUR),
        (json!({ "kind": "daily", "length": "PT90M" }), 5_400),
    ] {
        assert_eq!(length(more.clone()).unwrap(), expected, "{more}");
    }
}

#[test]
fn a_length_that_is_none_is_refused_by_name() {
    for more in [
        json!({ "length": 0 }),
        json!({ "length": -1 }),
        json!({ "length": 1_000_000_000 }),
        json!({ "length": i64::MAX }),
        json!({ "length": 9_999_999_999_999_999_999_u64 }),
        json!({ "length": 53 }),
        json!({ "length": "P1M" }),
        json!({ "length": "P1Y" }),
        json!({ "length": "-PT12H" }),
        json!({ "length": "PT59M" }),
        json!({ "length": "fortnight" }),
        json!({ "length": "" }),
        json!({ "kind": "custom" }),
    ] {
        assert_eq!(length(more.clone()).unwrap_err().field.as_deref(), Some("r.length"), "{more}");
    }
    for wrong in
        [json!({ "length": 1.5 }), json!({ "length": [1] }), json!({ "kind": "monthly" }), json!({ "colour": 1 })]
    {
        assert!(rotation(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn every_wrong_part_is_refused_by_its_name() {
    for (more, field) in [
        (json!({ "start": "tomorrow" }), "r.start"),
        (json!({ "start": "2026-13-01T00:00" }), "r.start"),
        (json!({ "start": "2026-03-02T08:00[Europe/Oslo]" }), "r.start"),
        (json!({ "start": "1066-10-14T08:00" }), "r.start"),
        (json!({ "start": "1066-10-14T08:00:00Z" }), "r.start"),
        (json!({ "participants": [] }), "r.participants"),
        (json!({ "participants": ["ada", " "] }), "r.participants[1]"),
        (json!({ "participants": vec!["ada"; 201] }), "r.participants"),
        (json!({ "restrictions": [{ "from": "25:00", "to": "08:00" }] }), "r.restrictions[0].from"),
        (json!({ "restrictions": [{ "from": "24:00", "to": "08:00" }] }), "r.restrictions[0].from"),
        (json!({ "restrictions": [{}, { "from": "08:00", "to": "24:01" }] }), "r.restrictions[1].to"),
        (json!({ "restrictions": [{ "from": "08:60", "to": "09:00" }] }), "r.restrictions[0].from"),
        (json!({ "restrictions": [{ "from": "+8:00", "to": "09:00" }] }), "r.restrictions[0].from"),
        (json!({ "restrictions": [{ "days": ["mon", "someday"] }] }), "r.restrictions[0].days[1]"),
        (json!({ "restrictions": [{ "days": ["mo"] }] }), "r.restrictions[0].days[0]"),
        (json!({ "restrictions": vec![json!({}); 51] }), "r.restrictions"),
        (json!({ "name": "x".repeat(81) }), "r.name"),
    ] {
        let error = rotation(more.clone()).unwrap().checked("r", &utc()).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{more}");
    }
}

#[test]
fn days_are_names_or_spans_that_may_go_over_the_end_of_the_week() {
    let chosen = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let found = days("days", &texts).unwrap();
        DAYS.iter().zip(found).filter(|(_, on)| *on).map(|(day, _)| *day).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(chosen(&[]), "mon tue wed thu fri sat sun");
    assert_eq!(chosen(&["Mon", "WEDNESDAY"]), "mon wed");
    assert_eq!(chosen(&["mon-fri"]), "mon tue wed thu fri");
    assert_eq!(chosen(&["sat-mon"]), "mon sat sun");
    assert_eq!(chosen(&["fri-fri"]), "fri");
}

#[test]
fn a_line_of_hours_reads_as_it_is_written() {
    for line in ["mon-fri 08:00-16:00", "18:00-08:00", "sat,sun 00:00-24:00"] {
        assert_eq!(Hours::parse("f", line).unwrap().line(), line);
    }
    assert_eq!(Hours::parse("f", "sat, sun").unwrap().line(), "sat,sun 00:00-24:00");
    for line in ["08:00", "mon 08:00-", "08:00-09:00 10:00-11:00", "nonsense", "mon-fri 8-16"] {
        assert_eq!(Hours::parse("f", line).unwrap_err().field.as_deref(), Some("f"), "{line}");
    }
}

#[test]
fn a_start_with_an_offset_is_what_the_clock_of_the_rota_shows_then() {
    let oslo = TimeZone::get("Europe/Oslo").unwrap();
    let kept = |start: &str| rotation(json!({ "start": start })).unwrap().checked("r", &oslo).unwrap().start;
    assert_eq!(kept("2026-07-01T06:00:00Z"), "2026-07-01T08:00:00");
    assert_eq!(kept("2026-07-01T08:00"), "2026-07-01T08:00:00");
    assert_eq!(kept("2026-07-01"), "2026-07-01T00:00:00");
}

#[test]
fn what_is_kept_is_written_as_briefly_as_it_came() {
    let text = serde_json::to_string(&rotation(json!({})).unwrap()).unwrap();
    assert_eq!(text, r#"{"kind":"weekly","start":"2026-03-02T08:00","participants":["ada"]}"#);
}

/// Texts that are nearly right, made the same way each time.
#[test]
fn no_text_breaks_the_reading_of_a_rotation() {
    let seeds = ["2026-03-02T08:00", "P1W", "mon-fri 08:00-16:00", "24:00", "2026-03-02T08:00:00+01:00", "12h"];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..4_000 {
        let mut letters: Vec<char> = seeds[random(seeds.len())].chars().collect();
        for _ in 0..=random(3) {
            let place = random(letters.len() + 1);
            let pool: Vec<char> = "0123456789:-TZPWDHM,+ åæ🙂\u{0}".chars().collect();
            match random(3) {
                0 if place < letters.len() => drop(letters.remove(place)),
                1 if place < letters.len() => letters[place] = pool[random(pool.len())],
                _ => letters.insert(place, pool[random(pool.len())]),
            }
        }
        let text: String = letters.into_iter().collect();
        let _ = moment("f", &text, &utc());
        let _ = Hours::parse("f", &text);
        let _ = length(json!({ "length": text, "start": text }));
        let _ = length(json!({ "length": text }));
    }
}

#[test]
fn hours_are_kept_in_one_form_however_they_were_written() {
    let kept = |days: &[&str], from: &str, to: &str| {
        let hours =
            Hours { days: days.iter().map(|day| (*day).to_owned()).collect(), from: from.into(), to: to.into() };
        let rotation = Rotation {
            name: String::new(),
            kind: Kind::Daily,
            length: None,
            start: "2026-03-02T08:00:30".into(),
            participants: vec!["ada".into()],
            restrictions: vec![hours],
            adds: false,
        };
        let checked = rotation.checked("rotations[0]", &TimeZone::UTC).unwrap();
        assert_eq!(checked.start, "2026-03-02T08:00:30");
        let again = checked.checked("rotations[0]", &TimeZone::UTC).unwrap();
        assert_eq!(again, checked);
        assert_eq!(Hours::parse("x", &checked.restrictions[0].line()).unwrap(), checked.restrictions[0]);
        checked.restrictions[0].line()
    };
    assert_eq!(kept(&["Friday", "mon", "tue-thu"], "8:00", "16:00"), "mon-fri 08:00-16:00");
    assert_eq!(kept(&["sat-mon"], "08:00", "24:00"), "mon,sat,sun 08:00-24:00");
    assert_eq!(kept(&["mon-sun"], "22:00", "6:00"), "22:00-06:00");
    assert_eq!(kept(&["wed"], "00:00", "24:00"), "wed 00:00-24:00");
}
