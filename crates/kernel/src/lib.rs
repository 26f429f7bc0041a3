//! The kernel: what every domain stands on. Operations and their one door, the database under two engines, events in
//! order, durable jobs, audit, permission, settings, secrets, attention. It knows nothing of HTTP, pages or IT.

pub mod address;
pub mod approvals;
pub mod attention;
pub mod audit;
pub mod backup;
pub mod blobs;
pub mod cx;
pub mod db;
pub mod dispatch;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod fetch;
mod idempotency;
pub mod job;
pub mod limits;
pub mod lock;
pub mod meta;
pub mod notifications;
pub mod operation;
pub mod page;
pub mod permission;
mod pulse;
pub mod reference;
pub mod registry;
mod relay;
pub mod retention;
mod running;
pub mod search;
pub mod secrets;
pub mod settings;
pub mod text;
pub mod time;
pub mod timeline;
pub mod world;

pub use approvals::NewApproval;
pub use cx::{Cx, FieldChange, PrepareCx};
pub use dispatch::{Answer, Call, Via};
pub use endpoint::{Asked, Endpoint, Said};
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, EventEntry, Mark, Reaction, StoredEvent};
pub use notifications::{Notification, Recipient};
pub use operation::{Access, Change, Effect, Entry, Guard, Method, Operation, Route, delete, get, patch, post, put};
pub use permission::{Actor, Grant, Ident, Proof, Reach, Scope};
pub use reference::{LiveList, Ref, Resolved};
pub use registry::{Domain, Noun, Registry};
pub use running::{Handle, Kernel, Listener, Settings as KernelSettings};
pub use search::{Document, Hit, ScopeToken};
pub use time::{Clock, Time};

use db::Migration;
use job::{JobEntry, Schedule};
use settings::SettingEntry;

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_first_tables.sql") },
    Migration { number: 2, name: "search", sql: include_str!("../migrations/0002_search.sql") },
    Migration { number: 3, name: "approvals", sql: include_str!("../migrations/0003_approvals.sql") },
    Migration { number: 4, name: "audit and blobs", sql: include_str!("../migrations/0004_audit_and_blobs.sql") },
    Migration { number: 5, name: "notifications", sql: include_str!("../migrations/0005_notifications.sql") },
    Migration { number: 6, name: "limited approvals", sql: include_str!("../migrations/0006_limited_approvals.sql") },
    Migration { number: 7, name: "plain indexes", sql: include_str!("../migrations/0007_plain_indexes.sql") },
    Migration { number: 8, name: "retention", sql: include_str!("../migrations/0008_retention.sql") },
    Migration { number: 9, name: "blanked details", sql: include_str!("../migrations/0009_blanked_details.sql") },
];

/// The kernel's own declarations.
pub fn domain() -> Domain {
    Domain {
        name: "kernel",
        migrations: MIGRATIONS,
        operations: operations(),
        events: vec![
            EventEntry::of::<approvals::ApprovalRequested>(),
            EventEntry::of::<approvals::ApprovalDecided>(),
            EventEntry::of::<audit::seal::AuditSealed>(),
        ],
        reactions: vec![Reaction {
            name: "kernel.webhooks",
            events: &["*"],
            grants: &[],
            run: notifications::tell_webhooks,
        }],
        jobs: vec![
            JobEntry { kind: "kernel.expire-approvals", run: approvals::expire },
            JobEntry { kind: "kernel.blank-audit", run: audit::blank::run },
            JobEntry { kind: "kernel.run-approved", run: approvals::held::run_approved },
            JobEntry { kind: "kernel.seal-audit", run: audit::seal::run },
            JobEntry { kind: "kernel.redeliver", run: job::operations::redeliver },
            JobEntry { kind: "kernel.deliver", run: notifications::deliver },
            JobEntry { kind: "kernel.sweep-blobs", run: blobs::sweep },
            JobEntry { kind: "kernel.clean", run: retention::clean },
        ],
        schedules: vec![
            Schedule { kind: "kernel.expire-approvals", every: time::MINUTE },
            Schedule { kind: "kernel.seal-audit", every: 10 * time::MINUTE },
            Schedule { kind: "kernel.sweep-blobs", every: time::DAY },
            Schedule { kind: "kernel.clean", every: time::DAY },
        ],
        nouns: vec![
            Noun { kind: "approval", list: "kernel.approval.list", resolve: approvals::resolve, set: None },
            Noun {
                kind: "setting",
                list: "kernel.setting.list",
                resolve: settings::operations::resolve,
                set: Some(settings::operations::put_back),
            },
        ],
        settings: vec![
            SettingEntry::of::<approvals::ApprovalPolicy>(),
            SettingEntry::of::<retention::Retention>(),
            SettingEntry::of::<notifications::settings::Smtp>(),
            SettingEntry::of::<notifications::settings::Webhooks>(),
        ],
        start: Some(start),
        ..Domain::default()
    }
}

/// Seals what earlier versions kept as it was typed, and has it taken out of older audit entries.
fn start(kernel: &Handle) -> Result<()> {
    settings::sealed::seal_plain_ones(kernel)?;
    audit::blank::begin(kernel)
}

fn operations() -> Vec<Entry> {
    vec![
        Entry::of::<search::FindAnything>(),
        Entry::of::<approvals::operations::ListApprovals>(),
        Entry::of::<approvals::operations::ShowApproval>(),
        Entry::of::<approvals::operations::DecideApproval>(),
        Entry::of::<approvals::operations::CancelApproval>(),
        Entry::of::<settings::operations::ListSettings>(),
        Entry::of::<settings::operations::ShowSetting>(),
        Entry::of::<settings::operations::SetSetting>(),
        Entry::of::<settings::operations::ResetSetting>(),
        Entry::of::<audit::operations::ListAudit>(),
        Entry::of::<audit::operations::ShowAudit>(),
        Entry::of::<audit::operations::UndoAudit>(),
        Entry::of::<audit::operations::VerifyAudit>(),
        Entry::of::<job::operations::ListJobs>(),
        Entry::of::<job::operations::ListDeadLetters>(),
        Entry::of::<job::operations::RetryDeadLetter>(),
        Entry::of::<job::operations::DiscardDeadLetter>(),
        Entry::of::<notifications::operations::ListNotifications>(),
        Entry::of::<notifications::operations::ShowNotification>(),
        Entry::of::<notifications::operations::RetryNotification>(),
        Entry::of::<notifications::operations::TestNotification>(),
        Entry::of::<notifications::operations::SetMailPassword>(),
        Entry::of::<notifications::operations::ListWebhooks>(),
        Entry::of::<notifications::operations::SaveWebhook>(),
        Entry::of::<notifications::operations::RemoveWebhook>(),
    ]
}
