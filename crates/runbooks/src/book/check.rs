//! What a sound runbook is: pure rules over the data, each with words that say what would be right.

use std::collections::BTreeMap;

use serde_json::Value;

use super::parse::Mistake;
use super::{Act, Book, Command, Http, Input, InputKind, Operation, Probe, Step, Word};

/// Most steps.
pub const STEPS_MAX: usize = 50;
/// Most inputs.
pub const INPUTS_MAX: usize = 30;
/// Most words of a command.
const WORDS_MAX: usize = 200;
/// Longest word.
const WORD_BYTES_MAX: usize = 16 * 1024;
/// Deepest nesting of an operation's input.
const DEPTH_MAX: usize = 8;
/// Domains whose operations a runbook may call. Permission, keys and stop orders are for people.
pub(crate) const CALLABLE: &[&str] = &["assets.", "desk.", "monitor."];
/// Programs that read code from the argument after one of these options.
const INTERPRETERS: &[&str] = &[
    "sh", "bash", "dash", "zsh", "ksh", "ash", "busybox", "python", "python3", "perl", "ruby", "node", "php", "lua",
    "awk", "env", "xargs", "ssh", "su", "sudo",
];
/// Variables that decide what code runs.
const CODE_VARIABLES: &[&str] =
    &["PATH", "IFS", "ENV", "BASH_ENV", "PYTHONPATH", "PERL5LIB", "RUBYOPT", "NODE_OPTIONS", "SHELLOPTS"];
/// What looks like a template.
const TEMPLATES: &[&str] = &["{{", "}}", "{%", "${", "$("];

/// Everything that is wrong with a runbook.
pub(crate) fn mistakes(book: &Book) -> Vec<Mistake> {
    let mut found = Found { book, mistakes: Vec::new() };
    found.head();
    for (name, input) in &book.inputs {
        found.input(name, input);
    }
    for (at, step) in book.steps.iter().enumerate() {
        let twice = book.steps.iter().take(at).any(|other| other.name == step.name);
        if twice {
            found.say(step, "another step has the same name; give each its own");
        }
        found.step(step);
    }
    found.mistakes
}

struct Found<'a> {
    book: &'a Book,
    mistakes: Vec<Mistake>,
}

impl Found<'_> {
    fn add(&mut self, message: impl Into<String>) {
        self.mistakes.push(Mistake::of(message));
    }

    fn say(&mut self, step: &Step, message: impl std::fmt::Display) {
        self.add(format!("Step \"{}\": {message}.", kernel::text::shorten(&step.name, 80)));
    }

    fn head(&mut self) {
        let book = self.book;
        let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if book.name.is_empty() || book.name.len() > 60 || !book.name.bytes().all(sound) {
            self.add("The name has 1 to 60 lower case letters, digits and dashes.");
        }
        if let Err(error) = kernel::text::line("title", &book.title, 120) {
            self.add(format!("The title: {}", error.message));
        }
        if book.description.chars().count() > 4_000 {
            self.add("The description has at most 4,000 characters.");
        }
        if book.steps.is_empty() || book.steps.len() > STEPS_MAX {
            self.add(format!("A runbook has 1 to {STEPS_MAX} steps."));
        }
        if book.inputs.len() > INPUTS_MAX {
            self.add(format!("A runbook has at most {INPUTS_MAX} inputs."));
        }
        match &book.target {
            Some(name) if book.inputs.get(name).is_none_or(|input| input.kind != InputKind::Asset) => {
                self.add(format!("The target \"{name}\" is not an input of type asset. Add it under inputs."));
            }
            None if book.needs_machine() => {
                self.add("Some steps run on a machine. Name the input of type asset that says which one as target.");
            }
            _ => {}
        }
    }

    fn input(&mut self, name: &str, input: &Input) {
        let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || name.len() > 40 || !name.bytes().all(sound) {
            self.add(format!("The input \"{name}\": a name has 1 to 40 lower case letters, digits and underscores."));
        }
        if (input.kind == InputKind::Choice) == input.choices.is_empty() {
            self.add(format!("The input \"{name}\": a choice has choices, other types have none."));
        }
        if let Some(default) = &input.default
            && let Err(why) = crate::inputs::fits(input, default)
        {
            self.add(format!("The default of the input \"{name}\": {why}"));
        }
    }

    fn step(&mut self, step: &Step) {
        if let Err(error) = kernel::text::line("name", &step.name, 120) {
            self.say(step, format_args!("its name: {}", error.message));
        }
        let acts = step.acts();
        let [act] = acts.as_slice() else {
            let kinds = "command, service, http, wait_for, operation, approval or human";
            return self.say(step, format_args!("it says {} things to do; give exactly one of {kinds}", acts.len()));
        };
        let most = if matches!(act, Act::Human(_) | Act::Approval(_)) { 30 * 86_400 } else { 86_400 };
        if !(1..=most).contains(&step.timeout_s()) {
            self.say(step, format_args!("timeout_s is between 1 and {most}"));
        }
        if let Some(probe) = &step.check {
            self.probe(step, probe);
        }
        self.act(step, *act);
        if let Some(verify) = &step.verify {
            if verify.probe.is_none() && verify.exit.is_empty() {
                self.say(step, "verify needs a probe or exit codes");
            }
            if !verify.exit.is_empty() && !matches!(act, Act::Command(_)) {
                self.say(step, "only a command has exit codes to verify");
            }
            if verify.within_s.is_some_and(|seconds| !(1..=3_600).contains(&seconds)) {
                self.say(step, "within_s is between 1 and 3600");
            }
            if let Some(probe) = &verify.probe {
                self.probe(step, probe);
            }
        }
        if let Some(undo) = &step.undo {
            match undo.acts().as_slice() {
                [one] => self.act(step, *one),
                _ => self.say(step, "undo has exactly one of command, service or http"),
            }
        }
    }

    fn act(&mut self, step: &Step, act: Act<'_>) {
        match act {
            Act::Command(command) => self.command(step, command),
            Act::Service(service) => self.word(step, "unit", &service.unit),
            Act::Http(http) => self.http(step, http),
            Act::WaitFor(wait) => {
                if wait.every_s.is_some_and(|seconds| !(1..=600).contains(&seconds)) {
                    self.say(step, "every_s is between 1 and 600");
                }
                self.probe(step, &wait.probe);
            }
            Act::Operation(operation) => self.operation(step, operation),
            Act::Approval(approval) => self.prose(step, "question", &approval.question),
            Act::Human(human) => self.prose(step, "instructions", &human.instructions),
        }
    }

    fn prose(&mut self, step: &Step, what: &str, text: &str) {
        if let Err(error) = kernel::text::body(what, text, 4_000) {
            self.say(step, format_args!("{what}: {}", error.message));
        }
    }

    fn command(&mut self, step: &Step, command: &Command) {
        let Some(Word::Plain(program)) = command.argv.first() else {
            return self.say(step, "argv begins with the program, written out; an input cannot choose it");
        };
        if program.is_empty() || command.argv.len() > WORDS_MAX {
            self.say(step, format_args!("argv has 1 to {WORDS_MAX} words and begins with a program"));
        }
        let base = program.rsplit('/').next().unwrap_or(program);
        if INTERPRETERS.contains(&base) && command.argv.iter().any(|word| word.input().is_some()) {
            self.say(
                step,
                format_args!(
                    "{base} can take an argument for code, so it gets no inputs as arguments; give them in env, or set input_file"
                ),
            );
        }
        for (at, word) in command.argv.iter().enumerate() {
            self.word(step, &format!("word {} of argv", at + 1), word);
        }
        for (name, value) in &command.env {
            self.variable(step, name, value);
        }
    }

    fn variable(&mut self, step: &Step, name: &str, value: &Word) {
        let sound = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let starts = name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
        if !starts || name.len() > 100 || !name.bytes().all(sound) {
            self.say(step, format_args!("the variable \"{name}\" has capital letters, digits and underscores only"));
        }
        if name.starts_with("LD_") || name.starts_with("MAINSTAY_") || CODE_VARIABLES.contains(&name) {
            self.say(step, format_args!("the variable {name} decides what code runs and cannot be set"));
        }
        self.word(step, name, value);
    }

    fn http(&mut self, step: &Step, http: &Http) {
        if !matches!(http.method.as_str(), "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE") {
            self.say(step, "method is GET, HEAD, POST, PUT, PATCH or DELETE");
        }
        self.url(step, &http.url);
        for (name, value) in &http.headers {
            let sound = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            if name.is_empty() || name.len() > 100 || !name.bytes().all(sound) {
                self.say(step, format_args!("\"{name}\" is not the name of a header"));
            }
            self.word(step, name, value);
        }
        if let Some(body) = &http.body {
            self.word(step, "body", body);
        }
        self.codes(step, &http.expect_status);
    }

    fn url(&mut self, step: &Step, url: &Word) {
        if let Word::Plain(text) = url
            && !text.starts_with("http://")
            && !text.starts_with("https://")
        {
            self.say(step, "url begins with http:// or https://");
        }
        self.word(step, "url", url);
    }

    fn codes(&mut self, step: &Step, codes: &[u16]) {
        if codes.len() > 50 || codes.iter().any(|code| !(100..=599).contains(code)) {
            self.say(step, "expect_status holds at most 50 codes from 100 to 599");
        }
    }

    fn word(&mut self, step: &Step, what: &str, word: &Word) {
        match word {
            Word::Input(name) if !self.book.inputs.contains_key(name) => {
                self.say(step, format_args!("{what} names the input \"{name}\", which is not declared under inputs"));
            }
            Word::Plain(text) if text.len() > WORD_BYTES_MAX || text.contains('\0') => {
                self.say(step, format_args!("{what} is longer than {WORD_BYTES_MAX} bytes or holds a NUL"));
            }
            Word::Plain(text) => {
                if let Some(template) = TEMPLATES.iter().find(|template| text.contains(*template)) {
                    self.say(
                        step,
                        format_args!(
                            "{what} holds \"{template}\", but texts are not templates. Give an input as a whole word with {{input: name}}, \
                             in env, or with input_file"
                        ),
                    );
                }
            }
            Word::Input(_) => {}
        }
    }

    fn probe(&mut self, step: &Step, probe: &Probe) {
        let given = [
            probe.process.is_some(),
            probe.tcp.is_some(),
            probe.http.is_some(),
            probe.file_system.is_some(),
            probe.unit.is_some(),
        ];
        if given.iter().filter(|one| **one).count() != 1 {
            return self.say(step, "a probe is exactly one of process, tcp, http, file_system and unit");
        }
        if let Some(process) = &probe.process {
            match (&process.name, &process.command_line) {
                (Some(word), None) | (None, Some(word)) => self.word(step, "process", word),
                _ => self.say(step, "process has a name or a command_line, one of them"),
            }
        }
        if let Some(tcp) = &probe.tcp {
            self.word(step, "host", &tcp.host);
            if tcp.port == 0 {
                self.say(step, "port is between 1 and 65535");
            }
        }
        if let Some(http) = &probe.http {
            self.url(step, &http.url);
            self.codes(step, &http.expect_status);
            if http.contains.as_ref().is_some_and(|text| text.len() > 4_000) {
                self.say(step, "contains has at most 4,000 bytes");
            }
        }
        if let Some(disk) = &probe.file_system {
            self.word(step, "mount", &disk.mount);
            if !(0.0..=100.0).contains(&disk.max_used_percent) {
                self.say(step, "max_used_percent is between 0 and 100");
            }
        }
        if let Some(unit) = &probe.unit {
            self.word(step, "unit", unit);
        }
    }

    fn operation(&mut self, step: &Step, operation: &Operation) {
        if !CALLABLE.iter().any(|prefix| operation.name.starts_with(prefix)) {
            self.say(
                step,
                format_args!("a runbook calls operations of assets, desk and monitor, not \"{}\"", operation.name),
            );
        }
        for value in operation.input.values() {
            self.value(step, value, 1);
        }
    }

    fn value(&mut self, step: &Step, value: &Value, depth: usize) {
        if depth > DEPTH_MAX {
            return self.say(step, format_args!("its input is nested deeper than {DEPTH_MAX} levels"));
        }
        match value {
            Value::String(text) => self.word(step, "its input", &Word::Plain(text.clone())),
            Value::Array(items) => items.iter().for_each(|item| self.value(step, item, depth + 1)),
            Value::Object(fields) => match reference(fields) {
                Some(Reference::Input(name)) => self.word(step, "its input", &Word::Input(name.to_owned())),
                Some(Reference::Run(name)) if !matches!(name, "asset" | "cause" | "check" | "ref") => {
                    self.say(step, format_args!("{{run: {name}}} is not known; use asset, cause, check or ref"));
                }
                Some(Reference::Run(_)) => {}
                None => fields.values().for_each(|field| self.value(step, field, depth + 1)),
            },
            _ => {}
        }
    }
}

/// A whole value that stands for something else.
pub(crate) enum Reference<'a> {
    Input(&'a str),
    Run(&'a str),
}

/// `{input: name}` or `{run: name}`.
pub(crate) fn reference(fields: &serde_json::Map<String, Value>) -> Option<Reference<'_>> {
    if fields.len() != 1 {
        return None;
    }
    match (fields.get("input").and_then(Value::as_str), fields.get("run").and_then(Value::as_str)) {
        (Some(name), _) => Some(Reference::Input(name)),
        (_, Some(name)) => Some(Reference::Run(name)),
        _ => None,
    }
}

/// Fills the references in an operation's input.
pub(crate) fn fill(value: &Value, inputs: &BTreeMap<String, Value>, run: &BTreeMap<&str, Value>) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, inputs, run)).collect()),
        Value::Object(fields) => match reference(fields) {
            Some(Reference::Input(name)) => inputs.get(name).cloned().unwrap_or(Value::Null),
            Some(Reference::Run(name)) => run.get(name).cloned().unwrap_or(Value::Null),
            None => Value::Object(fields.iter().map(|(key, field)| (key.clone(), fill(field, inputs, run))).collect()),
        },
        other => other.clone(),
    }
}
