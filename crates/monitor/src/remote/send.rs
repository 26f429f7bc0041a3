//! Sending samples to other engines: slice by slice from the position of each endpoint, which moves when a slice has been
//! taken. What is refused for good is counted and left out; everything else is tried again, more and more slowly.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use kernel::db::Priority;
use kernel::{Actor, Handle, Result};
use metrics_proto::write;

use super::slice::{self, Batch, Slice};
use super::{Remote, Remotes, request};
use crate::live::Monitor;
use crate::store::remotes::{self, Progress};

/// Samples wait this long for others of the same moment, in milliseconds; what comes later is sent by itself.
pub(crate) const WAIT_MS: i64 = 30_000;
/// What comes this long after its time may be too late for its slice, in milliseconds; some is then sent twice.
const LATE_MS: i64 = 25_000;
/// Shortest and longest span of a slice, in milliseconds.
const SPAN_MS: (i64, i64) = (1_000, 600_000);
/// A slice is not made before there is so much to send, in milliseconds.
const LEAST_MS: i64 = 15_000;
/// What lies further back than this is given up, in milliseconds.
pub(crate) const LAG_MS_MAX: i64 = 3 * 86_400_000;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The position is written down this often while samples flow.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// Settings are read this often.
const SETTINGS_EVERY: Duration = Duration::from_secs(2);

/// An endpoint at work.
struct Sender {
    remote: Remote,
    progress: Progress,
    /// Requests of the slice in flight, and where it ends.
    batches: VecDeque<Batch>,
    until_ms: i64,
    /// Where the list of late samples goes on: when the requests are done, and before.
    late: (Option<u64>, Option<u64>),
    span_ms: i64,
    failures: u32,
    not_before: Instant,
    written: Instant,
    is_written: bool,
}

/// What came of a request.
enum Outcome {
    Taken,
    /// It will never be taken.
    Refused(String),
    /// Another time, at the earliest after so long.
    Later(String, Option<Duration>),
}

/// Sends until the server stops.
pub(crate) fn run(handle: Handle) {
    let mut senders: BTreeMap<String, Sender> = BTreeMap::new();
    let mut read_at: Option<Instant> = None;
    loop {
        if read_at.is_none_or(|at| at.elapsed() >= SETTINGS_EVERY) {
            if let Err(error) = renew(&handle, &mut senders) {
                tracing::warn!(error = error.message, "the endpoints for samples cannot be read");
            }
            read_at = Some(Instant::now());
        }
        let mut busy = false;
        for sender in senders.values_mut() {
            busy |= sender.step(&handle).unwrap_or_else(|error| sender.failed(error.message, None));
        }
        let pause = if busy { Duration::ZERO } else { Duration::from_millis(500) };
        if !handle.wait(pause) {
            break;
        }
    }
    for sender in senders.values_mut().filter(|sender| !sender.is_written) {
        if let Err(error) = sender.write_down(&handle) {
            tracing::warn!(error = error.message, "how far samples were sent could not be written down");
        }
    }
}

/// Sends what is there to be sent now, and answers when nothing more is: for tests and tools.
pub fn flush(handle: &Handle) -> Result<()> {
    let mut senders = BTreeMap::new();
    renew(handle, &mut senders)?;
    for sender in senders.values_mut() {
        sender.late = (Some(0), Some(0));
        while sender.step(handle)? {}
        sender.write_down(handle)?;
    }
    Ok(())
}

/// Takes over the endpoints of the setting.
fn renew(handle: &Handle, senders: &mut BTreeMap<String, Sender>) -> Result<()> {
    let actor = Actor::service("monitor", &["monitor.*"]);
    let wanted: Remotes = handle.read_as(&actor, |cx| cx.setting())?;
    let wanted: Vec<Remote> = wanted.endpoints.into_iter().filter(|one| !one.write_url.is_empty()).collect();
    if wanted.is_empty() && senders.is_empty() {
        return Ok(());
    }
    senders.retain(|name, _| wanted.iter().any(|one| one.name == *name));
    handle.get::<Monitor>()?.series.keep_late_arrivals((!wanted.is_empty()).then_some(LATE_MS));
    let known = handle.db.read(remotes::all)?;
    for gone in known.iter().map(|one| one.name.clone()).filter(|name| !wanted.iter().any(|one| one.name == *name)) {
        handle.db.write("monitor.remote.forget", Priority::Background, move |tx| remotes::forget(tx, &gone))?;
    }
    for remote in wanted {
        match senders.get_mut(&remote.name) {
            Some(sender) if sender.remote == remote => {}
            Some(sender) => sender.change(remote),
            None => {
                let progress = known.iter().find(|one| one.name == remote.name).cloned();
                let fresh = Progress::new(&remote.name, handle.now().millis() - WAIT_MS);
                senders.insert(remote.name.clone(), Sender::new(remote, progress.unwrap_or(fresh)));
            }
        }
    }
    Ok(())
}

impl Sender {
    fn new(remote: Remote, progress: Progress) -> Self {
        let now = Instant::now();
        Self {
            until_ms: progress.position_ms,
            late: (None, None),
            remote,
            progress,
            batches: VecDeque::new(),
            span_ms: 60_000,
            failures: 0,
            not_before: now,
            written: now,
            is_written: false,
        }
    }

    /// The endpoint was changed: what was packed for it is packed anew, and it is tried at once.
    fn change(&mut self, remote: Remote) {
        self.remote = remote;
        self.batches.clear();
        self.until_ms = self.progress.position_ms;
        self.late.0 = self.late.1;
        self.failures = 0;
        self.not_before = Instant::now();
    }

    /// Makes the next slice, or sends its next request; answers whether there is more to do at once.
    fn step(&mut self, handle: &Handle) -> Result<bool> {
        if self.remote.paused || Instant::now() < self.not_before {
            return Ok(false);
        }
        let Some(batch) = self.batches.front() else { return self.next_slice(handle) };
        let samples = i64::try_from(batch.samples).unwrap_or(i64::MAX);
        match send(handle, &self.remote, &batch.body) {
            Outcome::Taken => {
                self.progress.sent += samples;
                self.failures = 0;
                if self.progress.failing_since.0 != 0 {
                    (self.progress.failing_since, self.is_written) = (kernel::Time(0), false);
                    self.progress.error.clear();
                }
            }
            Outcome::Refused(why) => {
                tracing::warn!(endpoint = self.remote.name, samples, why, "an endpoint refused samples");
                self.progress.dropped += samples;
                self.progress.error = why;
                self.is_written = false;
            }
            Outcome::Later(why, wait) => {
                let more = self.failed(why, wait);
                self.write_failure(handle)?;
                return Ok(more);
            }
        }
        self.batches.pop_front();
        if self.batches.is_empty() {
            self.advance(handle)?;
        }
        Ok(true)
    }

    /// Packs what came after the slice of its time was sent; answers whether there is any.
    fn next_late(&mut self, handle: &Handle) -> Result<bool> {
        let monitor = handle.get::<Monitor>()?;
        let place = (self.late.1, self.progress.position_ms);
        let late = slice::read_late(&monitor.series, &self.remote.filter(), self.remote.version, place)?;
        self.late.0 = Some(late.next);
        if late.missed > 0 {
            self.progress.dropped += i64::try_from(late.missed).unwrap_or(i64::MAX);
            self.progress.error =
                format!("{} samples came late and more than may wait; they were left out.", late.missed);
            self.is_written = false;
        }
        if late.batches.is_empty() {
            self.late.1 = self.late.0;
            return Ok(false);
        }
        self.until_ms = self.progress.position_ms;
        self.batches = late.batches.into();
        Ok(true)
    }

    fn next_slice(&mut self, handle: &Handle) -> Result<bool> {
        if self.next_late(handle)? {
            return Ok(true);
        }
        let end = handle.now().millis() - WAIT_MS;
        let oldest = end - LAG_MS_MAX;
        if self.progress.position_ms < oldest {
            self.progress.skipped_ms += oldest - self.progress.position_ms;
            (self.progress.position_ms, self.is_written) = (oldest, false);
        }
        let from = self.progress.position_ms;
        if end - from < LEAST_MS {
            if !self.is_written && self.written.elapsed() >= WRITE_EVERY {
                self.write_down(handle)?;
            }
            return Ok(false);
        }
        let to = end.min(from + self.span_ms);
        let monitor = handle.get::<Monitor>()?;
        match slice::read(&monitor.series, &self.remote.filter(), self.remote.version, (from, to))? {
            Slice::TooMuch if self.span_ms > SPAN_MS.0 => self.span_ms = (self.span_ms / 2).max(SPAN_MS.0),
            Slice::TooMuch => {
                self.progress.error = "One second holds more samples than a slice may; it was left out.".into();
                self.progress.skipped_ms += to - from;
                self.until_ms = to;
                self.advance(handle)?;
            }
            Slice::Batches(batches) => {
                let few = batches.len() < 20;
                self.until_ms = to;
                self.batches = batches.into();
                if few {
                    self.span_ms = (self.span_ms * 2).min(SPAN_MS.1);
                }
                if self.batches.is_empty() {
                    self.advance(handle)?;
                }
            }
        }
        Ok(true)
    }

    /// The slice is done.
    fn advance(&mut self, handle: &Handle) -> Result<()> {
        (self.progress.position_ms, self.is_written) = (self.until_ms, false);
        self.late.1 = self.late.0;
        if self.written.elapsed() >= WRITE_EVERY { self.write_down(handle) } else { Ok(()) }
    }

    /// Pauses: the other side's wish, else twice as long each time.
    fn failed(&mut self, why: String, wait: Option<Duration>) -> bool {
        let pause = Duration::from_secs(1 << self.failures.min(6)).min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        let now = Instant::now();
        self.not_before = now.checked_add(wait.unwrap_or(pause)).unwrap_or(now);
        self.progress.error = why;
        self.is_written = false;
        false
    }

    /// The first failure is told at once.
    fn write_failure(&mut self, handle: &Handle) -> Result<()> {
        if self.progress.failing_since.0 == 0 {
            self.progress.failing_since = handle.now();
            tracing::warn!(
                endpoint = self.remote.name,
                why = self.progress.error,
                "samples cannot be sent; trying again"
            );
            return self.write_down(handle);
        }
        if self.written.elapsed() >= PAUSE_MAX { self.write_down(handle) } else { Ok(()) }
    }

    fn write_down(&mut self, handle: &Handle) -> Result<()> {
        let progress = self.progress.clone();
        handle.db.write("monitor.remote.progress", Priority::Background, move |tx| remotes::put(tx, &progress))?;
        (self.written, self.is_written) = (Instant::now(), true);
        Ok(())
    }
}

fn send(handle: &Handle, remote: &Remote, body: &[u8]) -> Outcome {
    let version = remote.version.wire();
    let headers = vec![
        ("Content-Type", version.content_type().to_owned()),
        ("Content-Encoding", write::ENCODING.to_owned()),
        (write::HEADER_VERSION, version.header().to_owned()),
    ];
    match request::post(handle, remote, &remote.write_url, headers, body, (PATIENCE, 4_096)) {
        Err(error) => Outcome::Later(error.message, None),
        Ok(answer) => judged(answer.status, &answer.body, answer.retry_after.as_deref()),
    }
}

/// What a status means (remote write specification: 4xx but 429 is not tried again).
fn judged(status: u16, body: &[u8], retry_after: Option<&str>) -> Outcome {
    let why = || format!("It answered {status}: {}", request::said(body));
    match status {
        200..=299 => Outcome::Taken,
        429 | 500.. | 0..=199 => Outcome::Later(why(), request::retry_after(retry_after)),
        // Who may not send today may tomorrow, when the secret is set.
        401 | 403 => Outcome::Later(why(), None),
        _ => Outcome::Refused(why()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_for_good_is_left_out_and_the_rest_is_tried_again() {
        let word = |status: u16| match judged(status, b"said", Some("9")) {
            Outcome::Taken => "taken".to_owned(),
            Outcome::Refused(why) => why,
            Outcome::Later(_, wait) => format!("later {wait:?}"),
        };
        assert_eq!(word(204), "taken");
        assert_eq!(word(400), "It answered 400: said");
        assert_eq!((word(429), word(503)), ("later Some(9s)".to_owned(), "later Some(9s)".to_owned()));
        assert_eq!(word(401), "later None");
    }

    #[test]
    fn pauses_grow_and_end_at_a_minute() {
        let remote = serde_json::json!({"name": "x", "write_url": "http://x/"});
        let mut sender = Sender::new(serde_json::from_value(remote).unwrap(), Progress::new("x", 0));
        let mut pauses = Vec::new();
        for _ in 0..9 {
            sender.failed("down".into(), None);
            pauses.push(sender.not_before.saturating_duration_since(Instant::now()).as_secs_f64().ceil() as u64);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
