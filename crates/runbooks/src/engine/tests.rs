//! Tables: what happens to a run, and what it does.

use super::*;
use crate::book::parse::parse;

const BOOK: &str = "
name: repair
title: Repair
target: machine
inputs: { machine: { type: asset } }
steps:
  - name: free
    command: { argv: [/bin/free] }
    undo: { command: { argv: [/bin/unfree] } }
    on_failure: undo
  - name: start
    check: { tcp: { host: localhost, port: 80 } }
    service: { unit: web.service, verb: start }
    verify: { probe: { tcp: { host: localhost, port: 80 } } }
    undo: { service: { unit: web.service, verb: stop } }
  - name: tell
    operation: { name: desk.ticket.note, input: {} }
";

fn book(text: &str) -> Book {
    parse(text).unwrap()
}

fn no(word: &str) -> Came {
    Came::Failed(word.into())
}

fn lost() -> Came {
    Came::Unknown("the agent was restarted".into())
}

/// Plays what comes and answers what was begun and how it ended.
fn play(book: &Book, state: &mut State, came: &[Came]) -> Vec<String> {
    let mut told = vec![words(&begin(book, state))];
    for one in came {
        let advance = advance(book, state, one.clone());
        told.push(words(&advance.next));
    }
    told
}

fn words(next: &Next) -> String {
    match next {
        Next::Begin(step, phase) => format!("{}{step}", phase.as_str()),
        Next::Finish(_) => "finish".into(),
        Next::Fail(_) => "fail".into(),
        Next::Stop(_) => "stop".into(),
    }
}

#[test]
fn a_run_does_what_follows_from_what_came() {
    use Came::Done;
    let book = book(BOOK);
    let table: &[(&str, Vec<Came>, &[&str])] = &[
        (
            "all well",
            vec![Done, no("closed"), Done, Done, Done],
            &["act0", "check1", "act1", "verify1", "act2", "finish"],
        ),
        ("true already", vec![Done, Done, Done], &["act0", "check1", "act2", "finish"]),
        ("act fails with undo", vec![no("exit 1"), Done], &["act0", "undo0", "fail"]),
        ("act fails with stop", vec![Done, no("closed"), no("exit 1")], &["act0", "check1", "act1", "fail"]),
        (
            "verification fails: all is undone, last first",
            vec![Done, no("closed"), Done, no("closed"), Done, Done],
            &["act0", "check1", "act1", "verify1", "undo1", "undo0", "fail"],
        ),
        (
            "an undo that fails does not stop the others",
            vec![Done, no("closed"), Done, no("closed"), no("exit 1"), Done],
            &["act0", "check1", "act1", "verify1", "undo1", "undo0", "fail"],
        ),
        (
            "unknown acts are looked at, never run again",
            vec![Done, no("closed"), lost(), Done, Done],
            &["act0", "check1", "act1", "verify1", "act2", "finish"],
        ),
        ("unknown without a look fails", vec![lost(), Done], &["act0", "undo0", "fail"]),
        (
            "an unknown look is repeated once",
            vec![Done, lost(), no("closed"), Done, lost(), Done, Done],
            &["act0", "check1", "check1", "act1", "verify1", "verify1", "act2", "finish"],
        ),
        ("a look that stays unknown fails", vec![Done, lost(), lost()], &["act0", "check1", "check1", "fail"]),
        (
            "that nobody could look is no reason to act",
            vec![Done, Came::Refused("no such mount".into())],
            &["act0", "check1", "fail"],
        ),
        (
            "nor is it one to undo",
            vec![Done, no("closed"), Done, Came::Refused("no such mount".into())],
            &["act0", "check1", "act1", "verify1", "fail"],
        ),
        (
            "an undo that was refused does not stop the others",
            vec![Done, no("closed"), Done, no("closed"), Came::Refused("policy".into()), Done],
            &["act0", "check1", "act1", "verify1", "undo1", "undo0", "fail"],
        ),
        ("refused acts have nothing to undo", vec![Came::Refused("policy".into())], &["act0", "fail"]),
        ("stopped is stopped at once", vec![Done, Came::Stopped("all runs".into())], &["act0", "check1", "stop"]),
    ];
    for (name, came, expected) in table {
        assert_eq!(play(&book, &mut State::default(), came), *expected, "{name}");
    }
}

#[test]
fn a_step_that_may_fail_does_not_end_the_run() {
    let book = book(&BOOK.replace("on_failure: undo", "on_failure: continue"));
    let came = [no("exit 1"), Came::Done, Came::Done];
    assert_eq!(play(&book, &mut State::default(), &came), ["act0", "check1", "act2", "finish"]);
}

#[test]
fn who_wants_a_step_undone_has_it_undone_also_when_nobody_could_look() {
    let book = book(&BOOK.replace("verb: start }", "verb: start }\n    on_failure: undo"));
    let came = [Came::Done, no("closed"), Came::Done, Came::Refused("no such mount".into()), Came::Done, Came::Done];
    let told = ["act0", "check1", "act1", "verify1", "undo1", "undo0", "fail"];
    assert_eq!(play(&book, &mut State::default(), &came), told);
}

#[test]
fn when_the_alert_recovers_the_step_is_finished_and_verified_and_the_rest_left_out() {
    let book = book(BOOK);
    let mut state = State::default();
    play(&book, &mut state, &[Came::Done, no("closed")]);
    state.recovered = true;
    assert_eq!(words(&advance(&book, &mut state, Came::Done).next), "verify1");
    assert_eq!(words(&advance(&book, &mut state, Came::Done).next), "finish");
    let mut state = State::default();
    play(&book, &mut state, &[Came::Done]);
    state.recovered = true;
    assert_eq!(words(&advance(&book, &mut state, no("closed")).next), "finish", "it does not act any more");
}

#[test]
fn what_was_tried_and_proven_is_told_in_words() {
    let book = book(BOOK);
    let mut state = State::default();
    play(&book, &mut state, &[Came::Done, no("closed"), Came::Done, no("refused"), Came::Done, no("exit 2")]);
    assert_eq!(
        state.tried,
        [
            "free: done",
            "start: done",
            "start: was done, but is not so: refused",
            "start: undone",
            "free: could not be undone (exit 2)"
        ]
    );
    assert_eq!(state.evidence, ["start: not verified (refused)"]);
}

#[test]
fn the_state_survives_being_written_and_read_at_every_point() {
    let book = book(BOOK);
    let came = [Came::Done, no("closed"), Came::Done, no("closed"), Came::Done, Came::Done];
    for cut in 0..came.len() {
        let mut state = State::default();
        let mut told = play(&book, &mut state, &came[..cut]);
        let text = serde_json::to_string(&state).unwrap();
        let mut state: State = serde_json::from_str(&text).unwrap();
        for one in &came[cut..] {
            told.push(words(&advance(&book, &mut state, one.clone()).next));
        }
        assert_eq!(told, ["act0", "check1", "act1", "verify1", "undo1", "undo0", "fail"], "cut at {cut}");
    }
}

#[test]
fn any_order_of_events_ends_and_never_acts_twice() {
    let book = book(BOOK);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut roll = |n: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % n
    };
    for _ in 0..2_000 {
        let mut state = State::default();
        let mut next = begin(&book, &mut state);
        let mut acts = Vec::new();
        for round in 0.. {
            assert!(round < 40, "a run ends");
            let Next::Begin(step, phase) = next else { break };
            if phase == Phase::Act {
                assert!(!acts.contains(&step), "step {step} acts once");
                acts.push(step);
            }
            let came = match roll(5) {
                0 | 1 => Came::Done,
                2 => no("no"),
                3 => lost(),
                _ => Came::Refused("policy".into()),
            };
            state.recovered |= roll(10) == 0;
            next = advance(&book, &mut state, came).next;
        }
    }
}
