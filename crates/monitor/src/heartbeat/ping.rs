//! A job says that it began, or how it ended. The secret in the address is the only proof that is asked for.

use kernel::{Actor, Asked, Endpoint, Handle, Method, Result, Said, Time};

use super::address::fingerprint;
use crate::store;

/// Most bytes of what a job may say.
const BODY_BYTES_MAX: usize = 10 * 1024;
/// Most characters of it that are kept.
const NOTE_CHARS_MAX: usize = 300;
const METHODS: &[Method] = &[Method::Get, Method::Post];

/// What a job says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// It begins.
    Start,
    /// It ended with this exit code.
    End(i64),
}

impl Signal {
    /// Reads the end of the address.
    fn parse(word: &str) -> Option<Self> {
        match word {
            "" | "success" => Some(Self::End(0)),
            "start" => Some(Self::Start),
            "fail" => Some(Self::End(1)),
            code => code.parse().ok().filter(|code| (0..=255).contains(code)).map(Self::End),
        }
    }
}

/// The addresses.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    ["/heartbeat/{secret}", "/heartbeat/{secret}/{signal}"]
        .map(|path| Endpoint {
            path,
            methods: METHODS,
            grant: "",
            body_bytes_max: BODY_BYTES_MAX,
            answer,
            refused: None,
        })
        .into()
}

fn answer(handle: &Handle, asked: &Asked) -> Said {
    let Some(signal) = Signal::parse(asked.in_path("signal")) else {
        return Said::text(404, "Say start, fail, or an exit code from 0 to 255.\n");
    };
    match heard(handle, asked.in_path("secret"), signal, &String::from_utf8_lossy(&asked.body)) {
        Ok(true) => Said::text(200, "OK\n"),
        Ok(false) => Said::text(404, "No job is heard at this address.\n"),
        Err(error) => {
            tracing::warn!(error = error.message, cause = error.cause, "a heartbeat could not be kept");
            Said::text(503, "This could not be kept. Say it again.\n")
        }
    }
}

/// Puts down what a job said; false when the address is nobody's.
fn heard(handle: &Handle, secret: &str, signal: Signal, note: &str) -> Result<bool> {
    let hash = fingerprint(secret);
    // Strangers who try addresses cost a look, not a write.
    let Some(check) = handle.db.read(|tx| store::heartbeats::by_hash(tx, &hash))? else { return Ok(false) };
    let note: String = note.split_whitespace().collect::<Vec<_>>().join(" ").replace('\0', "");
    let note = kernel::text::shorten(&note, NOTE_CHARS_MAX);
    let actor = Actor::service("monitor", &["monitor.*"]);
    handle.write_as(actor, "monitor.heartbeat.hear", move |cx| {
        let now = cx.now;
        match signal {
            Signal::Start => store::heartbeats::started(cx.tx, check, now)?,
            Signal::End(code) => {
                let before = store::heartbeats::of(cx.tx, &[check])?.remove(&check).unwrap_or_default();
                let took = took(before.started_at, before.ended_at, now);
                store::heartbeats::ended(cx.tx, check, now, code, took, &note)?;
            }
        }
        Ok(true)
    })
}

/// From the start that was told since the last end.
fn took(started: Time, ended: Time, now: Time) -> Option<i64> {
    (started > ended).then(|| now.since(started).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_address_is_a_signal_or_nothing() {
        for (word, signal) in [
            ("", Some(Signal::End(0))),
            ("start", Some(Signal::Start)),
            ("fail", Some(Signal::End(1))),
            ("0", Some(Signal::End(0))),
            ("137", Some(Signal::End(137))),
            ("256", None),
            ("-1", None),
            ("stop", None),
        ] {
            assert_eq!(Signal::parse(word), signal, "{word}");
        }
    }
}
