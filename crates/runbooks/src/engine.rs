//! What follows from what happened: the state machine of a run, without clock, database or agent. The caller keeps the
//! state, does what [`Next`] says, and comes back with what came of it.

use serde::{Deserialize, Serialize};

use crate::book::{Act, Book, OnFailure, Step};

/// Looks that may be repeated when nobody knows what came of them: looking changes nothing.
const LOOKS_MAX: u32 = 2;

/// A part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Is it true already?
    Check,
    /// Do it.
    Act,
    /// Is it true now?
    Verify,
    /// Take it back.
    Undo,
}

impl Phase {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Act => "act",
            Self::Verify => "verify",
            Self::Undo => "undo",
        }
    }
}

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The step, from 0.
    pub step: usize,
    /// What is being waited for; none before the start and after the end.
    pub phase: Option<Phase>,
    /// Which try of this phase, from 1.
    pub attempt: u32,
    /// Steps that acted, in order: what can be undone.
    pub acted: Vec<usize>,
    /// Why the run is failing, while it undoes.
    pub failure: Option<String>,
    /// The cause is gone already.
    pub recovered: bool,
    /// What was tried, in words.
    pub tried: Vec<String>,
    /// What proves it, in words.
    pub evidence: Vec<String>,
}

/// What came of a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// It was done, or is true.
    Done,
    /// It ran and did not do it, or is not true.
    Failed(String),
    /// It never ran.
    Refused(String),
    /// Nobody knows whether it ran.
    Unknown(String),
    /// It was stopped from outside.
    Stopped(String),
}

/// How a phase is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is as it should be.
    Done,
    /// It is not.
    Failed,
    /// It was not needed.
    Skipped,
    /// Nobody knows.
    Unknown,
}

impl Noted {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Begin this phase of this step.
    Begin(usize, Phase),
    /// All is done.
    Finish(String),
    /// It did not work; what could be undone was.
    Fail(String),
    /// It was stopped.
    Stop(String),
}

/// What one event leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// How the phase that ended is written down.
    pub noted: Noted,
    /// The step that ended with it, and whether it is as it should be.
    pub ended: Option<(usize, bool)>,
    /// What to do now.
    pub next: Next,
}

/// Begins a run.
pub fn begin(book: &Book, state: &mut State) -> Next {
    enter(book, state, 0)
}

/// Enters a step: with its check if it has one.
fn enter(book: &Book, state: &mut State, at: usize) -> Next {
    state.step = at;
    match book.steps.get(at) {
        None => finish(state, "Every step is done."),
        Some(step) => to(state, if step.check.is_some() { Phase::Check } else { Phase::Act }),
    }
}

fn to(state: &mut State, phase: Phase) -> Next {
    state.attempt = if state.phase == Some(phase) { state.attempt + 1 } else { 1 };
    state.phase = Some(phase);
    Next::Begin(state.step, phase)
}

fn finish(state: &mut State, words: &str) -> Next {
    state.phase = None;
    Next::Finish(words.to_owned())
}

/// What follows from what came of the phase that is being waited for.
pub fn advance(book: &Book, state: &mut State, came: Came) -> Advance {
    let (Some(phase), Some(step)) = (state.phase, book.steps.get(state.step)) else {
        let next = Next::Stop("The run waits for nothing.".to_owned());
        return Advance { noted: Noted::Failed, ended: None, next };
    };
    if let Came::Stopped(why) = came {
        state.phase = None;
        return Advance { noted: Noted::Unknown, ended: Some((state.step, false)), next: Next::Stop(why) };
    }
    match phase {
        Phase::Check => checked(book, state, step, came),
        Phase::Act => acted(book, state, step, came),
        Phase::Verify => verified(book, state, step, came),
        Phase::Undo => undone(book, state, step, came),
    }
}

fn checked(book: &Book, state: &mut State, step: &Step, came: Came) -> Advance {
    match came {
        Came::Done => {
            state.tried.push(format!("{}: not needed, it was so already", step.name));
            Advance { noted: Noted::Skipped, ended: Some((state.step, true)), next: onward(book, state) }
        }
        Came::Failed(_) if state.recovered => {
            let next = finish(state, "The alert recovered by itself before this step acted.");
            Advance { noted: Noted::Failed, ended: Some((state.step, true)), next }
        }
        Came::Failed(_) => Advance { noted: Noted::Failed, ended: None, next: to(state, Phase::Act) },
        Came::Unknown(_) if state.attempt < LOOKS_MAX => {
            Advance { noted: Noted::Unknown, ended: None, next: to(state, Phase::Check) }
        }
        Came::Refused(why) | Came::Unknown(why) | Came::Stopped(why) => {
            failed(book, state, step, Noted::Unknown, &format!("could not be checked: {why}"), false)
        }
    }
}

fn acted(book: &Book, state: &mut State, step: &Step, came: Came) -> Advance {
    let provable = step.check.is_some() || step.verify.as_ref().is_some_and(|verify| verify.probe.is_some());
    let remote = step.act().is_some_and(|act| act.is_remote());
    match came {
        Came::Done => {
            note_acted(state);
            state.tried.push(format!("{}: done", step.name));
            let verify = step.verify.as_ref().is_some_and(|verify| verify.probe.is_some());
            if verify || (remote && step.check.is_some()) {
                return Advance { noted: Noted::Done, ended: None, next: to(state, Phase::Verify) };
            }
            Advance { noted: Noted::Done, ended: Some((state.step, true)), next: onward(book, state) }
        }
        // It may have run: what proves it decides, and it is never run again blindly.
        Came::Unknown(why) if provable => {
            note_acted(state);
            state.tried.push(format!("{}: nobody knows whether it ran ({why})", step.name));
            Advance { noted: Noted::Unknown, ended: None, next: to(state, Phase::Verify) }
        }
        Came::Unknown(why) => {
            note_acted(state);
            failed(book, state, step, Noted::Unknown, &format!("nobody knows whether it ran: {why}"), false)
        }
        Came::Failed(why) => {
            note_acted(state);
            failed(book, state, step, Noted::Failed, &format!("failed: {why}"), false)
        }
        Came::Refused(why) | Came::Stopped(why) => {
            failed(book, state, step, Noted::Failed, &format!("was not started: {why}"), false)
        }
    }
}

fn note_acted(state: &mut State) {
    if !state.acted.contains(&state.step) {
        state.acted.push(state.step);
    }
}

fn verified(book: &Book, state: &mut State, step: &Step, came: Came) -> Advance {
    match came {
        Came::Done => {
            state.evidence.push(format!("{}: verified", step.name));
            Advance { noted: Noted::Done, ended: Some((state.step, true)), next: onward(book, state) }
        }
        Came::Unknown(_) if state.attempt < LOOKS_MAX => {
            Advance { noted: Noted::Unknown, ended: None, next: to(state, Phase::Verify) }
        }
        // That nobody could look is no proof against it: only who asked for it has it undone.
        Came::Refused(why) | Came::Unknown(why) => {
            state.evidence.push(format!("{}: could not be looked at ({why})", step.name));
            let words = format!("was done, but could not be looked at: {why}");
            failed(book, state, step, Noted::Unknown, &words, false)
        }
        Came::Failed(why) | Came::Stopped(why) => {
            state.evidence.push(format!("{}: not verified ({why})", step.name));
            failed(book, state, step, Noted::Failed, &format!("was done, but is not so: {why}"), true)
        }
    }
}

/// A step did not work: go on, undo, or end.
fn failed(book: &Book, state: &mut State, step: &Step, noted: Noted, why: &str, verification: bool) -> Advance {
    let reason = format!("{}: {why}", step.name);
    state.tried.push(reason.clone());
    let ended = Some((state.step, false));
    let next = match step.on_failure {
        OnFailure::Continue => onward(book, state),
        OnFailure::Stop if !verification => fail(state, reason),
        OnFailure::Stop | OnFailure::Undo => {
            state.failure = Some(reason);
            undo_next(book, state)
        }
    };
    Advance { noted, ended, next }
}

fn fail(state: &mut State, reason: String) -> Next {
    state.phase = None;
    Next::Fail(reason)
}

/// The next step, or the end when the cause is gone.
fn onward(book: &Book, state: &mut State) -> Next {
    state.phase = None;
    let next = state.step + 1;
    if state.recovered && next < book.steps.len() {
        return finish(state, "The alert recovered; the remaining steps were left out.");
    }
    enter(book, state, next)
}

/// Undoes what acted, last first; what has no undo is passed over.
fn undo_next(book: &Book, state: &mut State) -> Next {
    while let Some(at) = state.acted.pop() {
        if book.steps.get(at).is_some_and(|step| step.undo.is_some()) {
            state.step = at;
            state.phase = Some(Phase::Undo);
            state.attempt = 1;
            return Next::Begin(at, Phase::Undo);
        }
    }
    let reason = state.failure.clone().unwrap_or_else(|| "A step failed.".to_owned());
    fail(state, reason)
}

fn undone(book: &Book, state: &mut State, step: &Step, came: Came) -> Advance {
    let at = state.step;
    let (noted, words, fine) = match came {
        Came::Done => (Noted::Done, "undone".to_owned(), true),
        Came::Unknown(why) => (Noted::Unknown, format!("nobody knows whether it was undone ({why})"), false),
        Came::Failed(why) | Came::Refused(why) | Came::Stopped(why) => {
            (Noted::Failed, format!("could not be undone ({why})"), false)
        }
    };
    state.tried.push(format!("{}: {words}", step.name));
    Advance { noted, ended: Some((at, fine)), next: undo_next(book, state) }
}

/// True when the phase is one that only people end.
pub fn waits_for_people(book: &Book, state: &State) -> bool {
    let act = book.steps.get(state.step).and_then(Step::act);
    state.phase == Some(Phase::Act) && matches!(act, Some(Act::Approval(_) | Act::Human(_)))
}

#[cfg(test)]
mod tests;
