//! Monitoring: checks, the alerts that their results become, alert groups with one cause each, silences, and the series
//! that agents send. It repairs nothing and opens no tickets: it tells what it found, and others act.

use kernel::audit::blank::Blank;
use kernel::db::Migration;
use kernel::job::{JobEntry, Schedule};
use kernel::registry::{AgentFeed, AgentMessage, Service};
use kernel::settings::SettingEntry;
use kernel::{Domain, Entry, Noun};

mod address;
mod again;
pub mod alert;
mod causal;
pub mod cause_rules;
pub mod charts;
pub mod check;
mod doubt;
pub mod events;
mod feed;
mod figures;
mod fill_up;
mod full;
mod ground;
pub mod group;
pub mod heartbeat;
mod labels;
mod limits;
mod listening;
mod live;
pub mod looks;
pub mod machine;
pub mod maintenance;
pub mod metrics;
mod pages;
mod panels;
mod probe;
pub mod proposal;
mod reactions;
pub mod remote;
pub mod rule;
mod samples;
pub mod scrape;
pub mod series;
mod service;
mod shade;
mod sign;
pub mod silence;
mod store;
mod vantage;

pub use labels::Labels;
pub use live::{Fed, Seen, feed, feed_and_keep, tick, tick_with_room, upkeep};
pub use machine::State;
pub use metrics::flood::tell as tell_of_floods;
pub use probe::{Kind, Probe};
pub use rule::{clean as clean_rules, evaluate as evaluate_rules};

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_first_tables.sql") },
    Migration {
        number: 2,
        name: "alerts without assets",
        sql: include_str!("../migrations/0002_alerts_without_assets.sql"),
    },
    Migration { number: 3, name: "maintenance", sql: include_str!("../migrations/0003_maintenance.sql") },
    Migration { number: 4, name: "rules", sql: include_str!("../migrations/0004_rules.sql") },
    Migration { number: 6, name: "heartbeats", sql: include_str!("../migrations/0006_heartbeats.sql") },
    Migration { number: 7, name: "proposals", sql: include_str!("../migrations/0007_proposals.sql") },
    Migration { number: 8, name: "scrape jobs", sql: include_str!("../migrations/0008_scrapes.sql") },
    Migration { number: 10, name: "remotes", sql: include_str!("../migrations/0010_remotes.sql") },
    Migration { number: 13, name: "reopening", sql: include_str!("../migrations/0013_reopening.sql") },
    Migration {
        number: 14,
        name: "alerts that are kept firing",
        sql: include_str!("../migrations/0014_rule_alerts_kept.sql"),
    },
    Migration {
        number: 15,
        name: "alerts of deleted rules",
        sql: include_str!("../migrations/0015_rule_alerts_gone.sql"),
    },
    Migration { number: 16, name: "listening", sql: include_str!("../migrations/0016_listening.sql") },
    Migration { number: 21, name: "flat lists", sql: include_str!("../migrations/0021_flat_lists.sql") },
    Migration { number: 24, name: "lean indexes", sql: include_str!("../migrations/0024_lean_indexes.sql") },
    Migration {
        number: 25,
        name: "scrape jobs by import",
        sql: include_str!("../migrations/0025_scrapes_by_import.sql"),
    },
    Migration {
        number: 28,
        name: "alerts under silences",
        sql: include_str!("../migrations/0028_alerts_under_silences.sql"),
    },
    Migration { number: 29, name: "symptoms of rules", sql: include_str!("../migrations/0029_symptoms_of_rules.sql") },
    Migration {
        number: 30,
        name: "silences by labels",
        sql: include_str!("../migrations/0030_silences_by_labels.sql"),
    },
    Migration { number: 31, name: "rule alert values", sql: include_str!("../migrations/0031_rule_alert_values.sql") },
];

/// What monitoring declares.
pub fn domain() -> web::Domain {
    web::Domain {
        kernel: declarations(),
        pages: pages::all(),
        panels: panels::all(),
        nav: pages::nav(),
        creates: pages::creates(),
        figures: scrape::figures().into_iter().chain(figures::all()).collect(),
        ..web::Domain::default()
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
        blanks: vec![Blank { kind: "check", field: "probe", version: 1, blank: check::blank }],
        settings: vec![
            SettingEntry::of::<looks::Looks>(),
            SettingEntry::of::<cause_rules::CauseRules>(),
            SettingEntry::of::<metrics::keeping::Keeping>(),
            SettingEntry::of::<remote::Remotes>(),
        ],
        messages: vec![
            AgentMessage { kind: "check_results", handle: feed::check_results },
            AgentMessage { kind: "facts", handle: proposal::facts },
            AgentMessage { kind: "look_results", handle: feed::look_results },
            AgentMessage { kind: "series", handle: samples::series },
            AgentMessage { kind: "samples", handle: samples::samples },
            AgentMessage { kind: "gap", handle: samples::gap },
        ],
        feeds: vec![AgentFeed { kind: "checks", make: feed::checks }, AgentFeed { kind: "look", make: feed::look }],
        endpoints: metrics::endpoints().into_iter().chain(heartbeat::endpoints()).collect(),
        services: vec![
            Service { name: "monitor", run: service::run },
            Service { name: "series", run: service::keep_series },
            Service { name: "series-log", run: service::keep_log },
            Service { name: "looks", run: vantage::run },
            Service { name: "rules", run: rule::live::serve },
            Service { name: "proposals", run: proposal::run },
            Service { name: "scrape", run: scrape::serve },
            Service { name: "targets", run: scrape::look },
            Service { name: "monitor-remote", run: remote::send::run },
        ],
        start: Some(start),
        ..Domain::default()
    }
}

fn start(handle: &kernel::Handle) -> kernel::Result<()> {
    rule::taken::renew(handle)?;
    live::start(handle)?;
    rule::live::start(handle)
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
        Entry::of::<heartbeat::ShowAddress>(),
        Entry::of::<proposal::list::ListProposals>(),
        Entry::of::<proposal::decide::AcceptProposal>(),
        Entry::of::<proposal::decide::DismissProposal>(),
        Entry::of::<alert::ListAlerts>(),
        Entry::of::<alert::ShowAlert>(),
        Entry::of::<alert::explain::ExplainAlert>(),
        Entry::of::<group::list::ListGroups>(),
        Entry::of::<group::show::ShowGroup>(),
        Entry::of::<group::members::ListMembers>(),
        Entry::of::<group::affected::MapGroup>(),
        Entry::of::<group::acknowledge::AcknowledgeGroup>(),
        Entry::of::<silence::set::CreateSilence>(),
        Entry::of::<silence::ListSilences>(),
        Entry::of::<silence::update::UpdateSilence>(),
        Entry::of::<silence::set::EndSilence>(),
        Entry::of::<maintenance::create::CreateWindow>(),
        Entry::of::<maintenance::list::ListWindows>(),
        Entry::of::<maintenance::update::UpdateWindow>(),
        Entry::of::<maintenance::end::EndWindow>(),
        Entry::of::<maintenance::preview::PreviewWindow>(),
        Entry::of::<series::ReadSeries>(),
        Entry::of::<charts::ReadChart>(),
        Entry::of::<charts::check::ReadCheckChart>(),
        Entry::of::<rule::create::CreateRule>(),
        Entry::of::<rule::list::ListRules>(),
        Entry::of::<rule::show::ShowRule>(),
        Entry::of::<rule::update::UpdateRule>(),
        Entry::of::<rule::delete::DeleteRule>(),
        Entry::of::<rule::pause::PauseRule>(),
        Entry::of::<rule::pause::ResumeRule>(),
        Entry::of::<rule::preview::PreviewRule>(),
        Entry::of::<rule::import::ImportRules>(),
        Entry::of::<rule::export::ExportRules>(),
        Entry::of::<rule::test::TestRules>(),
        Entry::of::<metrics::query::QueryMetrics>(),
        Entry::of::<metrics::chart::ChartMetrics>(),
        Entry::of::<metrics::write::WriteMetrics>(),
        Entry::of::<scrape::create::CreateScrape>(),
        Entry::of::<scrape::list::ListScrapes>(),
        Entry::of::<scrape::show::ShowScrape>(),
        Entry::of::<scrape::update::UpdateScrape>(),
        Entry::of::<scrape::pause::PauseScrape>(),
        Entry::of::<scrape::pause::ResumeScrape>(),
        Entry::of::<scrape::delete::DeleteScrape>(),
        Entry::of::<scrape::test::TestScrape>(),
        Entry::of::<scrape::import::ImportScrapes>(),
        Entry::of::<scrape::propose::ProposeScrapes>(),
        Entry::of::<scrape::targets::ListTargets>(),
        Entry::of::<remote::list::ListRemotes>(),
        Entry::of::<remote::secret::SetRemoteSecret>(),
    ]
}

fn nouns() -> Vec<Noun> {
    vec![
        Noun { kind: "check", list: "monitor.check.list", resolve: check::resolve, set: Some(check::set) },
        Noun { kind: "alert", list: "monitor.alert.list", resolve: alert::resolve, set: None },
        Noun { kind: "alert_group", list: "monitor.group.list", resolve: group::resolve, set: Some(group::set) },
        Noun { kind: "rule", list: "monitor.rule.list", resolve: rule::resolve, set: Some(rule::update::set) },
        Noun { kind: "proposal", list: "monitor.proposal.list", resolve: proposal::resolve, set: None },
        Noun {
            kind: "silence",
            list: "monitor.silence.list",
            resolve: silence::resolve,
            set: Some(silence::update::put_back),
        },
        Noun {
            kind: "rule_file",
            list: "monitor.rule.list",
            resolve: rule::put_back::resolve,
            set: Some(rule::put_back::file),
        },
        Noun { kind: "scrape", list: "monitor.scrape.list", resolve: scrape::resolve, set: None },
        Noun {
            kind: "maintenance",
            list: "monitor.maintenance.list",
            resolve: maintenance::resolve,
            set: Some(maintenance::update::set),
        },
    ]
}
