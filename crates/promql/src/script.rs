//! Test scripts of the public PromQL suite: reading them, running them against anything that answers queries, and
//! judging the answers.
//!
//! A script loads series ([`crate::notation`]) and says what queries must answer. [`run`] drives a [`Driver`]; each
//! instant query that passes is asked again as a range query around its time and with `@` on its selectors, as the
//! suite's own runner does, and passes only if these agree.

mod compare;
mod read;
mod run;

pub use read::{Annotation, Command, Eval, Expected, Script, TextTest, read};
pub use run::{Class, Driver, Judged, MemoryDriver, Outcome, Reply, Report, Sampled, options, run};
