//! From symptoms to causes. A codebook of rules says how faults show and spread over what things stand on; the engine
//! takes symptoms, good results and changes, and answers with groups, one for each cause, with the evidence for and
//! against each candidate. The same input gives the same answer: no clock, no chance, no order of hashing.
//!
//! It knows no database and no network, and does nothing itself: it says what to look at again, whom to group, and when
//! to tell people. README.md explains how it judges.

mod candidate;
mod engine;
mod gaps;
mod graph;
mod looks;
mod reasons;
mod rules;
mod score;
mod solve;
mod spread;
mod words;

pub use candidate::{Candidate, Cause, Reason};
pub use engine::{Again, Answer, Decision, Engine, GroupView, Member, Observation, Options, Over, Phase, Restored};
pub use graph::{Graph, Relation, Source, Thing};
pub use looks::{Change, Look};
pub use rules::{BUILT_IN, RuleError, Rules};
pub use solve::{Cluster, Symptom, rank};
pub use words::{RelationKind, What};
