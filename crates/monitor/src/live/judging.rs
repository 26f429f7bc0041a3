//! Judging one check: by a result, or by the time that passed without one.

use std::borrow::Cow;

use kernel::Time;
use kernel::time::SECOND;

use super::{Agent, Live, Pending, RECENT_MAX, Seen};
use crate::causal;
use crate::check::Check;
use crate::limits::{EVIDENCE_CHARS_MAX, MISSED_INTERVALS};
use crate::machine::{Outcome, State, Step};
use crate::probe::Probe;

impl Live {
    /// Judges one result, and keeps it for those who ask.
    pub(crate) fn take(&mut self, seen: Seen, outcome: Outcome, now: Time) -> Option<Pending> {
        self.seen_at = now;
        (self.late, self.lost) = (None, None);
        let at_ms = seen.at.millis();
        self.recent.push_back(seen);
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
        let step = self.machine.take(&self.check.rule(), at_ms, outcome, now)?;
        let evidence = self.evidence(&step);
        Some(self.pending(step, evidence, now))
    }

    /// The results that led to a step, oldest first, in plain words.
    fn evidence(&self, step: &Step) -> Vec<String> {
        let (wanted, most) = match (step.fired, step.cleared) {
            (true, _) => (Some("bad"), 3),
            (_, true) => (Some("good"), self.check.rule().clear_k.min(3)),
            _ => (None, 1),
        };
        let mut lines = self.newest(wanted, most);
        lines.extend(self.flap_words(step).map(|words| line(self.seen_at, &words)));
        lines
    }

    /// The newest results, or those of one outcome, oldest first.
    fn newest(&self, wanted: Option<&str>, most: usize) -> Vec<String> {
        let fits = |seen: &&Seen| wanted.is_none_or(|wanted| seen.outcome == wanted);
        let mut lines: Vec<String> =
            self.recent.iter().rev().filter(fits).take(most).map(|seen| line(seen.at, &seen.text)).collect();
        lines.reverse();
        lines
    }

    pub(super) fn pending(&self, step: Step, evidence: Vec<String>, at: Time) -> Pending {
        let mut pending = Pending {
            check: self.check.id,
            alert: self.check.alert,
            generation: self.check.generation,
            step,
            symptom: None,
            machine: self.machine.clone(),
            evidence,
            at,
            tries: 0,
            not_before: Time(0),
            number: 0,
        };
        // What nobody is to be told of is no symptom of anything.
        if !self.check.labels.is_quiet() {
            pending.told_as(&self.check, self.sign);
        }
        pending
    }

    /// What is out, as far as memory goes.
    pub(super) fn symptom(&self, now: Time) -> causes::Symptom {
        let bad_from_ms = self.machine.bad_from_ms().unwrap_or(now.millis());
        causal::symptom(&self.check, self.sign, bad_from_ms, self.newest(Some("bad"), 3).join("\n"))
    }

    /// The asset whose agent is expected to be heard from; none when the server looks itself.
    pub(super) fn listener(&self) -> Option<i64> {
        if matches!(self.check.probe, Probe::Silent { .. }) { self.check.asset } else { self.check.vantage }
    }

    /// What the passing of time means for this check.
    pub(super) fn look(&mut self, now: Time, awake: Time, agent: Option<&Agent>) -> Option<Pending> {
        let nobody = Agent::default();
        let (fed, agent) = (agent.is_none(), agent.unwrap_or(&nobody));
        if let Probe::Silent { silent_after_s } = self.check.probe {
            return self.listen(silent_after_s, now, awake, agent);
        }
        if matches!(self.check.probe, Probe::Own { .. }) {
            // What the server finds about itself stands until it finds otherwise.
            return None;
        }
        // A job that was never heard of is not due yet: its silence is judged by its own times.
        if matches!(self.check.probe, Probe::Heartbeat(_)) && self.recent.is_empty() {
            return None;
        }
        let alive = self.seen_at.max(agent.connected_since()).max(awake);
        let patience = MISSED_INTERVALS * self.check.interval_s * SECOND;
        if now.since(alive) < patience {
            return None;
        }
        let step = self.machine.missing(fed || agent.is_there(now), now)?;
        let text = match (step.to, self.late) {
            (_, Some(late)) => {
                format!(
                    "Results arrive, but the newest is dated {late}: the clock of the machine, or what waited on it, is far behind."
                )
            }
            (_, None) if fed => {
                let quiet = web::ui::duration(now.since(self.seen_at) / SECOND);
                match &self.lost {
                    Some(lost) => {
                        format!("{lost} gives no value any more, for {quiet} now: nobody knows whether it is still so.")
                    }
                    None => format!("The server looks itself, but no result came for {quiet}."),
                }
            }
            (State::NoData, None) => {
                format!(
                    "The agent is connected, but no result came for {}.",
                    web::ui::duration(now.since(self.seen_at) / SECOND)
                )
            }
            _ => format!(
                "The agent is away; no result came for {}.",
                web::ui::duration(now.since(self.seen_at) / SECOND)
            ),
        };
        Some(self.pending(step, vec![line(now, &text)], now))
    }

    /// Judges whether a host was heard from. While the server itself has not looked long enough, nothing is known.
    fn listen(&mut self, silent_after_s: i64, now: Time, awake: Time, agent: &Agent) -> Option<Pending> {
        if now.since(self.seen_at) < self.check.interval_s * SECOND {
            return None;
        }
        let limit = silent_after_s.saturating_mul(SECOND);
        let quiet = agent.heard.map(|at| now.since(at));
        let (outcome, text) = match quiet {
            Some(quiet) if quiet <= limit => {
                (Outcome::Good, format!("Heard from {} ago.", web::ui::duration(quiet.max(0) / SECOND)))
            }
            _ => {
                let since = awake.max(self.check.created_at).max(agent.heard.unwrap_or(Time(0)));
                if now.since(since) <= limit {
                    return None;
                }
                let text = quiet.map_or_else(
                    || {
                        format!(
                            "Not heard from since the server looks, {} ago.",
                            web::ui::duration(now.since(since) / SECOND)
                        )
                    },
                    |quiet| format!("No message for {}.", web::ui::duration(quiet / SECOND)),
                );
                (Outcome::Bad, text)
            }
        };
        let seen = Seen { at: now, outcome: word(outcome).to_owned(), value: None, took_us: 0, text };
        self.take(seen, outcome, now)
    }
}

impl Pending {
    /// Whoever looks for causes is told of it once it is written, if it fired.
    pub(super) fn told_as(&mut self, check: &Check, sign: Option<causes::What>) {
        if self.step.fired && self.symptom.is_none() {
            let bad_from_ms = self.machine.bad_from_ms().unwrap_or(self.at.millis());
            self.symptom = Some(causal::symptom(check, sign, bad_from_ms, self.evidence.join("\n")));
        }
    }
}

/// The stable word of an outcome.
pub(crate) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Good => "good",
        Outcome::Bad => "bad",
        Outcome::Between => "between",
        Outcome::Unknown => "unknown",
    }
}

/// A line of evidence: when and what. Control characters and line ends from outside become spaces.
pub(super) fn line(at: Time, text: &str) -> String {
    let mut clean = Cow::Borrowed(text);
    if text.contains(char::is_control) {
        clean = Cow::Owned(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect());
    }
    let stamp = at.timestamp().strftime("%F %H:%M:%S UTC");
    kernel::text::shorten(&format!("{stamp}: {}", clean.trim()), EVIDENCE_CHARS_MAX)
}
