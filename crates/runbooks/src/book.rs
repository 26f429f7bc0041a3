//! A runbook as data: inputs, and steps of check, act, verify and undo. Inputs reach a command only as whole arguments,
//! environment values or a JSON file; there are no templates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) mod check;
pub(crate) mod parse;
mod probe;
pub(crate) mod word;

pub use probe::{FileSystemProbe, HttpProbe, Probe, ProcessProbe, TcpProbe};
pub use word::Word;

/// A runbook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// Lower case letters, digits and dashes; versions of one name are one runbook.
    pub name: String,
    /// One line.
    pub title: String,
    /// When to use it and what it does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it asks for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Input>,
    /// The input that names the machine the steps run on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What it does, in order.
    pub steps: Vec<Step>,
}

/// Something a runbook asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What kind of value.
    #[serde(rename = "type")]
    pub kind: InputKind,
    /// Its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Must be given when there is no default.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Used when nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What may be chosen, for a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Kinds of inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    /// A text of one line that does not begin with a dash.
    Text,
    /// A whole or broken number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of `choices`.
    Choice,
    /// The number of an asset.
    Asset,
}

/// One step. Exactly one of `command`, `service`, `http`, `wait_for`, `operation`, `approval` and `human` says what it does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it does, in a few words.
    pub name: String,
    /// When this is true already, the step is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Probe>,
    /// Runs a program on the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// Asks systemd on the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Sends one HTTP request from the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// Waits on the machine until something is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_for: Option<WaitFor>,
    /// Calls an operation of Mainstay by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Waits for somebody's approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Waits for a person to do something and say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human: Option<Human>,
    /// What must be true afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// Takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// How long acting may take, in seconds; a minute when left out, a day for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// What a failure leads to.
    #[serde(default, skip_serializing_if = "OnFailure::is_default")]
    pub on_failure: OnFailure,
}

/// What a failed step leads to. A failed verification always undoes, unless it says `continue`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The run ends.
    #[default]
    Stop,
    /// The next step follows.
    Continue,
    /// What was done is undone in reverse order, then the run ends.
    Undo,
}

impl OnFailure {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    fn is_default(&self) -> bool {
        *self == Self::Stop
    }
}

/// A program with its arguments. No shell is involved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Program and arguments; an element may be `{input: name}`.
    pub argv: Vec<Word>,
    /// Environment to add; a value may be `{input: name}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Word>,
    /// Give all inputs as a JSON file whose path is in `MAINSTAY_INPUT`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub input_file: bool,
    /// Start it and leave it running.
    #[serde(default, skip_serializing_if = "is_false")]
    pub detach: bool,
}

/// A request to systemd.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The unit with its suffix.
    pub unit: Word,
    /// What to ask for.
    pub verb: Verb,
}

/// What to ask systemd for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// `systemctl start`
    Start,
    /// `systemctl stop`
    Stop,
    /// `systemctl restart`
    Restart,
    /// `systemctl reload`
    Reload,
}

/// One HTTP request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// `GET`, `POST` ..
    pub method: String,
    /// The address.
    pub url: Word,
    /// Header lines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Word>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Word>,
    /// Status codes that are good; empty means 200 to 299.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect_status: Vec<u16>,
}

/// A wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitFor {
    /// What must be true.
    pub probe: Probe,
    /// From one look to the next, in seconds; one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_s: Option<u32>,
}

/// An operation by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// `domain.noun.verb`
    pub name: String,
    /// Its input; a value may be `{input: name}` or `{run: asset}`, `{run: cause}`, `{run: check}`, `{run: ref}`.
    #[serde(default)]
    pub input: BTreeMap<String, Value>,
}

/// A pause until somebody approves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// What the approver should know.
    pub question: String,
}

/// A task for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Human {
    /// What to do.
    pub instructions: String,
}

/// What must be true after acting: a probe, or exit codes besides 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Looked at again and again until it is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// For how long to look, in seconds; 30 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_s: Option<u32>,
    /// Exit codes of the command that count as success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit: Vec<i64>,
}

/// How to take a step back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// Runs a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// Asks systemd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Sends a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act<'a> {
    /// Runs a program.
    Command(&'a Command),
    /// Asks systemd.
    Service(&'a Service),
    /// Sends a request.
    Http(&'a Http),
    /// Waits.
    WaitFor(&'a WaitFor),
    /// Calls an operation.
    Operation(&'a Operation),
    /// Waits for an approval.
    Approval(&'a Approval),
    /// Waits for a person.
    Human(&'a Human),
}

impl Act<'_> {
    /// The stable word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::Service(_) => "service",
            Self::Http(_) => "http",
            Self::WaitFor(_) => "wait_for",
            Self::Operation(_) => "operation",
            Self::Approval(_) => "approval",
            Self::Human(_) => "human",
        }
    }

    /// Done by the agent of a machine.
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Command(_) | Self::Service(_) | Self::Http(_) | Self::WaitFor(_))
    }
}

impl Step {
    /// Everything the step says it does; a sound step has exactly one.
    pub(crate) fn acts(&self) -> Vec<Act<'_>> {
        [
            self.command.as_ref().map(Act::Command),
            self.service.as_ref().map(Act::Service),
            self.http.as_ref().map(Act::Http),
            self.wait_for.as_ref().map(Act::WaitFor),
            self.operation.as_ref().map(Act::Operation),
            self.approval.as_ref().map(Act::Approval),
            self.human.as_ref().map(Act::Human),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What the step does.
    pub fn act(&self) -> Option<Act<'_>> {
        self.acts().first().copied()
    }

    /// How long acting may take, in seconds.
    pub fn timeout_s(&self) -> u32 {
        self.timeout_s.unwrap_or(match self.act() {
            Some(Act::Human(_) | Act::Approval(_)) => 86_400,
            // A service may take its time to stop and to start.
            Some(Act::Service(_)) => 120,
            _ => 60,
        })
    }
}

impl Undo {
    /// What undoing does; a sound one has exactly one.
    pub(crate) fn acts(&self) -> Vec<Act<'_>> {
        let command = self.command.as_ref().map(Act::Command);
        let all = [command, self.service.as_ref().map(Act::Service), self.http.as_ref().map(Act::Http)];
        all.into_iter().flatten().collect()
    }
}

impl Book {
    /// The canonical form: what the hash is over and what is stored.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn canonical(&self) -> kernel::Result<String> {
        serde_json::to_string(self).map_err(|error| kernel::Error::internal("runbook-not-json", error))
    }

    /// True when some step runs on a machine.
    pub fn needs_machine(&self) -> bool {
        self.steps.iter().any(|step| {
            let probes = step.check.is_some() || step.verify.as_ref().is_some_and(|verify| verify.probe.is_some());
            probes || step.undo.is_some() || step.act().is_some_and(|act| act.is_remote())
        })
    }
}
