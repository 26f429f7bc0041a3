//! Fleet: the agents of machines. Enrolment with tokens, the link they keep, signed jobs that are done at most once, and
//! the order that stops all runs. It decides nothing about what to run: runbooks and people queue jobs here.

use kernel::db::Migration;
use kernel::job::{JobEntry, Schedule};
use kernel::registry::{AgentMessage, Service};
use kernel::settings::SettingEntry;
use kernel::{Entry, EventEntry, Noun, Reaction};
use web::Page;
use web::domain::{Create, Group, Place};

mod agent;
mod asset;
mod deliver;
mod events;
pub mod hub;
mod job;
pub mod keys;
pub mod link;
mod list_page;
mod panels;
mod release;
mod rollout;
mod settings;
pub mod stop;
mod token;

pub use agent::change::{ApproveAgent, QuarantineAgent, RekeyAgent, RevokeAgent};
pub use agent::list::ListAgents;
pub use agent::show::ShowAgent;
pub use agent::{AgentView, State};
pub use deliver::{round, sweep};
pub use events::*;
pub use job::JobView;
pub use job::cancel::CancelJob;
pub use job::list::ListJobs;
pub use job::queue::{JobApproval, QueueJob, QueuedJob};
pub use job::show::ShowJob;
pub use list_page::ListPage;
pub use release::{ImportRelease, ListReleases, ReleaseView, WithdrawRelease};
pub use rollout::busy::{BusyWith, WaitsFor};
pub use rollout::change::{EndRollout, PauseRollout, ResumeRollout, StartRollout};
pub use rollout::list::{
    ListRolloutAgents, ListRollouts, ListVersions, RolloutAgent, ShowRollout, VersionInUse, VersionsInUse,
};
pub use rollout::{RolloutState, RolloutView, Stage};
pub use settings::LinkSetting;
pub use stop::{ReleaseStop, ShowStop, StopAll};
pub use token::create::CreateToken;
pub use token::list::ListTokens;
pub use token::revoke::RevokeToken;
pub use token::{NewToken, TokenView};

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_fleet.sql") },
    Migration { number: 2, name: "signs of waiting", sql: include_str!("../migrations/0002_signs_of_waiting.sql") },
    Migration { number: 3, name: "lists of jobs", sql: include_str!("../migrations/0003_lists_of_jobs.sql") },
    Migration { number: 4, name: "agent versions", sql: include_str!("../migrations/0004_agent_versions.sql") },
    Migration { number: 5, name: "busy machines", sql: include_str!("../migrations/0005_busy_machines.sql") },
];

/// What fleet declares.
pub fn domain() -> web::Domain {
    web::Domain {
        kernel: declarations(),
        pages: vec![
            Page::console("/fleet", agent::list::NAME, agent::pages::list),
            Page::console("/fleet/agents/{id}", agent::list::NAME, agent::pages::one::show),
            Page::console("/fleet/tokens/{id}", "fleet.token.list", token::pages::show),
            Page::console("/fleet/versions", "fleet.version.list", rollout::pages::versions),
            Page::console("/fleet/rollouts/{id}", rollout::list::NAME, rollout::pages::one::show),
            Page::console("/fleet/jobs", job::list::NAME, job::pages::list),
            Page::console("/fleet/jobs/{id}", job::list::NAME, job::pages::show),
        ],
        panels: panels::panels(),
        nav: vec![Place {
            group: Group::Protect,
            label: "Endpoints",
            icon: "endpoints",
            href: "/fleet",
            grant: agent::list::NAME,
        }],
        creates: vec![Create { label: "Enrolment token", href: "/fleet#enrol", grant: "fleet.token.create" }],
        ..web::Domain::default()
    }
}

fn declarations() -> kernel::Domain {
    kernel::Domain {
        name: "fleet",
        migrations: MIGRATIONS,
        operations: operations(),
        events: events(),
        reactions: vec![
            Reaction {
                name: "fleet.follows-assets",
                events: &["assets.thing.changed"],
                grants: &[],
                run: asset::follow_event,
            },
            Reaction {
                name: "fleet.lets-go-of-retired",
                events: &["assets.thing.retired"],
                grants: &[],
                run: asset::retire_event,
            },
        ],
        jobs: vec![
            JobEntry { kind: "fleet.tidy", run: deliver::tidy },
            JobEntry { kind: "fleet.stop-jobs", run: stop::stop_jobs },
            JobEntry { kind: "fleet.abandon-jobs", run: job::abandon_rest },
        ],
        schedules: vec![Schedule { kind: "fleet.tidy", every: 12 * kernel::time::HOUR }],
        nouns: vec![
            Noun { kind: "agent", list: agent::list::NAME, resolve: agent::resolve, set: None },
            Noun { kind: "agent_job", list: job::list::NAME, resolve: job::resolve, set: None },
            Noun { kind: "agent_rollout", list: rollout::list::NAME, resolve: rollout::resolve, set: None },
        ],
        settings: vec![SettingEntry::of::<LinkSetting>()],
        messages: vec![
            AgentMessage { kind: "job_accepted", handle: job::report::accepted },
            AgentMessage { kind: "job_result", handle: job::report::finished },
            AgentMessage { kind: "update", handle: rollout::report::reported },
        ],
        services: vec![Service { name: "fleet", run: deliver::run }],
        start: Some(start),
        ..kernel::Domain::default()
    }
}

fn operations() -> Vec<Entry> {
    vec![
        Entry::of::<CreateToken>(),
        Entry::of::<ListTokens>(),
        Entry::of::<RevokeToken>(),
        Entry::of::<ListAgents>(),
        Entry::of::<ShowAgent>(),
        Entry::of::<ApproveAgent>(),
        Entry::of::<QuarantineAgent>(),
        Entry::of::<RekeyAgent>(),
        Entry::of::<RevokeAgent>(),
        Entry::of::<QueueJob>(),
        Entry::of::<ListJobs>(),
        Entry::of::<ShowJob>(),
        Entry::of::<CancelJob>(),
        Entry::of::<ListVersions>(),
        Entry::of::<ImportRelease>(),
        Entry::of::<ListReleases>(),
        Entry::of::<WithdrawRelease>(),
        Entry::of::<StartRollout>(),
        Entry::of::<ListRollouts>(),
        Entry::of::<ShowRollout>(),
        Entry::of::<ListRolloutAgents>(),
        Entry::of::<PauseRollout>(),
        Entry::of::<ResumeRollout>(),
        Entry::of::<EndRollout>(),
        Entry::of::<StopAll>(),
        Entry::of::<ReleaseStop>(),
        Entry::of::<ShowStop>(),
    ]
}

fn events() -> Vec<EventEntry> {
    vec![
        EventEntry::of::<AgentEnrolled>(),
        EventEntry::of::<AgentApproved>(),
        EventEntry::of::<AgentConnected>(),
        EventEntry::of::<AgentDisconnected>(),
        EventEntry::of::<AgentRebooted>(),
        EventEntry::of::<AgentQuarantined>(),
        EventEntry::of::<AgentRevoked>(),
        EventEntry::of::<AgentRefused>(),
        EventEntry::of::<AgentUpdated>(),
        EventEntry::of::<AgentNotUpdated>(),
        EventEntry::of::<RolloutChanged>(),
        EventEntry::of::<JobQueued>(),
        EventEntry::of::<JobFinished>(),
        EventEntry::of::<JobCompleted>(),
        EventEntry::of::<StopOrdered>(),
        EventEntry::of::<StopReleased>(),
    ]
}

fn start(kernel: &kernel::Handle) -> kernel::Result<()> {
    keys::open(kernel)?;
    token::open(kernel);
    deliver::open(kernel)
}
