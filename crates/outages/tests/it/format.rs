//! What may stand in a scenario file.

use outages::read;

fn refused(text: &str, words: &[&str]) {
    let Err(problem) = read(text) else { panic!("it is refused: {text}") };
    let problem = problem.to_string();
    assert!(words.iter().all(|word| problem.contains(word)), "{problem}");
}

const HEAD: &str = "name: x\nkind: switch\nthings: [{name: sw, kind: switch}, {name: 'srv-{1..3}', kind: server, on: {connected_to: sw}}]\n";

#[test]
fn a_short_file_is_a_scenario() {
    let text = format!("{HEAD}script: [{{at: 5m, fault: down, on: sw, for: 5m}}]\ntruth: sw\n");
    let scenario = read(&text).unwrap();
    assert_eq!((scenario.name.as_str(), scenario.size()), ("x", 5));
}

#[test]
fn what_does_not_belong_into_a_file_is_refused_with_its_place() {
    let script = "script: [{at: 5m, fault: down, on: sw}]\n";
    refused(&format!("{HEAD}{script}truth: swi\n"), &["truth", "swi"]);
    refused(&format!("{HEAD}{script}truth: sw\ncolour: red\n"), &["colour"]);
    refused(&format!("{HEAD}script: [{{at: 5, fault: down, on: sw}}]\ntruth: sw\n"), &["5"]);
    refused(&format!("{HEAD}script: [{{at: 5m, fault: dwon, on: sw}}]\ntruth: sw\n"), &["dwon"]);
    refused(&format!("{HEAD}script: [{{at: 5m, fault: down, on: 'ap-*'}}]\ntruth: sw\n"), &["script, entry 1", "ap-*"]);
    refused(&format!("{HEAD}{script}truth: sw\nunknown: [srv-1 runs_on sw]\n"), &["unknown", "fits no relation"]);
    refused(
        "name: x\nkind: y\nthings: [{name: a, kind: vm, on: {runs_on: b}}]\nscript: []\ntruth: none\n",
        &["\"b\"", "runs_on"],
    );
}

#[test]
fn one_change_may_be_the_truth_without_a_list() {
    let script = "script: [{at: 5m, change: update, on: sw}, {at: 5m, fault: down, on: sw}]\n";
    assert!(read(&format!("{HEAD}{script}truth: {{change: update}}\n")).is_ok());
    refused(&format!("{HEAD}{script}truth: {{change: other}}\n"), &["no change in the script is labelled \"other\""]);
}

#[test]
fn what_plays_but_shows_nothing_is_refused() {
    let script = "script: [{at: 5m, fault: down, on: sw}]\n";
    refused(&format!("{HEAD}{script}truth: sw\nlength: 3m\n"), &["length", "180s", "300s"]);
    refused(&format!("{HEAD}{script}truth: sw\nchecks: [{{on: sw, look: pong}}]\n"), &["pong", "ping, tcp, http"]);
    let late = "script: [{at: 5m, fault: down, on: sw, for: 1m}, {at: 20m, fault: down, on: sw}]\n";
    refused(&format!("{HEAD}{late}truth: sw\nlength: 10m\n"), &["length", "600s", "entry 2", "1200s"]);
    refused(
        &format!("{HEAD}{script}truth: sw\nchecks: [{{on: 'srv-{{2..9}}', look: ping}}]\n"),
        &["checks, entry 1", "srv-4"],
    );
    refused(
        &format!("{HEAD}{script}truth: sw\nchecks: [{{on: sw, look: ping, every: 2s}}]\n"),
        &["checks, entry 1", "5s"],
    );
    let partly = "script: [{at: 5m, fault: down, on: sw, seen_by: srv-2}]\n";
    refused(&format!("{HEAD}{partly}truth: sw\ndefault_checks: false\n"), &["script, entry 1", "srv-2"]);
    // Nobody looks at it, and its own agent does not either.
    let unseen = "checks: [{on: srv-2, look: []}]\n";
    refused(&format!("{HEAD}{partly}truth: sw\n{unseen}"), &["script, entry 1", "srv-2"]);
    let hidden = "name: x\nkind: y\nthings: [{name: a, kind: vm, hidden: true}]\nscript: []\ntruth: a\n";
    refused(hidden, &["truth", "hidden", "undetermined"]);
}

#[test]
fn unknown_relations_may_be_named_by_ranges() {
    let script = "script: [{at: 5m, fault: down, on: sw}]\ntruth: sw\n";
    assert!(read(&format!("{HEAD}{script}unknown: ['srv-{{1..2}} connected_to sw']\n")).is_ok());
    refused(&format!("{HEAD}{script}unknown: ['srv-{{7..9}} connected_to sw']\n"), &["fits no relation"]);
}
