//! Calendars out and in: folding, zones, repeats, what is left out, and texts that are nearly right.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn event(summary: &str, description: &str) -> Event {
    Event {
        uid: "1-2@x.mainstay".into(),
        from: at("2026-03-02T07:00:00Z"),
        to: at("2026-03-09T07:00:00Z"),
        summary: summary.into(),
        description: description.into(),
        changed: at("2026-03-01T00:00:00Z"),
    }
}

fn oslo() -> TimeZone {
    TimeZone::get("Europe/Oslo").unwrap()
}

fn read_march(events: &str) -> Read {
    let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}\r\nEND:VCALENDAR\r\n", events.replace('\n', "\r\n"));
    read(&text, &oslo(), at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z"))
}

fn times(found: &Read) -> Vec<String> {
    found.taken.iter().map(|one| format!("{} {}", one.from, one.to)).collect()
}

fn vevent(lines: &str) -> String {
    format!("BEGIN:VEVENT\nUID:a@b\nSUMMARY:ada\n{lines}\nEND:VEVENT")
}

#[test]
fn what_is_written_is_folded_and_escaped_and_reads_the_same() {
    let summary = "På vakt; ada, grace \\ 🙂 ".repeat(6);
    let text = write("On call: A, B", &[event(&summary, "two\nlines\u{7}")]);
    assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    assert!(
        text.contains("X-WR-CALNAME:On call: A\\, B\r\n") && text.contains("DESCRIPTION:two\\nlines\r\n"),
        "{text}"
    );
    assert!(text.contains("DTSTART:20260302T070000Z\r\nDTEND:20260309T070000Z\r\n"), "{text}");
    for line in text.split_terminator("\r\n") {
        assert!(line.len() <= 75 && !line.contains('\n'), "{line}");
    }
    let back = read(&text, &oslo(), at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z"));
    assert_eq!(times(&back), ["2026-03-02T07:00:00Z 2026-03-09T07:00:00Z"]);
    assert!(summary.starts_with(back.taken[0].summary.trim_end_matches('…')), "{}", back.taken[0].summary);
}

#[test]
fn times_are_read_in_utc_in_their_zone_on_the_wall_and_as_days() {
    for (lines, expected) in [
        ("DTSTART:20260302T070000Z\nDTEND:20260302T190000Z", "2026-03-02T07:00:00Z 2026-03-02T19:00:00Z"),
        ("DTSTART;TZID=America/New_York:20260302T080000\nDURATION:PT12H", "2026-03-02T13:00:00Z 2026-03-03T01:00:00Z"),
        (
            "DTSTART;TZID=\"America/New_York\":20260302T080000\nDTEND:20260302T140000Z",
            "2026-03-02T13:00:00Z 2026-03-02T14:00:00Z",
        ),
        ("DTSTART:20260302T080000\nDTEND:20260302T200000", "2026-03-02T07:00:00Z 2026-03-02T19:00:00Z"),
        ("DTSTART;VALUE=DATE:20260302\nDTEND;VALUE=DATE:20260304", "2026-03-01T23:00:00Z 2026-03-03T23:00:00Z"),
        ("DTSTART;VALUE=DATE:20260302", "2026-03-01T23:00:00Z 2026-03-02T23:00:00Z"),
        ("DTSTART:20260328T200000\nDTEND:20260329T080000", "2026-03-28T19:00:00Z 2026-03-29T06:00:00Z"),
    ] {
        let found = read_march(&vevent(lines));
        assert_eq!(times(&found), [expected], "{lines} {:?}", found.left);
    }
}

#[test]
fn repeats_follow_the_clock_on_the_wall() {
    for (lines, expected) in [
        (
            "DTSTART:20260327T200000\nDTEND:20260328T080000\nRRULE:FREQ=DAILY;COUNT=3",
            vec![
                "2026-03-27T19:00:00Z 2026-03-28T07:00:00Z",
                "2026-03-28T19:00:00Z 2026-03-29T06:00:00Z",
                "2026-03-29T18:00:00Z 2026-03-30T06:00:00Z",
            ],
        ),
        (
            "DTSTART:20250106T080000Z\nDTEND:20250106T090000Z\nRRULE:FREQ=WEEKLY;INTERVAL=4;UNTIL=20260326T235959Z",
            vec!["2026-03-02T08:00:00Z 2026-03-02T09:00:00Z"],
        ),
        (
            "DTSTART:20260303T080000Z\nDTEND:20260303T090000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20260310",
            vec![
                "2026-03-03T08:00:00Z 2026-03-03T09:00:00Z",
                "2026-03-09T08:00:00Z 2026-03-09T09:00:00Z",
                "2026-03-10T08:00:00Z 2026-03-10T09:00:00Z",
            ],
        ),
        (
            "DTSTART:20260131T080000Z\nDTEND:20260131T090000Z\nRRULE:FREQ=MONTHLY",
            vec!["2026-03-31T08:00:00Z 2026-03-31T09:00:00Z"],
        ),
        (
            "DTSTART:20200305T080000Z\nDTEND:20200305T090000Z\nRRULE:FREQ=YEARLY",
            vec!["2026-03-05T08:00:00Z 2026-03-05T09:00:00Z"],
        ),
        (
            "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260303T080000Z",
            vec!["2026-03-02T08:00:00Z 2026-03-02T09:00:00Z", "2026-03-04T08:00:00Z 2026-03-04T09:00:00Z"],
        ),
    ] {
        let found = read_march(&vevent(lines));
        assert_eq!(times(&found), expected, "{lines} {:?}", found.left);
    }
}

#[test]
fn a_repeat_that_was_moved_takes_place_once() {
    let rule = vevent("DTSTART:20260302T080000Z\nDTEND:20260302T090000Z\nRRULE:FREQ=DAILY;COUNT=2");
    let moved = vevent("DTSTART:20260303T120000Z\nDTEND:20260303T130000Z\nRECURRENCE-ID:20260303T080000Z");
    let found = read_march(&format!("{rule}\n{moved}"));
    assert_eq!(
        times(&found),
        ["2026-03-02T08:00:00Z 2026-03-02T09:00:00Z", "2026-03-03T12:00:00Z 2026-03-03T13:00:00Z"]
    );
}

#[test]
fn a_repeat_that_was_moved_is_known_by_the_time_it_had() {
    let rule = vevent("DTSTART;TZID=Europe/Oslo:20260302T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2");
    let before = read_march(&rule);
    for instead in ["RECURRENCE-ID:20260303T080000", "RECURRENCE-ID:20260303T070000Z"] {
        let moved = vevent(&format!("DTSTART;TZID=Europe/Oslo:20260303T120000\nDURATION:PT1H\n{instead}"));
        let after = read_march(&format!("{rule}\n{moved}"));
        let keys = |found: &Read| found.taken.iter().map(|one| one.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&before), keys(&after), "{instead}");
        assert_eq!(after.taken[1].from, at("2026-03-03T11:00:00Z"));
    }
}

#[test]
fn what_cannot_be_understood_is_left_out_with_a_reason() {
    for (lines, why) in [
        ("DTEND:20260302T090000Z", "no beginning"),
        ("DTSTART:20260302T080000Z", "no end"),
        ("DTSTART:20260302T080000Z\nDTEND:20260302T080000Z", "does not last"),
        ("DTSTART:2026-03-02\nDTEND:20260302T080000Z", "is no time"),
        ("DTSTART:20260230T080000Z\nDTEND:20260302T080000Z", "is no time"),
        ("DTSTART;TZID=W. Europe Standard Time:20260302T080000\nDURATION:PT1H", "time zone"),
        ("DTSTART:20260302T080000Z\nDURATION:P1M", "no duration"),
        ("DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY", "FREQ=SECONDLY"),
        ("DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYDAY=MO", "days of the week of a month"),
        ("DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYHOUR=3", "BYHOUR=3"),
        ("DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=99999999", "COUNT"),
        ("DTSTART:20260302T080000Z\nDURATION:PT1H\nSTATUS:CANCELLED", "cancelled"),
    ] {
        let found = read_march(&vevent(lines));
        assert_eq!((found.taken.len(), found.left.len()), (0, 1), "{lines}");
        assert!(found.left[0].why.contains(why), "{lines}: {}", found.left[0].why);
    }
    assert_eq!(read_march("nothing").events, 0);
    let cancelled = read_march(&vevent("DTSTART:20260302T080000Z\nSTATUS:CANCELLED"));
    assert_eq!(cancelled.cancelled[0].key, "a@b#2026-03-02T08:00:00");
}

#[test]
fn attendees_and_alarms_are_kept_apart() {
    let lines = "DTSTART:20260302T080000Z\nDURATION:PT1H\nATTENDEE;CN=\"Lovelace; Ada: x\":mailto:Ada@Example.org\n\
                 BEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:PT99H\nATTENDEE:mailto:other@example.org\nEND:VALARM";
    let found = read_march(&vevent(lines));
    assert_eq!(found.taken[0].attendees, ["ada@example.org"]);
    assert_eq!(times(&found), ["2026-03-02T08:00:00Z 2026-03-02T09:00:00Z"]);
}

#[test]
fn a_calendar_made_to_cost_much_is_bounded() {
    let one = vevent("DTSTART:19000101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYDAY=MO;INTERVAL=7;COUNT=10000");
    let found = read_march(&vec![one; 1_200].join("\n"));
    assert!(found.events <= 1_000 && found.taken.len() <= 2_000);
    assert!(found.left.iter().any(|left| left.what == "The rest of the calendar"));
}

/// Calendars that are nearly right, made the same way each time.
#[test]
fn no_text_breaks_the_reading_of_a_calendar() {
    let seed = format!(
        "BEGIN:VCALENDAR\r\n{}\r\nEND:VCALENDAR\r\n",
        vevent("DTSTART;TZID=Europe/Oslo:20260302T080000\nDTEND:20260303T080000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=9\nEXDATE:20260309T080000")
            .replace('\n', "\r\n")
    );
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..2_000 {
        let mut bytes = seed.clone().into_bytes();
        for _ in 0..=random(6) {
            let place = random(bytes.len().max(1));
            match random(4) {
                _ if bytes.is_empty() => bytes.push(b'B'),
                0 => drop(bytes.remove(place)),
                1 => bytes[place] = b"0129TZ:;,=\"\r\n \\-"[random(16)],
                2 => bytes.truncate(place.max(1)),
                _ => bytes.insert(place, random(256) as u8),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let found = read(&text, &oslo(), at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z"));
        assert!(found.taken.iter().all(|one| one.from < one.to));
    }
}
