//! Actions that need the network or a look around, and no rights: the executor judged them and asks for them.

use std::time::Duration;

use agent_proto::{Action, CheckState, JobState, Probe};
use probes::Around;
use probes::exchange::{Request, Target, exchange};
use tokio::time::{Instant, sleep, timeout};

use crate::jobs::Tail;
use crate::pair::Outcome;
use crate::probe::{self, Seen};

/// Does it, within the action's own time.
pub(crate) async fn perform(action: &Action, around: &Around) -> Outcome {
    match action {
        Action::Http { method, url, headers, body, expect_status, timeout_ms } => {
            let body = body.as_deref().unwrap_or_default();
            let request = Request { method, headers, body, agent: probe::AGENT, ..Request::default() };
            match timeout(millis(*timeout_ms), http(url, &request, expect_status)).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::not(JobState::TimedOut, format!("no answer within {timeout_ms} ms")),
            }
        }
        Action::Probe { probe, timeout_ms } => {
            let seen = probe::look_for_a_job(probe, around, millis(*timeout_ms)).await;
            match seen.state {
                CheckState::Ok => Outcome::done(seen.evidence),
                CheckState::Fail => Outcome::failed(seen.evidence),
                CheckState::Error => Outcome::unseen(&seen.evidence),
            }
        }
        Action::WaitFor { probe, every_ms, timeout_ms } => wait_for(probe, around, *every_ms, *timeout_ms).await,
        Action::Command { .. } | Action::Service { .. } => Outcome::failed("the collector runs nothing"),
    }
}

fn millis(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms.max(1)))
}

async fn wait_for(probe: &Probe, around: &Around, every_ms: u32, timeout_ms: u32) -> Outcome {
    let end = Instant::now() + millis(timeout_ms);
    let every = millis(every_ms).max(Duration::from_millis(100));
    let mut last: Option<Seen> = None;
    loop {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let seen = probe::look_for_a_job(probe, around, left).await;
        if seen.state == CheckState::Ok {
            return Outcome::done(seen.evidence);
        }
        let seen = last_word(last.take(), seen, Instant::now() >= end);
        if Instant::now() + every >= end {
            return not_in_time(&seen, timeout_ms);
        }
        last = Some(seen);
        sleep(every).await;
    }
}

/// A look that could not be made because the wait ended in the middle of it says less than the one before it.
fn last_word(before: Option<Seen>, seen: Seen, ended: bool) -> Seen {
    match before {
        Some(before) if ended && seen.state == CheckState::Error => before,
        _ => seen,
    }
}

/// What was looked for did not come; or nobody could look, which is no knowledge.
fn not_in_time(seen: &Seen, timeout_ms: u32) -> Outcome {
    let why = format!("not within {timeout_ms} ms; last seen: {}", seen.evidence);
    match seen.state {
        CheckState::Error => Outcome::unseen(&why),
        CheckState::Ok | CheckState::Fail => Outcome::not(JobState::TimedOut, why),
    }
}

async fn http(url: &str, request: &Request<'_>, expect_status: &[u16]) -> Outcome {
    let response = match Target::parse(url) {
        Ok(target) => exchange(&target, request).await,
        Err(e) => Err(e),
    };
    match response {
        Err(e) => Outcome::failed(e),
        Ok(response) => {
            let mut tail = Tail::new();
            tail.push(&response.body);
            let good = probes::http::is_expected(expect_status, response.status);
            let mut outcome = tail.into_outcome();
            if !good {
                outcome.state = JobState::Failed;
                outcome.reason = format!("the answer has status {}", response.status);
            }
            outcome
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_ends_in_the_middle_of_a_look_goes_by_the_look_before_it() {
        let no = || Some(Seen::fail(None, "not yet"));
        let state = |before, seen, ended| not_in_time(&last_word(before, seen, ended), 1).state;
        assert_eq!(state(no(), Seen::error("cut short"), true), JobState::TimedOut);
        assert_eq!(state(no(), Seen::error("gone"), false), JobState::Refused);
        assert_eq!(state(None, Seen::error("never seen"), true), JobState::Refused);
        assert_eq!(state(Some(Seen::error("first")), Seen::fail(None, "not yet"), true), JobState::TimedOut);
    }
}
