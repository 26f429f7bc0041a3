//! People: users, teams, the tree of places, roles and grants, sign-in, sessions and tokens. It tells the kernel who an
//! identity is and what they may do. It sends no mail and knows no HTTP: the server brings tokens and takes them away.

use kernel::Domain;
use kernel::db::Migration;

pub mod actor;
pub mod filter;
pub mod grants;
mod names;
pub mod place;
pub mod roles;
pub mod team;
pub mod user;

pub use names::*;
pub use place::Place;
pub use team::Team;
pub use user::User;

const MIGRATIONS: &[Migration] =
    &[Migration { number: 1, name: "first tables", sql: include_str!("../migrations/0001_first_tables.sql") }];

/// What people declare.
pub fn domain() -> web::Domain {
    web::Domain { kernel: declarations(), ..web::Domain::default() }
}

fn declarations() -> Domain {
    Domain { name: "people", migrations: MIGRATIONS, actors: Some(actor::resolve), ..Domain::default() }
}
