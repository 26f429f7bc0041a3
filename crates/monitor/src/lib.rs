//! Monitoring: checks, the alerts that their results become, alert groups with one cause each, silences, and the series
//! that agents send. It repairs nothing and opens no tickets: it tells what it found, and others act.

use kernel::db::Migration;
use kernel::job::{JobEntry, Schedule};
use kernel::registry::{AgentFeed, AgentMessage, Service};
use kernel::settings::SettingEntry;
use kernel::{Domain, Entry, Noun};

mod address;
pub mod alert;
pub mod charts;
pub mod check;
pub mod events;
mod feed;
mod ground;
pub mod group;
mod labels;
mod limits;
mod live;
pub mod machine;
pub mod metrics;
mod notify;
mod pages;
mod panels;
mod probe;
mod reactions;
mod samples;
pub mod series;
mod service;
pub mod silence;
mod store;

pub use labels::Labels;
pub use live::{Fed, Seen, feed, feed_and_keep, tick};
pub use machine::State;
pub use notify::Notify;
pub use probe::{Kind, Probe};

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_first_tables.sql") },
    Migration {
        number: 2,
        name: "alerts without assets",
        sql: include_str!("../migrations/0002_alerts_without_assets.sql"),
    },
];

/// What monitoring declares.
pub fn domain() -> web::Domain {
    web::Domain {
        kernel: declarations(),
        pages: pages::all(),
        panels: panels::all(),
        nav: pages::nav(),
        creates: pages::creates(),
    }
}

fn declarations() -> Domain {
    Domain {
        name: "monitor",
        migrations: MIGRATIONS,
        operations: operations(),
        events: reactions::events(),
        reactions: reactions::all(),
        jobs: vec![JobEntry { kind: "monitor.clean", run: service::clean }],
        schedules: vec![Schedule { kind: "monitor.clean", every: kernel::time::DAY }],
        nouns: nouns(),
        settings: vec![SettingEntry::of::<Notify>(), SettingEntry::of::<metrics::keeping::Keeping>()],
        messages: vec![
            AgentMessage { kind: "check_results", handle: live::check_results },
            AgentMessage { kind: "series", handle: samples::series },
            AgentMessage { kind: "samples", handle: samples::samples },
            AgentMessage { kind: "gap", handle: samples::gap },
        ],
        feeds: vec![AgentFeed { kind: "checks", make: feed::checks }],
        endpoints: metrics::endpoints(),
        services: vec![Service { name: "monitor", run: service::run }],
        start: Some(live::start),
        ..Domain::default()
    }
}

fn operations() -> Vec<Entry> {
    vec![
        Entry::of::<check::create::CreateCheck>(),
        Entry::of::<check::list::ListChecks>(),
        Entry::of::<check::show::ShowCheck>(),
        Entry::of::<check::update::UpdateCheck>(),
        Entry::of::<check::pause::PauseCheck>(),
        Entry::of::<check::pause::ResumeCheck>(),
        Entry::of::<check::delete::DeleteCheck>(),
        Entry::of::<alert::ListAlerts>(),
        Entry::of::<alert::ShowAlert>(),
        Entry::of::<group::list::ListGroups>(),
        Entry::of::<group::show::ShowGroup>(),
        Entry::of::<group::acknowledge::AcknowledgeGroup>(),
        Entry::of::<silence::CreateSilence>(),
        Entry::of::<silence::ListSilences>(),
        Entry::of::<silence::EndSilence>(),
        Entry::of::<series::ReadSeries>(),
        Entry::of::<charts::ReadChart>(),
        Entry::of::<charts::check::ReadCheckChart>(),
        Entry::of::<metrics::query::QueryMetrics>(),
        Entry::of::<metrics::chart::ChartMetrics>(),
        Entry::of::<metrics::write::WriteMetrics>(),
    ]
}

fn nouns() -> Vec<Noun> {
    vec![
        Noun { kind: "check", list: "monitor.check.list", resolve: check::resolve, set: Some(check::set) },
        Noun { kind: "alert", list: "monitor.alert.list", resolve: alert::resolve, set: None },
        Noun { kind: "alert_group", list: "monitor.group.list", resolve: group::resolve, set: Some(group::set) },
        Noun { kind: "silence", list: "monitor.silence.list", resolve: silence::resolve, set: None },
    ]
}
