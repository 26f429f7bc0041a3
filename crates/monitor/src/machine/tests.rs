//! A table of sequences, and properties over random ones.

use proptest::prelude::*;

use super::*;

const RULE: Rule = Rule { fire_n: 2, fire_m: 3, clear_k: 2, keep_ms: 1_000, for_ms: 0, keep_firing_ms: 0 };

/// Plays a sequence: `g` good, `b` bad, `m` between, `e` error, `u` `d` `f` what it stands on is out, partly out, well, `.` missed with the agent there, `_` missed with the agent away.
fn play(rule: &Rule, sequence: &str) -> (Machine, String, usize, usize) {
    let mut machine = Machine::new(Time(0));
    let (mut states, mut fired, mut cleared) = (String::new(), 0, 0);
    for (at, letter) in (1_i64..).zip(sequence.chars()) {
        let step = match letter {
            'g' => machine.take(rule, at, Outcome::Good, Time(at)),
            'b' => machine.take(rule, at, Outcome::Bad, Time(at)),
            'm' => machine.take(rule, at, Outcome::Between, Time(at)),
            'u' => machine.stand(Standing::Unreachable, Time(at)),
            'd' => machine.stand(Standing::Degraded, Time(at)),
            'f' => machine.stand(Standing::Firm, Time(at)),
            'e' => machine.take(rule, at, Outcome::Unknown, Time(at)),
            '.' => machine.missing(true, Time(at)),
            '_' => machine.missing(false, Time(at)),
            other => panic!("{other}"),
        };
        fired += usize::from(step.is_some_and(|step| step.fired));
        cleared += usize::from(step.is_some_and(|step| step.cleared));
        states.push(match machine.state {
            State::Waiting => 'W',
            State::Ok => 'O',
            State::Pending => 'P',
            State::Firing => 'F',
            State::Flapping => 'L',
            State::NoData => 'N',
            State::Stale => 'S',
            State::Error => 'E',
            State::Keeping => 'K',
            State::Unreachable => 'U',
            State::Degraded => 'D',
        });
    }
    (machine, states, fired, cleared)
}

#[test]
fn sequences_of_results_lead_to_these_states() {
    let table = [
        // the life of an alert
        ((2, 3, 2), "ggbbgg", "OOPFFO", 1, 1),
        // n of m: two of three, not in a row
        ((2, 3, 2), "bgb", "PPF", 1, 0),
        ((2, 3, 2), "bggb", "PPPP", 0, 0),
        ((2, 3, 2), "bgggg", "PPPOO", 0, 0),
        ((1, 1, 1), "bgbg", "FOFO", 2, 2),
        ((3, 3, 1), "bbgbbb", "PPPPPF", 1, 0),
        ((3, 5, 2), "bgbgb", "PPPPF", 1, 0),
        ((4, 5, 2), "bbbb", "PPPF", 1, 0),
        // after clearing, old bad results do not count again
        ((2, 5, 2), "bbggb", "PFFOP", 1, 1),
        // one good result does not clear
        ((2, 3, 2), "bbgbgg", "PFFFFO", 1, 1),
        // missing data never resolves, and a gap does not reset
        ((2, 3, 2), "bb....", "PFNNNN", 1, 0),
        ((2, 3, 2), "bb__gg", "PFSSFO", 1, 1),
        ((2, 3, 2), "b....b", "PNNNNF", 1, 0),
        ((2, 3, 2), "bbg..g", "PFFNNO", 1, 1),
        ((2, 3, 2), "gg.g", "OONO", 0, 0),
        ((2, 3, 2), "..__", "NNSS", 0, 0),
        // errors are no knowledge either
        ((2, 3, 2), "geeg", "OOEO", 0, 0),
        ((2, 3, 2), "bbeeegg", "PFFEEFO", 1, 1),
        ((2, 3, 2), "beb", "PPF", 1, 0),
        // flapping: one alert, however often it goes back and forth
        ((3, 3, 2), "gbgbgb", "OPPPPL", 0, 0),
        ((2, 3, 1), "bgbgbgggggggggggggggggggggg", "PPFOPLLLLLLLLLLLOOOOOOOOOOO", 1, 1),
        // it ends with twelve results in a row that are the same, either way, and counts anew from there
        ((2, 3, 2), "bbggbbggbbgggggggggggggg", "PFFOPFFOPFLLLLLLLLLLLOOO", 3, 3),
        ((2, 3, 2), "bbggbbggbbggggggggggggbbgg", "PFFOPFFOPFLLLLLLLLLLLOPFFO", 4, 4),
        ((2, 3, 2), "bbggbbggbbggbbbbbbbbbbbbbgg", "PFFOPFFOPFLLLLLLLLLLLLLFFFO", 3, 3),
        ((2, 3, 2), "bbggbbggbbggbb", "PFFOPFFOPFLLLL", 3, 2),
    ];
    for ((fire_n, fire_m, clear_k), sequence, expected, fired, cleared) in table {
        let rule = Rule { fire_n, fire_m, clear_k, ..RULE };
        let (_, states, got_fired, got_cleared) = play(&rule, sequence);
        assert_eq!((states.as_str(), got_fired, got_cleared), (expected, fired, cleared), "{rule:?} over {sequence}");
    }
}

#[test]
fn for_and_keep_firing_are_times_that_a_gap_does_not_reset() {
    let table = [
        // bad for three: the first that makes it enough counts as the start
        ((1, 1, 1, 3, 0), "bbbb", "PPPF", 1, 0),
        ((1, 1, 1, 3, 0), "bbgbbbb", "PPOPPPF", 1, 0),
        ((2, 3, 1, 2, 0), "bbgbb", "PPPFF", 1, 0),
        // a gap neither fires nor resets
        ((1, 1, 1, 3, 0), "b...b", "PNNNF", 1, 0),
        ((1, 1, 1, 3, 0), "beeeb", "PEEEF", 1, 0),
        // well for three before it ends; one bad result begins that anew
        ((1, 1, 1, 0, 3), "bgggg", "FKKKO", 1, 1),
        ((1, 1, 1, 0, 3), "bggbgggg", "FKKFKKKO", 1, 1),
        ((1, 1, 1, 0, 3), "bg...g", "FKNNNO", 1, 1),
        ((1, 1, 1, 0, 3), "bg..", "FKNN", 1, 0),
        // a pair of thresholds: between them nothing fires and nothing ends
        ((1, 1, 1, 0, 0), "gmmbmmg", "OOOFFFO", 1, 1),
        ((2, 2, 2, 0, 0), "bmbbmggm", "PPPFFFOO", 1, 1),
        // what is bad while everything below is out is unreachable; what is well while a part is out is degraded
        ((1, 1, 1, 0, 0), "bufg", "FUFO", 1, 1),
        ((1, 1, 1, 0, 0), "ubbfg", "WUUFO", 1, 1),
        ((1, 1, 1, 0, 0), "gdgbgf", "ODDFDO", 1, 1),
        ((1, 1, 1, 0, 0), "bu..ug", "FUNNNO", 1, 1),
    ];
    for ((fire_n, fire_m, clear_k, for_ms, keep_firing_ms), sequence, expected, fired, cleared) in table {
        let rule = Rule { fire_n, fire_m, clear_k, for_ms, keep_firing_ms, ..RULE };
        let (_, states, got_fired, got_cleared) = play(&rule, sequence);
        assert_eq!((states.as_str(), got_fired, got_cleared), (expected, fired, cleared), "{rule:?} over {sequence}");
    }
}

#[test]
fn flapping_is_told_when_it_begins_when_it_doubles_and_when_it_is_over() {
    let mut machine = Machine::new(Time(0));
    let mut told = Vec::new();
    let sequence = format!("{}{}", "bbgg".repeat(12), "g".repeat(12));
    for (at, letter) in (1_i64..).zip(sequence.chars()) {
        let outcome = if letter == 'b' { Outcome::Bad } else { Outcome::Good };
        match machine.take(&RULE, at, outcome, Time(at)).and_then(|step| step.flap) {
            Some(Flap::Goes(flaps)) => told.push((at, flaps.falls, flaps.first_ms, "goes")),
            Some(Flap::Over(flaps)) => told.push((at, flaps.falls, flaps.first_ms, "over")),
            None => {}
        }
    }
    assert_eq!(told, [(11, 3, 1, "goes"), (21, 6, 1, "goes"), (45, 12, 1, "goes"), (58, 12, 1, "over")]);
    assert!(!machine.open);
}

#[test]
fn a_memory_of_an_earlier_version_is_read() {
    let text = r#"{"state":"flapping","open":true,"since":"2026-03-02T08:00:00Z","window":[[1,true],[2,false]],"counted":2,"errors":0,"flapping":true}"#;
    let text = text.replace(r#""2026-03-02T08:00:00Z""#, &serde_json::to_string(&Time(5)).unwrap());
    let machine: Machine = serde_json::from_str(&text).unwrap();
    assert_eq!((machine.open, machine.flaps), (true, None));
}

#[test]
fn a_changed_check_keeps_an_open_alert_open_until_good_results_come() {
    let (mut machine, ..) = play(&RULE, "bb");
    machine.forget();
    assert!(machine.open);
    assert_eq!(machine.take(&RULE, 10, Outcome::Good, Time(10)), None);
    assert!(machine.take(&RULE, 11, Outcome::Good, Time(11)).is_some_and(|step| step.cleared));
}

#[test]
fn what_was_seen_long_ago_does_not_count_with_what_is_seen_now() {
    let mut machine = Machine::new(Time(0));
    machine.take(&RULE, 1, Outcome::Bad, Time(1));
    assert!(machine.take(&RULE, 1_002, Outcome::Bad, Time(1_002)).is_none(), "one bad result, not two of three");
    assert!(machine.take(&RULE, 1_003, Outcome::Bad, Time(1_003)).is_some_and(|step| step.fired));
    // Changes before a long pause are no flapping after it.
    let (mut machine, ..) = play(&RULE, "gbgbg");
    for (at, outcome) in [(2_000, Outcome::Bad), (2_001, Outcome::Good)] {
        machine.take(&RULE, at, outcome, Time(at));
    }
    assert_eq!((machine.flaps, machine.recent().count()), (None, 2));
}

#[test]
fn a_machine_survives_being_stored_and_read() {
    let (machine, ..) = play(&RULE, "ggbgb.e");
    let text = serde_json::to_string(&machine).unwrap();
    assert_eq!(serde_json::from_str::<Machine>(&text).unwrap(), machine);
    assert!(text.len() < 600, "kept with every transition, so short: {}", text.len());
}

fn letters() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(vec!['g', 'b', 'b', 'g', 'e', '.', '_']), 0..80)
        .prop_map(|letters| letters.into_iter().collect())
}

fn rules() -> impl Strategy<Value = Rule> {
    (1_usize..=10, 0_usize..=10, 1_usize..=5).prop_map(|(n, more, k)| Rule {
        fire_n: n,
        fire_m: n + more,
        clear_k: k,
        ..RULE
    })
}

proptest! {
    #[test]
    fn nothing_but_good_results_clears_an_alert(rule in rules(), sequence in letters(), tail in "[be._]{0,40}") {
        let (before, _, _, cleared) = play(&rule, &sequence);
        let (after, _, _, cleared_with_tail) = play(&rule, &format!("{sequence}{tail}"));
        prop_assert_eq!(cleared, cleared_with_tail);
        prop_assert!(!before.open || after.open);
    }

    #[test]
    fn firing_and_clearing_take_turns(rule in rules(), sequence in letters()) {
        let (machine, _, fired, cleared) = play(&rule, &sequence);
        prop_assert_eq!(fired, cleared + usize::from(machine.open));
    }

    #[test]
    fn enough_bad_results_in_a_row_always_fire_and_enough_good_ones_always_clear(rule in rules(), sequence in letters()) {
        let (bad, ..) = play(&rule, &format!("{sequence}{}", "b".repeat(rule.fire_n)));
        prop_assert!(bad.open);
        let (good, ..) = play(&rule, &format!("{sequence}{}", "g".repeat(WINDOW + rule.clear_k)));
        prop_assert!(!good.open);
        prop_assert_eq!(good.state, State::Ok);
    }

    #[test]
    fn a_gap_anywhere_changes_no_decision(rule in rules(), sequence in "[gb]{1,40}", at in 0_usize..40) {
        let at = at.min(sequence.len());
        let (head, tail) = sequence.split_at(at);
        let (plain, _, fired, cleared) = play(&rule, &sequence);
        let (gapped, _, gap_fired, gap_cleared) = play(&rule, &format!("{head}..{tail}"));
        prop_assert_eq!((plain.open, fired, cleared), (gapped.open, gap_fired, gap_cleared));
    }

    #[test]
    fn the_memory_stays_small(rule in rules(), sequence in letters()) {
        let (machine, ..) = play(&rule, &sequence);
        prop_assert!(machine.recent().count() <= WINDOW);
    }
}
