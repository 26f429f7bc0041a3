//! Plays outages in virtual time: a scenario file says what there is, what the inventory knows of it, what is looked
//! at, and what fails; the world decides what that does; the results go through the same judging as in production and
//! then to the cause engine, whose groups are compared with the truth. Nothing here reads the engine's rules.
//!
//! The format is in docs/causes.md.

mod chance;
mod file;
mod inventory;
mod looks;
mod names;
mod play;
mod scenario;
mod sense;
mod verdict;
mod world;

pub use file::{Problem, read};
pub use play::play;
pub use scenario::Scenario;
pub use verdict::{Totals, Verdict};
