//! Paging: who is told of an alert group, how, and the proof. It routes what monitoring tells, escalates until somebody
//! acknowledges, sends by many channels, and keeps every answer. It judges no check and opens no ticket.

use std::sync::Arc;
use std::time::Duration;

use kernel::audit::blank::Blank;
use kernel::db::Migration;
use kernel::job::{JobEntry, Running, Schedule};
use kernel::registry::Service;
use kernel::settings::SettingEntry;
use kernel::time::DAY;
use kernel::{Actor, Domain, Entry, EventEntry, Handle, Result};

pub mod channel;
mod console;
pub mod dead_man;
mod hours;
mod link;
mod matcher;
pub mod message;
pub mod page;
mod panels;
pub mod policy;
pub mod route;
pub mod settings;
mod target;

pub use page::run::tick;

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_first_tables.sql") },
    Migration { number: 2, name: "reopening", sql: include_str!("../migrations/0002_reopening.sql") },
    Migration { number: 9, name: "lists by key", sql: include_str!("../migrations/0009_lists_by_key.sql") },
    Migration { number: 10, name: "waiting", sql: include_str!("../migrations/0010_waiting.sql") },
    Migration { number: 11, name: "own alerts", sql: include_str!("../migrations/0011_own_alerts.sql") },
    Migration { number: 12, name: "own acknowledged", sql: include_str!("../migrations/0012_own_acknowledged.sql") },
    Migration { number: 13, name: "taken at", sql: include_str!("../migrations/0013_taken_at.sql") },
];
/// How long messages and ended escalations are kept, in microseconds.
const KEPT: i64 = 730 * DAY;
/// Rows that one step of the clean-up deletes.
const CLEAN_ROWS: i64 = 200;

/// What paging declares.
pub fn domain() -> web::Domain {
    web::Domain {
        kernel: declarations(),
        pages: console::all(),
        doors: vec![link::DOOR],
        panels: panels::all(),
        nav: console::nav(),
        families: vec![message::counted::FAMILY],
        ..web::Domain::default()
    }
}

fn declarations() -> Domain {
    Domain {
        name: "paging",
        migrations: MIGRATIONS,
        operations: operations(),
        events: vec![
            EventEntry::of::<channel::events::ChannelFailed>(),
            EventEntry::of::<channel::events::ChannelRecovered>(),
            EventEntry::of::<channel::events::StepTaken>(),
        ],
        reactions: vec![page::reactions::follow()],
        blanks: vec![Blank { kind: "paging_channel", field: "config", version: 1, blank: channel::seal::blank }],
        jobs: vec![
            JobEntry { kind: message::SEND, run: message::send::run },
            JobEntry { kind: "paging.test", run: channel::test::daily },
            JobEntry { kind: "paging.clean", run: clean },
        ],
        schedules: vec![
            Schedule { kind: "paging.test", every: 10 * kernel::time::MINUTE },
            Schedule { kind: "paging.clean", every: DAY },
        ],
        settings: vec![
            SettingEntry::of::<settings::Default>(),
            SettingEntry::of::<settings::Sending>(),
            SettingEntry::of::<settings::DeadMan>(),
        ],
        services: vec![Service { name: "paging", run: turn }, Service { name: "dead-man", run: dead_man::run }],
        start: Some(start),
        ..Domain::default()
    }
}

fn operations() -> Vec<Entry> {
    vec![
        Entry::of::<page::list::ListPages>(),
        Entry::of::<page::list::ShowPage>(),
        Entry::of::<page::acknowledge::AcknowledgePage>(),
        Entry::of::<page::explain::ExplainPage>(),
        Entry::of::<page::outcome::WhoWasTold>(),
        Entry::of::<message::list::ListMessages>(),
        Entry::of::<message::list::ShowMessage>(),
        Entry::of::<route::list::ListRoutes>(),
        Entry::of::<route::change::AddRoute>(),
        Entry::of::<route::change::UpdateRoute>(),
        Entry::of::<route::change::MoveRoute>(),
        Entry::of::<route::change::RemoveRoute>(),
        Entry::of::<route::preview::PreviewRoute>(),
        Entry::of::<policy::list::ListPolicies>(),
        Entry::of::<policy::list::ShowPolicy>(),
        Entry::of::<policy::change::SavePolicy>(),
        Entry::of::<policy::change::RemovePolicy>(),
        Entry::of::<channel::list::ListChannels>(),
        Entry::of::<channel::change::SaveChannel>(),
        Entry::of::<channel::change::RemoveChannel>(),
        Entry::of::<channel::test::TestChannel>(),
        Entry::of::<channel::contact::ListContacts>(),
        Entry::of::<channel::contact::SaveContacts>(),
        Entry::of::<dead_man::ShowDeadMan>(),
    ]
}

/// Makes the key of links, seals what earlier versions kept plain, and takes over the setting that earlier versions kept under another name.
fn start(kernel: &Handle) -> Result<()> {
    kernel.put(Arc::new(message::send::Lanes::default()));
    kernel.put(Arc::new(message::counted::Counted::default()));
    link::make_key(kernel)?;
    channel::seal::plain_templates(kernel)?;
    kernel.db.write("paging.settings.move", kernel::db::Priority::Background, |tx| {
        kernel::settings::rename(tx, "monitor.notify", "paging.default")
    })
}

/// Looks once a second for steps that are due, until the server stops.
fn turn(kernel: Handle) {
    let mut failing = false;
    while kernel.wait(Duration::from_secs(1)) {
        if kernel.held() {
            continue;
        }
        match tick(&kernel) {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                tracing::error!(error = error.message, cause = error.cause, "escalation is held up; trying again");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

/// Deletes what is past its time, in slices. Harmless to repeat.
fn clean(running: &Running<'_>) -> Result<()> {
    let kernel = running.kernel;
    let before = kernel.now().plus(-KEPT);
    loop {
        let gone = kernel.write_as(Actor::service("paging", &[]), "paging.clean", move |cx| {
            channel::lane::forget(cx)?;
            Ok(message::store::clean(cx.tx, before, CLEAN_ROWS)? + page::store::clean(cx.tx, before, CLEAN_ROWS)?)
        })?;
        if gone == 0 || kernel.stopping() {
            return Ok(());
        }
    }
}
