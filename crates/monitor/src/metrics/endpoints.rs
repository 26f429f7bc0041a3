//! The addresses at which others' tools find what they know.

use kernel::endpoint::Refused;
use kernel::{Asked, Endpoint, Handle, Method, Said};

use super::names::{self, GRANT};
use super::{alerting, query, status, targets, write};
use crate::limits::{PUSH_BYTES_MAX, QUERY_BODY_BYTES_MAX};
use crate::pages::explore::{answer, figure};

const READ: &[Method] = &[Method::Get, Method::Post];
const PUSH: &[Method] = &[Method::Post];

/// Every address.
pub(crate) fn all() -> Vec<Endpoint> {
    vec![
        reading("/prometheus/api/v1/query", query::instant),
        reading("/prometheus/api/v1/query_range", query::range),
        reading("/prometheus/api/v1/format_query", query::format),
        reading("/prometheus/api/v1/parse_query", query::parse),
        reading("/prometheus/api/v1/series", names::series),
        reading("/prometheus/api/v1/labels", names::labels),
        reading("/prometheus/api/v1/label/{name}/values", names::values),
        reading("/prometheus/api/v1/metadata", names::metadata),
        reading("/prometheus/api/v1/status/buildinfo", names::build),
        reading("/prometheus/api/v1/rules", alerting::rules),
        reading("/prometheus/api/v1/alerts", alerting::alerts),
        reading("/prometheus/api/v1/alertmanagers", status::alertmanagers),
        reading("/prometheus/api/v1/targets", targets::targets),
        reading("/prometheus/api/v1/scrape_pools", targets::names),
        reading("/prometheus/api/v1/query_exemplars", status::exemplars),
        reading("/prometheus/api/v1/status/runtimeinfo", status::runtime),
        reading("/prometheus/api/v1/status/flags", status::flags),
        reading("/prometheus/api/v1/status/tsdb", status::tsdb),
        // Whoever looks after the process need not be somebody here.
        Endpoint { grant: "", ..reading("/prometheus/-/healthy", status::healthy) },
        Endpoint { grant: "", ..reading("/prometheus/-/ready", status::ready) },
        reading("/prometheus/{*rest}", status::unknown),
        reading("/monitoring/explore/answer", answer::part),
        reading("/monitoring/explore/figure", figure::part),
        pushing("/prometheus/api/v1/write", write::remote_write),
        pushing("/otlp/v1/metrics", write::otlp),
    ]
}

fn reading(path: &'static str, answer: fn(&Handle, &Asked) -> Said) -> Endpoint {
    let refused = path.starts_with("/prometheus/").then_some(status::refused as Refused);
    Endpoint { path, methods: READ, grant: GRANT, body_bytes_max: QUERY_BODY_BYTES_MAX, answer, refused }
}

fn pushing(path: &'static str, answer: fn(&Handle, &Asked) -> Said) -> Endpoint {
    Endpoint { path, methods: PUSH, grant: write::GRANT, body_bytes_max: PUSH_BYTES_MAX, answer, refused: None }
}
