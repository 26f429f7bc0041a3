//! What tools ask of a Prometheus server about itself: small, and only what is true here.

use kernel::{Actor, Asked, Error, ErrorKind, Handle, Said};
use serde_json::{Value, json};

use super::json::{self, Failure};
use super::keeping::Keeping;
use crate::limits::QUERY_TIME_PEOPLE;
use crate::live::Monitor;

pub(super) fn answered(value: &Value) -> Said {
    json::success(&[], &[], |out| out.extend_from_slice(value.to_string().as_bytes()))
}

fn keeping(kernel: &Handle) -> Result<Keeping, Failure> {
    let actor = Actor::service("monitor", &["monitor.*"]);
    kernel.read_as(&actor, |cx| cx.setting::<Keeping>()).map_err(|error| Failure::internal(error.message))
}

/// `/prometheus/api/v1/query_exemplars`: none are kept.
pub(super) fn exemplars(_: &Handle, _: &Asked) -> Said {
    answered(&json!([]))
}

/// `/prometheus/api/v1/status/runtimeinfo`
pub(super) fn runtime(kernel: &Handle, _: &Asked) -> Said {
    let outcome = || {
        let monitor = kernel.get::<Monitor>().map_err(|error| Failure::internal(error.message))?;
        let keeping = keeping(kernel)?;
        Ok(answered(&json!({
            "serverTime": kernel.now().timestamp().to_string(),
            "storageRetention": format!("{}d or {}GiB", keeping.raw_days, keeping.disk_gib),
            "corruptionCount": monitor.series.damaged_pages(),
        })))
    };
    outcome().unwrap_or_else(|failure: Failure| failure.said())
}

/// `/prometheus/api/v1/status/flags`: those of Prometheus' flags that mean something here.
pub(super) fn flags(kernel: &Handle, _: &Asked) -> Said {
    let outcome = || {
        let keeping = keeping(kernel)?;
        Ok(answered(&json!({
            "query.timeout": format!("{}s", QUERY_TIME_PEOPLE.as_secs()),
            "storage.tsdb.retention.size": format!("{}GiB", keeping.disk_gib),
            "storage.tsdb.retention.time": format!("{}d", keeping.raw_days),
            "web.enable-otlp-receiver": "true",
            "web.enable-remote-write-receiver": "true",
        })))
    };
    outcome().unwrap_or_else(|failure: Failure| failure.said())
}

/// `/prometheus/api/v1/status/tsdb`: how many series there are, for who may see all of them.
pub(super) fn tsdb(kernel: &Handle, asked: &Asked) -> Said {
    let outcome = || {
        if !asked.reach.everything {
            return Err(Failure::forbidden("the grant must reach everything: this is about all series"));
        }
        let monitor = kernel.get::<Monitor>().map_err(|error| Failure::internal(error.message))?;
        let now = kernel.now().millis();
        Ok(answered(&json!({
            "headStats": {
                "numSeries": monitor.series.taken().active_series,
                "minTime": monitor.series.oldest_ms().unwrap_or(now),
                "maxTime": now,
            },
        })))
    };
    outcome().unwrap_or_else(|failure: Failure| failure.said())
}

/// `/prometheus/-/healthy`: the process answers.
pub(super) fn healthy(_: &Handle, _: &Asked) -> Said {
    Said::text(200, "Mainstay is healthy.\n")
}

/// `/prometheus/-/ready`: the store of series is open.
pub(super) fn ready(kernel: &Handle, _: &Asked) -> Said {
    match kernel.get::<Monitor>() {
        Ok(_) => Said::text(200, "Mainstay is ready.\n"),
        Err(_) => Said::text(503, "The store of series is not open.\n"),
    }
}

/// Every other address below `/prometheus`.
pub(super) fn unknown(_: &Handle, _: &Asked) -> Said {
    Failure::unknown("there is no such address here: docs/metrics.md lists those of Prometheus that there are").said()
}

/// `/prometheus/api/v1/alertmanagers`: there are none, what is called stands under On call.
pub(super) fn alertmanagers(_: &Handle, _: &Asked) -> Said {
    answered(&json!({ "activeAlertmanagers": [], "droppedAlertmanagers": [] }))
}

/// An error of ours, as a client of Prometheus reads it.
pub(super) fn failure(kind: ErrorKind, message: &str) -> Failure {
    let status = match kind {
        ErrorKind::SignIn => 401,
        ErrorKind::Denied => 403,
        ErrorKind::NotFound => 404,
        ErrorKind::Unavailable => 503,
        _ => 500,
    };
    Failure::of(status, word(kind), message)
}

/// An error of the server in front, as a client of Prometheus reads it.
pub(super) fn refused(status: u16, error: &Error) -> Said {
    Failure::of(status, word(error.kind), error.message.clone()).said()
}

fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::SignIn => "unauthorized",
        ErrorKind::Denied => "forbidden",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Internal => "internal",
        _ => "bad_data",
    }
}
