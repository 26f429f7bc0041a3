//! Hand-offs over changes of the clock in five zones, layers, overrides and gaps.

use jiff::civil;

use super::super::wall::HOUR;
use super::*;

pub(super) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn wall(text: &str) -> i64 {
    wall::of_civil(text.parse::<civil::DateTime>().unwrap())
}

fn at(zone: &TimeZone, text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| wall::moment(zone, wall(text)))
}

fn layer(start: &str, length: i64, participants: &[u8]) -> Layer<u8> {
    Layer { start: wall(start), length, participants: participants.to_vec(), restrictions: Vec::new(), adds: false }
}

fn hours(days: &[usize], from: i64, to: i64) -> Restriction {
    let mut chosen = [false; 7];
    for day in days {
        chosen[*day] = true;
    }
    Restriction { days: chosen, from: from * HOUR, to: to * HOUR }
}

fn plan(zone_name: &str, layers: Vec<Layer<u8>>) -> Plan<u8> {
    Plan { zone: zone(zone_name), layers, overrides: Vec::new(), left: BTreeSet::new() }
}

/// The spans as they are on the wall, with who is on call.
fn shown(plan: &Plan<u8>, from: &str, to: &str) -> Vec<String> {
    let spans = plan.who(at(&plan.zone, from), at(&plan.zone, to));
    let words = |moment: Timestamp| moment.to_zoned(plan.zone.clone()).strftime("%d %H:%M%:z").to_string();
    spans.iter().map(|(from, to, who)| format!("{} to {}: {who:?}", words(*from), words(*to))).collect()
}

#[test]
fn a_hand_off_stays_at_the_same_time_of_the_clock_when_summer_time_begins_and_ends() {
    for (name, from, to, expected) in [
        (
            "Europe/Oslo",
            "2026-03-28T08:00",
            "2026-03-31T08:00",
            [
                "28 08:00+01:00 to 29 08:00+02:00: [1]",
                "29 08:00+02:00 to 30 08:00+02:00: [2]",
                "30 08:00+02:00 to 31 08:00+02:00: [1]",
            ],
        ),
        (
            "Europe/Oslo",
            "2026-10-24T08:00",
            "2026-10-27T08:00",
            [
                "24 08:00+02:00 to 25 08:00+01:00: [1]",
                "25 08:00+01:00 to 26 08:00+01:00: [2]",
                "26 08:00+01:00 to 27 08:00+01:00: [1]",
            ],
        ),
        (
            "America/New_York",
            "2026-03-07T08:00",
            "2026-03-10T08:00",
            [
                "07 08:00-05:00 to 08 08:00-04:00: [1]",
                "08 08:00-04:00 to 09 08:00-04:00: [2]",
                "09 08:00-04:00 to 10 08:00-04:00: [1]",
            ],
        ),
        (
            "Australia/Lord_Howe",
            "2026-10-03T08:00",
            "2026-10-06T08:00",
            [
                "03 08:00+10:30 to 04 08:00+11:00: [1]",
                "04 08:00+11:00 to 05 08:00+11:00: [2]",
                "05 08:00+11:00 to 06 08:00+11:00: [1]",
            ],
        ),
        (
            "Asia/Kolkata",
            "2026-03-28T08:00",
            "2026-03-31T08:00",
            [
                "28 08:00+05:30 to 29 08:00+05:30: [1]",
                "29 08:00+05:30 to 30 08:00+05:30: [2]",
                "30 08:00+05:30 to 31 08:00+05:30: [1]",
            ],
        ),
    ] {
        assert_eq!(shown(&plan(name, vec![layer(from, DAY, &[1, 2])]), from, to), expected, "{name} {from}");
    }
}

#[test]
fn a_hand_off_at_a_time_that_is_left_out_or_twice_is_resolved_as_documented() {
    let spring = plan("Europe/Oslo", vec![layer("2026-03-27T02:30", DAY, &[1, 2, 3])]);
    assert_eq!(
        shown(&spring, "2026-03-28T12:00", "2026-03-30T12:00"),
        [
            "28 12:00+01:00 to 29 03:30+02:00: [2]",
            "29 03:30+02:00 to 30 02:30+02:00: [3]",
            "30 02:30+02:00 to 30 12:00+02:00: [1]"
        ]
    );
    let autumn = plan("Europe/Oslo", vec![layer("2026-10-24T02:30", DAY, &[1, 2])]);
    assert_eq!(
        shown(&autumn, "2026-10-24T12:00", "2026-10-25T12:00"),
        ["24 12:00+02:00 to 25 02:30+02:00: [1]", "25 02:30+02:00 to 25 12:00+01:00: [2]"]
    );
    let hourly = plan("Europe/Oslo", vec![layer("2026-03-29T00:15", HOUR, &[1, 2, 3, 4])]);
    assert_eq!(
        shown(&hourly, "2026-03-29T00:15", "2026-03-29T05:15"),
        [
            "29 00:15+01:00 to 29 01:15+01:00: [1]",
            "29 01:15+01:00 to 29 03:15+02:00: [2]",
            "29 03:15+02:00 to 29 04:15+02:00: [4]",
            "29 04:15+02:00 to 29 05:15+02:00: [1]"
        ],
        "the turn within the hour that is left out does not take place"
    );
}

#[test]
fn a_day_that_a_zone_left_out_has_no_turn_and_no_hours() {
    let daily = plan("Pacific/Apia", vec![layer("2011-12-28T08:00", DAY, &[1, 2, 3, 4])]);
    assert_eq!(
        shown(&daily, "2011-12-28T08:00", "2012-01-01T08:00"),
        [
            "28 08:00-10:00 to 29 08:00-10:00: [1]",
            "29 08:00-10:00 to 31 08:00+14:00: [2]",
            "31 08:00+14:00 to 01 08:00+14:00: [4]"
        ]
    );
    let twice_a_day = plan("Pacific/Apia", vec![layer("2011-12-29T08:00", 12 * HOUR, &[1, 2, 3, 4, 5])]);
    assert_eq!(
        shown(&twice_a_day, "2011-12-29T08:00", "2011-12-31T20:00"),
        [
            "29 08:00-10:00 to 29 20:00-10:00: [1]",
            "29 20:00-10:00 to 31 08:00+14:00: [2]",
            "31 08:00+14:00 to 31 20:00+14:00: [5]"
        ]
    );
    let friday = Layer { restrictions: vec![hours(&[4], 9, 17)], ..layer("2011-12-01T00:00", DAY, &[1]) };
    assert_eq!(
        shown(&plan("Pacific/Apia", vec![friday]), "2011-12-29T00:00", "2012-01-02T00:00"),
        ["29 00:00-10:00 to 02 00:00+14:00: []"],
        "Friday the 30th did not take place, and its hours do not move to Saturday"
    );
}

#[test]
fn a_turn_of_hours_is_an_hour_shorter_or_longer_when_the_clocks_change() {
    let night = plan("Europe/Oslo", vec![layer("2026-03-28T20:00", 12 * HOUR, &[1, 2])]);
    assert_eq!(
        shown(&night, "2026-03-28T20:00", "2026-03-29T20:00"),
        ["28 20:00+01:00 to 29 08:00+02:00: [1]", "29 08:00+02:00 to 29 20:00+02:00: [2]"]
    );
}

#[test]
fn nobody_is_on_call_before_the_first_turn() {
    let weekly = plan("Europe/Oslo", vec![layer("2026-03-02T08:00", 7 * DAY, &[7, 8])]);
    assert_eq!(
        shown(&weekly, "2026-03-01T00:00", "2026-03-10T00:00"),
        [
            "01 00:00+01:00 to 02 08:00+01:00: []",
            "02 08:00+01:00 to 09 08:00+01:00: [7]",
            "09 08:00+01:00 to 10 00:00+01:00: [8]"
        ]
    );
}

#[test]
fn hours_over_midnight_belong_to_the_day_they_begin_on() {
    let nights = Layer { restrictions: vec![hours(&[0], 22, 6)], ..layer("2026-03-02T00:00", 7 * DAY, &[1]) };
    assert_eq!(
        shown(&plan("Europe/Oslo", vec![nights]), "2026-03-02T00:00", "2026-03-04T00:00"),
        [
            "02 00:00+01:00 to 02 22:00+01:00: []",
            "02 22:00+01:00 to 03 06:00+01:00: [1]",
            "03 06:00+01:00 to 04 00:00+01:00: []"
        ]
    );
}

#[test]
fn a_rotation_on_top_replaces_those_below_while_it_is_in_force() {
    let below = layer("2026-03-02T00:00", 7 * DAY, &[1]);
    let above = Layer { restrictions: vec![hours(&[0, 1, 2, 3, 4], 8, 16)], ..layer("2026-03-02T00:00", DAY, &[2, 3]) };
    let both = Layer { adds: true, ..above.clone() };
    let day = ("2026-03-02T00:00", "2026-03-03T00:00");
    assert_eq!(
        shown(&plan("UTC", vec![below.clone(), above]), day.0, day.1),
        [
            "02 00:00+00:00 to 02 08:00+00:00: [1]",
            "02 08:00+00:00 to 02 16:00+00:00: [2]",
            "02 16:00+00:00 to 03 00:00+00:00: [1]"
        ]
    );
    assert_eq!(
        shown(&plan("UTC", vec![below, both]), day.0, day.1),
        [
            "02 00:00+00:00 to 02 08:00+00:00: [1]",
            "02 08:00+00:00 to 02 16:00+00:00: [1, 2]",
            "02 16:00+00:00 to 03 00:00+00:00: [1]"
        ]
    );
}

fn instead(zone: &TimeZone, from: &str, to: &str, add: &[u8], remove: &[u8]) -> Override<u8> {
    let (from, to) = (at(zone, from), at(zone, to));
    Override { from, to, add: add.to_vec(), remove: remove.to_vec(), everybody: false, together: false }
}

#[test]
fn overrides_add_and_take_off_and_who_is_taken_off_leaves_a_gap() {
    let mut rota = plan("UTC", vec![layer("2026-03-01T00:00", 7 * DAY, &[9]), layer("2026-03-02T00:00", DAY, &[1, 2])]);
    let zone = rota.zone.clone();
    rota.overrides = vec![
        instead(&zone, "2026-03-02T06:00", "2026-03-02T12:00", &[5], &[1]),
        instead(&zone, "2026-03-02T10:00", "2026-03-02T11:00", &[], &[5]),
        instead(&zone, "2026-03-02T20:00", "2026-03-03T04:00", &[5], &[]),
    ];
    assert_eq!(
        shown(&rota, "2026-03-02T00:00", "2026-03-04T00:00"),
        [
            "02 00:00+00:00 to 02 06:00+00:00: [1]",
            "02 06:00+00:00 to 02 10:00+00:00: [5]",
            "02 10:00+00:00 to 02 11:00+00:00: []",
            "02 11:00+00:00 to 02 12:00+00:00: [5]",
            "02 12:00+00:00 to 02 20:00+00:00: [1]",
            "02 20:00+00:00 to 03 00:00+00:00: [1, 5]",
            "03 00:00+00:00 to 03 04:00+00:00: [2, 5]",
            "03 04:00+00:00 to 04 00:00+00:00: [2]",
        ]
    );
    let gap = rota.pieces(at(&zone, "2026-03-02T10:00"), at(&zone, "2026-03-02T11:00"));
    assert_eq!((gap[0].who.len(), gap[0].taken.as_slice()), (0, &[1, 5][..]));
    rota.overrides =
        vec![Override { everybody: true, ..instead(&zone, "2026-03-02T00:00", "2026-03-03T00:00", &[7], &[]) }];
    assert_eq!(shown(&rota, "2026-03-02T00:00", "2026-03-03T00:00"), ["02 00:00+00:00 to 03 00:00+00:00: [7]"]);
}

#[test]
fn the_turn_of_who_left_is_a_gap_that_names_them() {
    let mut rota = plan("UTC", vec![layer("2026-03-02T00:00", DAY, &[1, 2])]);
    rota.left = [2].into();
    let zone = rota.zone.clone();
    let pieces = rota.pieces(at(&zone, "2026-03-02T00:00"), at(&zone, "2026-03-04T00:00"));
    assert_eq!(
        pieces.iter().map(|one| (one.who.clone(), one.gone.clone())).collect::<Vec<_>>(),
        [(vec![1], vec![]), (vec![], vec![2])]
    );
}

#[test]
fn nothing_and_backwards_is_no_span() {
    let rota = plan("UTC", vec![layer("2026-03-02T00:00", DAY, &[1])]);
    let (one, other) = (at(&rota.zone, "2026-03-02T00:00"), at(&rota.zone, "2026-03-03T00:00"));
    assert!(rota.who(one, one).is_empty() && rota.who(other, one).is_empty());
    let nobody = plan("UTC", vec![layer("2026-03-02T00:00", DAY, &[])]);
    assert_eq!(nobody.who(one, other), [(one, other, vec![])]);
}

#[test]
fn a_rota_that_began_long_ago_costs_no_more_than_one_that_begins_now() {
    let old = plan("UTC", vec![layer("1900-01-01T00:00", HOUR, &[1, 2, 3])]);
    let (from, to) = (at(&old.zone, "2299-01-01T00:00"), at(&old.zone, "2299-01-02T00:00"));
    assert_eq!(old.layers[0].turns(&old.zone, from, to).len(), 24);
    assert_eq!(old.who(from, to).len(), 24);
}
