//! Runbooks: repairs written down as data. Steps of check, act, verify and undo, versions that somebody else approves,
//! bindings to checks, and runs that keep their evidence and survive restarts. What runs on machines goes through fleet
//! by name; what changes Mainstay goes through the one door.

use std::sync::Arc;

use kernel::db::Migration;
use kernel::job::{JobEntry, Running, Schedule};
use kernel::time::{DAY, HOUR};
use kernel::{Entry, EventEntry, Noun, Reaction, Result};
use web::Page;
use web::domain::{Create, Group, Place};

mod action;
mod binding;
pub mod book;
pub mod engine;
mod events;
mod inputs;
mod panels;
mod reactions;
mod run;
mod runbook;

pub use binding::add::AddBinding;
pub use binding::list::ListBindings;
pub use binding::remove::RemoveBinding;
pub use binding::{BindingView, Mode};
pub use book::check::{INPUTS_MAX, STEPS_MAX};
pub use book::parse::{Mistake, SOURCE_BYTES_MAX, parse};
pub use events::*;
pub use run::confirm::ConfirmStep;
pub use run::list::ListRuns;
pub use run::show::{ShowRun, ShownRun, StepView};
pub use run::start::StartRun;
pub use run::stop::StopRun;
pub use run::{PhaseView, RunState, RunView};
pub use runbook::approve::ApproveRunbook;
pub use runbook::list::ListRunbooks;
pub use runbook::save::{SaveRunbook, SavedRunbook};
pub use runbook::show::{ShowRunbook, ShownRunbook};
pub use runbook::validate::{ValidRunbook, ValidateRunbook};
pub use runbook::{RunbookView, VersionView};

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_runbooks.sql") },
    Migration { number: 2, name: "lists of runs", sql: include_str!("../migrations/0002_lists_of_runs.sql") },
];
/// Runs that ended are kept so long.
const RUNS_KEPT_MICROS: i64 = 730 * DAY;

/// What runbooks declare.
pub fn domain() -> web::Domain {
    web::Domain {
        kernel: declarations(),
        pages: vec![
            Page::console("/runbooks", runbook::list::NAME, runbook::pages::list),
            Page::console("/runbooks/new", "runbooks.runbook.save", runbook::pages::editor),
            Page::console("/runbooks/{id}", runbook::list::NAME, runbook::pages::show),
            Page::console("/runs", run::list::NAME, run::pages::list),
            Page::console("/runs/{id}", run::list::NAME, run::pages::show),
        ],
        panels: panels::panels(),
        nav: vec![Place {
            group: Group::Improve,
            label: "Runbooks",
            icon: "runbook",
            href: "/runbooks",
            grant: runbook::list::NAME,
        }],
        creates: vec![Create { label: "Runbook", href: "/runbooks/new", grant: "runbooks.runbook.save" }],
        ..web::Domain::default()
    }
}

fn declarations() -> kernel::Domain {
    kernel::Domain {
        name: "runbooks",
        migrations: MIGRATIONS,
        operations: operations(),
        events: events(),
        reactions: vec![Reaction {
            name: run::drive::RUNNER,
            events: reactions::EVENTS,
            grants: run::drive::RUNNER_GRANTS,
            run: reactions::react,
        }],
        jobs: vec![
            JobEntry { kind: "runbooks.overdue", run: run::drive::overdue },
            JobEntry { kind: "runbooks.operate", run: run::operate::operate },
            JobEntry { kind: "runbooks.confirmed", run: run::drive::confirmed },
            JobEntry { kind: "runbooks.stop-rest", run: run::stop::stop_rest },
            JobEntry { kind: "runbooks.tidy", run: tidy },
        ],
        schedules: vec![Schedule { kind: "runbooks.tidy", every: 12 * HOUR }],
        nouns: vec![
            Noun { kind: "runbook", list: runbook::list::NAME, resolve: runbook::resolve, set: None },
            Noun { kind: "run", list: run::list::NAME, resolve: run::resolve, set: None },
        ],
        start: Some(|kernel| {
            kernel.put(Arc::new(runbook::validate::Drafts::default()));
            Ok(())
        }),
        ..kernel::Domain::default()
    }
}

fn operations() -> Vec<Entry> {
    vec![
        Entry::of::<SaveRunbook>(),
        Entry::of::<ValidateRunbook>(),
        Entry::of::<ListRunbooks>(),
        Entry::of::<ShowRunbook>(),
        Entry::of::<ApproveRunbook>(),
        Entry::of::<AddBinding>(),
        Entry::of::<RemoveBinding>(),
        Entry::of::<ListBindings>(),
        Entry::of::<StartRun>(),
        Entry::of::<ListRuns>(),
        Entry::of::<ShowRun>(),
        Entry::of::<StopRun>(),
        Entry::of::<ConfirmStep>(),
    ]
}

fn events() -> Vec<EventEntry> {
    vec![
        EventEntry::of::<RunbookSaved>(),
        EventEntry::of::<RunbookApproved>(),
        EventEntry::of::<BindingChanged>(),
        EventEntry::of::<RunProposed>(),
        EventEntry::of::<RunStarted>(),
        EventEntry::of::<StepFinished>(),
        EventEntry::of::<RunFinished>(),
        EventEntry::of::<RunFailed>(),
        EventEntry::of::<RunStopped>(),
    ]
}

/// Removes old runs. Running twice removes nothing twice.
fn tidy(running: &Running<'_>) -> Result<()> {
    let before = running.kernel.now().plus(-RUNS_KEPT_MICROS);
    loop {
        let gone = running
            .kernel
            .write_as(run::drive::runner(), "runbooks.run.forget", move |cx| run::store::forget(cx.tx, before, 100))?;
        if gone < 100 {
            return Ok(());
        }
    }
}
