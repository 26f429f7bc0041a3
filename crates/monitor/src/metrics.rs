//! Metrics of others and for others: PromQL over the series, the HTTP API of Prometheus, remote write and OTLP.

mod alerting;
mod ask;
mod ast;
mod batch;
pub mod chart;
mod endpoints;
pub(crate) mod flood;
mod json;
pub mod keeping;
mod known;
mod names;
mod own;
pub mod query;
mod reader;
mod sink;
mod status;
mod targets;
mod tiers;
mod turns;
pub mod write;

pub(crate) use ask::limits;
pub(crate) use chart::legend;
pub(crate) use endpoints::all as endpoints;
pub(crate) use known::{At, Known};
pub(crate) use reader::Reader;
pub(crate) use reader::matchers;
pub(crate) use sink::Sink;
pub(crate) use turns::Turns;
