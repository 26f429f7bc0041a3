//! Steps of a run or a checklist, each with its state in shape and word.

use super::{Tone, status};
use maud::{Markup, html};

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// Needs a person before it goes on.
    Approval,
    /// Being done.
    Running,
    /// Done and checked.
    Done,
    /// Did not work.
    Failed,
    /// Left out on purpose.
    Skipped,
    /// The machine was lost in the middle: nobody knows.
    Unknown,
}

impl StepState {
    /// The tone of its shape.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Waiting | Self::Skipped | Self::Unknown => Tone::Idle,
            Self::Approval => Tone::Warn,
            Self::Running => Tone::Working,
            Self::Done => Tone::Ok,
            Self::Failed => Tone::Critical,
        }
    }

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Approval => "Needs approval",
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
            Self::Unknown => "Not known",
        }
    }
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it does.
    pub title: String,
    /// Where it stands.
    pub state: StepState,
    /// Output, reason or what is awaited.
    pub detail: Option<Markup>,
    /// How long it took, such as `3 s`.
    pub took: Option<String>,
}

/// The steps in order.
#[must_use]
pub fn steps(steps: &[Step]) -> Markup {
    html! {
        ol.steps {
            @for (at, step) in steps.iter().enumerate() {
                li aria-current=[matches!(step.state, StepState::Running | StepState::Approval).then_some("step")] {
                    span.i { (at + 1) }
                    span.t dir="auto" { (step.title) }
                    span.flow { @if let Some(took) = &step.took { span.faint { (took) } } (status(step.state.tone(), step.state.word())) }
                    @if let Some(detail) = &step.detail { div.d { (detail) } }
                }
            }
        }
    }
}
