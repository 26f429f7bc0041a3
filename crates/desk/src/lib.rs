//! The service desk: incidents, requests and tasks in one table, from opening to resolution. It listens to alerts and
//! runbooks, and points at things, people and alerts by reference. It sends no mail and runs nothing on machines.

use kernel::db::Migration;
use kernel::job::{JobEntry, Schedule};
use kernel::settings::SettingEntry;
use kernel::{Domain, Entry, Noun};

pub mod demo;
mod directory;
mod events;
mod filter;
mod needs;
mod pages;
mod reactions;
mod settings;
mod store;
pub mod ticket;
pub mod view;

const MIGRATIONS: &[Migration] =
    &[Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_first_tables.sql") }];

/// What the desk declares.
pub fn domain() -> web::Domain {
    web::Domain {
        kernel: declarations(),
        pages: pages::all(),
        panels: pages::panels::all(),
        nav: pages::nav(),
        creates: pages::creates(),
        ..web::Domain::default()
    }
}

fn declarations() -> Domain {
    Domain {
        name: "desk",
        migrations: MIGRATIONS,
        operations: vec![
            Entry::of::<ticket::open::OpenTicket>(),
            Entry::of::<ticket::list::ListTickets>(),
            Entry::of::<ticket::count::CountTickets>(),
            Entry::of::<ticket::show::ShowTicket>(),
            Entry::of::<ticket::say::Reply>(),
            Entry::of::<ticket::say::AddNote>(),
            Entry::of::<ticket::assign::AssignTicket>(),
            Entry::of::<ticket::update::UpdateTicket>(),
            Entry::of::<ticket::wait::WaitTicket>(),
            Entry::of::<ticket::resolve::ResolveTicket>(),
            Entry::of::<ticket::resolve::ReopenTicket>(),
            Entry::of::<ticket::link::LinkTicket>(),
            Entry::of::<ticket::link::UnlinkTicket>(),
            Entry::of::<view::SaveView>(),
            Entry::of::<view::ListViews>(),
            Entry::of::<view::RemoveView>(),
        ],
        events: events::all(),
        reactions: vec![reactions::follow()],
        jobs: vec![
            JobEntry { kind: ticket::wait::WAKE, run: ticket::wait::wake },
            JobEntry { kind: ticket::wait::CLOSE, run: ticket::wait::close },
        ],
        schedules: vec![Schedule { kind: ticket::wait::CLOSE, every: kernel::time::HOUR }],
        nouns: vec![Noun {
            kind: "ticket",
            list: "desk.ticket.list",
            resolve: ticket::show::resolve,
            set: Some(ticket::update::set),
        }],
        settings: vec![SettingEntry::of::<settings::Alerts>(), SettingEntry::of::<settings::Closing>()],
        ..Domain::default()
    }
}
