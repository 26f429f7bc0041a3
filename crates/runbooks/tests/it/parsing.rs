//! What a runbook may say, what is refused with which words, and that no text breaks the parser.

use crate::town::BOOK;

fn refused(yaml: &str, part: &str) {
    let mistakes = runbooks::parse(yaml).unwrap_err();
    let text: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert!(text.iter().any(|one| one.contains(part)), "wanted \"{part}\" in {text:?}");
}

fn step(text: &str) -> String {
    format!(
        "name: a\ntitle: A\ntarget: m\ninputs: {{ m: {{ type: asset }}, x: {{ type: text }} }}\nsteps:\n  - name: s\n{text}"
    )
}

#[test]
fn templates_in_words_are_refused_with_what_to_write_instead() {
    for word in ["{{ x }}", "a{{x}}b", "$(id)", "${HOME}", "{% if %}"] {
        let yaml = step(&format!("    command: {{ argv: [/bin/echo, '{word}'] }}\n"));
        refused(&yaml, "{input: name}");
        refused(&yaml, "line 6");
        refused(&step(&format!("    command: {{ argv: [/bin/echo], env: {{ A: '{word}' }} }}\n")), "not templates");
        refused(
            &step(&format!("    operation: {{ name: desk.ticket.note, input: {{ a: [['{word}']] }} }}\n")),
            "not templates",
        );
        refused(&step(&format!("    http: {{ method: GET, url: 'http://a/{word}' }}\n")), "not templates");
    }
}

#[test]
fn an_input_never_becomes_code() {
    refused(&step("    command: { argv: [{input: x}] }\n"), "an input cannot choose it");
    refused(&step("    command: { argv: [sh, -c, {input: x}] }\n"), "gets no inputs as arguments");
    refused(&step("    command: { argv: [/usr/bin/env, {input: x}] }\n"), "gets no inputs as arguments");
    refused(&step("    command: { argv: [/usr/bin/python3, a.py, {input: x}] }\n"), "gets no inputs as arguments");
    for name in ["LD_PRELOAD", "PATH", "BASH_ENV", "MAINSTAY_INPUT"] {
        refused(
            &step(&format!("    command: {{ argv: [/bin/a], env: {{ {name}: {{input: x}} }} }}\n")),
            "decides what code runs",
        );
    }
    refused(&step("    operation: { name: people.grant.give, input: {} }\n"), "not \"people.grant.give\"");
    refused(&step("    operation: { name: fleet.job.queue, input: {} }\n"), "not \"fleet.job.queue\"");
    refused(&step("    operation: { name: runbooks.runbook.approve, input: {} }\n"), "not \"runbooks");
}

#[test]
fn what_is_unknown_double_or_missing_is_named_with_its_place() {
    refused("", "empty");
    refused("name: a\ntitle: b\nsteps: []\nfoo: 1\n", "line 4");
    refused(&step("    service: { unit: a, verb: explode }\n"), "unknown variant `explode`");
    refused(&step("    service: { unit: a, verb: start }\n    human: { instructions: b }\n"), "2 things to do");
    refused(&step("    timeout_s: 5\n"), "0 things to do");
    refused(&step("    service: { unit: {input: y}, verb: start }\n"), "names the input \"y\"");
    refused(&step("    service: { unit: {output: y}, verb: start }\n"), "only {input: name}");
    refused(&step("    service: { unit: true, verb: start }\n"), "quotation marks");
    refused(&step("    service: { unit: a, verb: start }\n    timeout_s: 0\n"), "timeout_s");
    refused(&step("    check: { }\n    service: { unit: a, verb: start }\n"), "exactly one of process");
    refused(
        &step("    check: { unit: a, tcp: { host: b, port: 1 } }\n    service: { unit: a, verb: start }\n"),
        "exactly one",
    );
    refused(&step("    service: { unit: a, verb: start }\n    verify: { exit: [1] }\n"), "exit codes");
    refused(
        &step("    service: { unit: a, verb: start }\n  - name: s\n    service: { unit: a, verb: stop }\n"),
        "same name",
    );
    refused(
        &step("    service: { unit: a, verb: start }\n").replace("target: m\n", ""),
        "Name the input of type asset",
    );
    refused(&BOOK.replace("type: text", "type: choice"), "a choice has choices");
    refused(&BOOK.replace("default: web.service", "default: -x"), "dash");
    refused(&BOOK.replace("name: restart-web", "name: Restart Web"), "lower case");
}

#[test]
fn sizes_and_depths_have_limits() {
    refused(&"x".repeat(runbooks::SOURCE_BYTES_MAX + 1), "at most");
    let many: String = (0..60).map(|n| format!("  - name: s{n}\n    human: {{ instructions: b }}\n")).collect();
    refused(&format!("name: a\ntitle: A\nsteps:\n{many}"), "1 to 50 steps");
    let deep = format!("{}1{}", "[".repeat(20), "]".repeat(20));
    refused(&step(&format!("    operation: {{ name: desk.ticket.note, input: {{ a: {deep} }} }}\n")), "nested deeper");
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
                e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\nname: *f\n";
    assert!(runbooks::parse(bomb).is_err());
    assert!(runbooks::parse(&"[".repeat(20_000)).is_err());
}

#[test]
fn every_step_kind_is_understood_and_its_canonical_form_reads_back_the_same() {
    let yaml = "
name: everything
title: Everything
description: All kinds of steps.
target: m
inputs: { m: { type: asset }, n: { type: number, default: 3 }, c: { type: choice, choices: [a, b], default: a }, b: { type: boolean } }
steps:
  - { name: command, command: { argv: [/bin/a, 5, {input: n}], env: { A: b }, input_file: true, detach: true }, verify: { exit: [2] }, on_failure: continue }
  - { name: service, service: { unit: a.service, verb: reload }, undo: { http: { method: POST, url: 'https://a.example/x' } }, on_failure: undo }
  - { name: http, http: { method: POST, url: 'http://a.example', headers: { X-A: b }, body: '{}', expect_status: [200, 204] } }
  - { name: wait, wait_for: { probe: { file_system: { mount: /, max_used_percent: 80.5 } }, every_s: 5 }, timeout_s: 900 }
  - { name: call, operation: { name: desk.ticket.note, input: { ticket: { run: cause }, text: { input: c }, n: [1, {a: null}] } } }
  - { name: ask, approval: { question: May I? } }
  - { name: do, human: { instructions: 'Do it.' }, check: { process: { command_line: java, min_count: 2 } } }
";
    let book = runbooks::parse(yaml).unwrap();
    let text = book.canonical().unwrap();
    let again: runbooks::book::Book = serde_json::from_str(&text).unwrap();
    assert_eq!(again, book);
    assert_eq!(again.canonical().unwrap(), text);
}

#[test]
fn mutated_texts_never_break_the_parser() {
    let mut seed = 0x1234_5678_9abc_def1_u64;
    let mut roll = move |n: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 16).unwrap() % n
    };
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "\n",
        "  ",
        "&a ",
        "*a",
        "!!binary ",
        "? ",
        "|",
        ">",
        "\"",
        "'",
        "\u{0}",
        "\u{202e}",
        "é",
        "%TAG",
        "---\n",
        "...\n",
        "<<: ",
        "~",
        "0x7f",
        "1e999",
        "\t",
    ];
    let (mut good, mut bad) = (0, 0);
    for _ in 0..6_000 {
        let mut text: Vec<char> = BOOK.chars().collect();
        for _ in 0..=roll(4) {
            let at = roll(text.len());
            match roll(3) {
                0 => drop(text.remove(at)),
                1 => text.splice(at..at, pieces[roll(pieces.len())].chars()).for_each(drop),
                _ => text[at] = char::from(u8::try_from(32 + roll(95)).unwrap()),
            }
        }
        let text: String = text.into_iter().collect();
        match runbooks::parse(&text) {
            Ok(book) => {
                good += 1;
                assert!(book.canonical().is_ok());
            }
            Err(mistakes) => {
                bad += 1;
                assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| !mistake.message.is_empty()));
            }
        }
    }
    assert!(good > 100 && bad > 1_000, "{good} sound and {bad} refused texts");
}

#[test]
fn every_example_of_the_guide_is_a_runbook_without_mistakes() {
    let guide = include_str!("../../../../docs/runbooks.md");
    let examples: Vec<&str> = guide.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 2, "the guide has lost its examples");
    for example in examples {
        let mistakes = runbooks::parse(example).err().unwrap_or_default();
        let text: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert!(text.is_empty(), "{text:?} in\n{example}");
    }
}
