//! The kernel: what every domain stands on. Operations and their one door, the database under two engines, events in
//! order, durable jobs, audit, permission, settings, secrets, attention. It knows nothing of HTTP, pages or IT.

pub mod approvals;
pub mod attention;
pub mod audit;
pub mod cx;
pub mod db;
pub mod dispatch;
pub mod error;
pub mod event;
mod idempotency;
pub mod job;
pub mod limits;
pub mod meta;
pub mod operation;
pub mod page;
pub mod permission;
pub mod reference;
pub mod registry;
mod relay;
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
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, EventEntry, Mark, Reaction, StoredEvent};
pub use operation::{Access, Change, Effect, Entry, Operation, Route, delete, get, patch, post, put};
pub use permission::{Actor, Grant, Ident, Proof, Reach, Scope};
pub use reference::{Ref, Resolved};
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
];

/// The kernel's own declarations.
pub fn domain() -> Domain {
    Domain {
        name: "kernel",
        migrations: MIGRATIONS,
        operations: vec![
            Entry::of::<search::FindAnything>(),
            Entry::of::<approvals::operations::ListApprovals>(),
            Entry::of::<approvals::operations::ShowApproval>(),
            Entry::of::<approvals::operations::DecideApproval>(),
            Entry::of::<approvals::operations::CancelApproval>(),
            Entry::of::<settings::operations::ListSettings>(),
            Entry::of::<settings::operations::ShowSetting>(),
            Entry::of::<settings::operations::SetSetting>(),
            Entry::of::<settings::operations::ResetSetting>(),
        ],
        events: vec![EventEntry::of::<approvals::ApprovalRequested>(), EventEntry::of::<approvals::ApprovalDecided>()],
        jobs: vec![
            JobEntry { kind: "kernel.expire-approvals", run: approvals::expire },
            JobEntry { kind: "kernel.run-approved", run: approvals::held::run_approved },
        ],
        schedules: vec![Schedule { kind: "kernel.expire-approvals", every: time::MINUTE }],
        nouns: vec![
            Noun { kind: "approval", list: "kernel.approval.list", resolve: approvals::resolve, set: None },
            Noun {
                kind: "setting",
                list: "kernel.setting.list",
                resolve: settings::operations::resolve,
                set: Some(settings::operations::put_back),
            },
        ],
        settings: vec![SettingEntry::of::<approvals::ApprovalPolicy>()],
        ..Domain::default()
    }
}
