//! Assets: the things the department looks after, what is known of them, how they are known again, and how they stand
//! to each other. It watches nothing and runs nothing: monitoring, tickets and runs point here.

use kernel::db::Migration;
use kernel::registry::AgentMessage;
use kernel::{Domain, Entry, EventEntry, Noun, Operation};

mod address;
mod api;
mod facts;
mod identity;
mod pages;
mod relation;
mod thing;

pub use address::set::SetAddresses;
pub use api::*;
pub use facts::list::ListFacts;
pub use facts::{Fact, empty_hash};
pub use relation::RelationKind;
pub use relation::add::AddRelation;
pub use relation::coverage::{Coverage, Covered, Need, ShowCoverage};
pub use relation::list::{ListRelations, Related};
pub use relation::remove::RemoveRelation;
pub use relation::update::UpdateRelation;
pub use thing::change::{AssignThing, RetireThing, UpdateThing};
pub use thing::create::CreateThing;
pub use thing::list::{ListThings, ThingRow};
pub use thing::show::{About, Moment, ShowThing, ThingShown, ThingTimeline};
pub use thing::{Criticality, KINDS, Status, Thing, kind_title};

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_first_tables.sql") },
    Migration { number: 2, name: "things by state", sql: include_str!("../migrations/0002_things_by_state.sql") },
    Migration { number: 3, name: "folded names", sql: include_str!("../migrations/0003_folded_names.sql") },
    Migration { number: 4, name: "alternatives", sql: include_str!("../migrations/0004_alternatives.sql") },
    Migration { number: 5, name: "addresses", sql: include_str!("../migrations/0005_addresses.sql") },
];

/// What assets declare.
pub fn domain() -> web::Domain {
    web::Domain {
        kernel: declarations(),
        pages: pages::all(),
        nav: pages::nav(),
        creates: pages::creates(),
        ..web::Domain::default()
    }
}

fn declarations() -> Domain {
    Domain {
        name: "assets",
        migrations: MIGRATIONS,
        operations: operations(),
        events: vec![
            EventEntry::of::<thing::ThingCreated>(),
            EventEntry::of::<thing::ThingChanged>(),
            EventEntry::of::<thing::ThingRetired>(),
            EventEntry::of::<facts::FactsChanged>(),
            EventEntry::of::<relation::events::RelationAdded>(),
            EventEntry::of::<relation::events::RelationChanged>(),
            EventEntry::of::<relation::events::RelationRemoved>(),
        ],
        nouns: vec![Noun {
            kind: "asset",
            list: ListThings::NAME,
            resolve: thing::list::resolve,
            set: Some(thing::change::set_back),
        }],
        messages: vec![AgentMessage { kind: "facts", handle: facts::take }],
        jobs: vec![address::JOB],
        start: Some(catch_up),
        ..Domain::default()
    }
}

/// Folds the names and reads the addresses that an earlier version wrote, in small steps. Each row is done once.
fn catch_up(kernel: &kernel::Handle) -> kernel::Result<()> {
    while kernel.db.write("assets.names.fold", kernel::db::Priority::Background, thing::store::fold_some)? > 0 {}
    address::read_kept(kernel)
}

fn operations() -> Vec<Entry> {
    vec![
        Entry::of::<ListThings>(),
        Entry::of::<ShowThing>(),
        Entry::of::<CreateThing>(),
        Entry::of::<UpdateThing>(),
        Entry::of::<AssignThing>(),
        Entry::of::<RetireThing>(),
        Entry::of::<ThingTimeline>(),
        Entry::of::<ListFacts>(),
        Entry::of::<SetAddresses>(),
        Entry::of::<ListRelations>(),
        Entry::of::<ShowCoverage>(),
        Entry::of::<AddRelation>(),
        Entry::of::<UpdateRelation>(),
        Entry::of::<RemoveRelation>(),
    ]
}
