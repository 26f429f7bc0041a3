//! Assets: the things the department looks after, what is known of them, how they are known again, and how they stand
//! to each other. It watches nothing and runs nothing: monitoring, tickets and runs point here.

use kernel::Domain;
use kernel::db::Migration;

mod api;
mod facts;
mod identity;
mod relation;
mod thing;

pub use api::*;
pub use facts::{Fact, empty_hash};
pub use relation::RelationKind;
pub use thing::{Criticality, KINDS, Status, Thing, kind_title};

const MIGRATIONS: &[Migration] =
    &[Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_first_tables.sql") }];

/// What assets declare.
pub fn domain() -> web::Domain {
    web::Domain { kernel: declarations(), ..web::Domain::default() }
}

fn declarations() -> Domain {
    Domain { name: "assets", migrations: MIGRATIONS, ..Domain::default() }
}
