//! How a job stands, from what was heard of it and from when somebody listened.

use kernel::Time;
use kernel::time::SECOND;
use web::ui::duration;

use super::{Beat, Heartbeat, RUN_MICROS, Verdict};
use crate::listening::{Gap, unheard};
use crate::machine::Outcome;

impl Heartbeat {
    fn grace(&self) -> i64 {
        self.grace_s.saturating_mul(SECOND)
    }

    /// Judges what was heard by a server that did not listen during `gaps`. Nothing is known before the first run is due.
    /// The grace counts while somebody listens; a run whose whole time passed unheard is not blamed.
    pub(crate) fn judge(&self, beat: &Beat, now: Time, gaps: &[Gap]) -> Option<Verdict> {
        let took = beat.took_us.map(|took| took as f64 / 1e6);
        if beat.open_since > Time(0) {
            return Some(self.judge_run(beat, now, gaps));
        }
        let heard = beat.ended_at > Time(0);
        let said = if beat.note.is_empty() { String::new() } else { format!(" It said: {}", beat.note) };
        if heard && beat.exit_code != 0 {
            let at = self.shown(beat.ended_at);
            let text = format!("The job failed at {at} with exit code {}.{said}", beat.exit_code);
            return Some((Outcome::Bad, took, text));
        }
        let last = if heard { beat.ended_at } else { beat.made_at };
        let (due, missed) = self.next_that_can_be_heard(last, gaps)?;
        if now.since(due).saturating_sub(unheard(gaps, due, now)) > self.grace() {
            let when =
                if heard { format!("last heard of {} ago", ago(last, now)) } else { "never heard of".to_owned() };
            let (due, grace) = (self.shown(due), duration(self.grace_s));
            let text = format!("The job was due at {due}, and {grace} of grace are over; {when}.");
            return Some((Outcome::Bad, took, text));
        }
        if !heard {
            return None;
        }
        let due = self.shown(due);
        if missed {
            let text = format!("The job was due when this server did not listen; it is due again at {due}.");
            return Some((Outcome::Unknown, took, text));
        }
        if let (Some(took), Some(most)) = (took, self.max_run_s)
            && took > most as f64
        {
            let text = format!("The job took {}; at most {} are allowed.", duration(took as i64), duration(most));
            return Some((Outcome::Bad, Some(took), text));
        }
        let ran = took.map(|took| format!(", took {}", duration(took as i64))).unwrap_or_default();
        let text = format!("Heard of {} ago{ran}; due again at {due}.{said}", ago(last, now));
        Some((Outcome::Good, took, text))
    }

    /// When the job is due after it was heard last, leaving out what is due and late while nobody listens; and whether
    /// anything was left out.
    fn next_that_can_be_heard(&self, last: Time, gaps: &[Gap]) -> Option<(Time, bool)> {
        let (mut due, mut missed) = (self.due(last)?, false);
        for gap in gaps {
            if gap.from <= due && due.plus(self.grace()) <= gap.until {
                (due, missed) = (self.due(gap.until)?, true);
            }
        }
        Some((due, missed))
    }

    /// A run began, and its end was not heard. It has the time that it may take, or else until it is due again.
    fn judge_run(&self, beat: &Beat, now: Time, gaps: &[Gap]) -> Verdict {
        let took = beat.took_us.map(|took| took as f64 / 1e6);
        // The end of an earlier run may have been told while nobody listened.
        let maybe_told = unheard(gaps, beat.open_since, beat.started_at) > 0;
        let began = if maybe_told { beat.started_at } else { beat.open_since };
        let again = self.due(began).unwrap_or(began.plus(RUN_MICROS));
        let deaf = unheard(gaps, began, now);
        let passed = |end: Time| now.since(end).saturating_sub(deaf) > 0;
        let text = format!("The job began at {} and has run for {}", self.shown(began), ago(began, now));
        let late = passed(again.plus(self.grace()));
        match self.max_run_s {
            Some(most) if passed(began.plus(most.saturating_mul(SECOND))) => {
                if deaf > 0 && !late {
                    let text = format!("{text}; it may have told its end while this server did not listen.");
                    return (Outcome::Unknown, took, text);
                }
                (Outcome::Bad, took, format!("{text}; at most {} are allowed.", duration(most)))
            }
            None if late => {
                let again = self.shown(again);
                (Outcome::Bad, took, format!("{text}: it never told its end, and was due again at {again}."))
            }
            _ => (Outcome::Good, took, format!("{text}.")),
        }
    }
}

fn ago(at: Time, now: Time) -> String {
    duration(now.since(at).max(0) / SECOND)
}

#[cfg(test)]
mod tests {
    use super::super::micros;
    use super::*;
    use jiff::Timestamp;

    fn at(text: &str) -> Time {
        micros(text.parse::<Timestamp>().unwrap())
    }

    fn nightly() -> Heartbeat {
        Heartbeat {
            cron: Some("30 2 * * *".into()),
            time_zone: Some("Europe/Oslo".into()),
            grace_s: 600,
            ..Heartbeat::default()
        }
    }

    fn check(heartbeat: &Heartbeat, beat: &Beat, now: &str, expected: Option<(Outcome, &str)>) {
        let verdict = heartbeat.judge(beat, at(now), &[]);
        match (&verdict, expected) {
            (None, None) => {}
            (Some((outcome, _, text)), Some((wanted, part))) => {
                assert_eq!(*outcome, wanted, "{text}");
                assert!(text.contains(part), "{text}");
            }
            _ => panic!("{verdict:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_late_job_is_bad_after_its_grace_and_the_evidence_says_when_it_was_due() {
        let beat = Beat { made_at: at("2026-01-10T12:00:00Z"), ..Beat::default() };
        check(&nightly(), &beat, "2026-01-11T01:39:00Z", None);
        let due = "due at 2026-01-11 02:30:00 CET, and 10 min of grace are over; never heard of";
        check(&nightly(), &beat, "2026-01-11T01:40:01Z", Some((Outcome::Bad, due)));
        let ran = Beat { ended_at: at("2026-01-11T01:31:00Z"), took_us: Some(60_000_000), ..beat };
        let again = "took 1 min; due again at 2026-01-12 02:30:00 CET";
        check(&nightly(), &ran, "2026-01-11T02:00:00Z", Some((Outcome::Good, again)));
        check(&nightly(), &ran, "2026-01-12T01:45:00Z", Some((Outcome::Bad, "due at 2026-01-12 02:30:00 CET")));
    }

    fn gap(from: &str, until: &str) -> Gap {
        Gap { from: at(from), until: at(until) }
    }

    /// Judges the nightly job, which was heard of the night before, with a gap.
    fn after(gap: Gap, now: &str, outcome: Outcome, part: &str) {
        let ran = Beat { ended_at: at("2026-01-11T01:31:00Z"), ..Beat::default() };
        let (found, _, text) = nightly().judge(&ran, at(now), &[gap]).unwrap();
        assert_eq!(found, outcome, "{text}");
        assert!(text.contains(part), "{text}");
    }

    #[test]
    fn a_server_that_did_not_listen_blames_nobody() {
        let night = gap("2026-01-11T20:00:00Z", "2026-01-12T06:00:00Z");
        after(night, "2026-01-12T06:00:05Z", Outcome::Unknown, "due again at 2026-01-13 02:30:00 CET");
        after(night, "2026-01-12T23:00:00Z", Outcome::Unknown, "due again at 2026-01-13 02:30:00 CET");
        after(night, "2026-01-13T01:41:00Z", Outcome::Bad, "due at 2026-01-13 02:30:00 CET");
    }

    #[test]
    fn a_job_that_was_late_before_a_restart_stays_late() {
        // Due at 01:30 with ten minutes of grace.
        let restart = gap("2026-01-12T01:40:01Z", "2026-01-12T01:42:00Z");
        after(restart, "2026-01-12T01:42:01Z", Outcome::Bad, "due at 2026-01-12 02:30:00 CET");
        let long = gap("2026-01-12T03:00:00Z", "2026-01-12T23:00:00Z");
        after(long, "2026-01-12T23:00:01Z", Outcome::Bad, "due at 2026-01-12 02:30:00 CET");
    }

    #[test]
    fn a_job_that_came_due_while_nobody_listened_gets_the_grace_that_it_did_not_have() {
        // It came due before, with four of its ten minutes heard: six are left.
        let within = gap("2026-01-12T01:34:00Z", "2026-01-12T01:50:00Z");
        after(within, "2026-01-12T01:55:59Z", Outcome::Good, "due again");
        after(within, "2026-01-12T01:56:01Z", Outcome::Bad, "due at 2026-01-12 02:30:00 CET");
        // It came due meanwhile, and some of its time is left: it gets all of it.
        let across = gap("2026-01-12T01:20:00Z", "2026-01-12T01:35:00Z");
        after(across, "2026-01-12T01:44:59Z", Outcome::Good, "due again");
        after(across, "2026-01-12T01:45:01Z", Outcome::Bad, "due at 2026-01-12 02:30:00 CET");
    }

    #[test]
    fn a_run_that_began_and_died_is_bad_when_it_is_due_again() {
        let every = Heartbeat { every_s: Some(300), grace_s: 60, ..Heartbeat::default() };
        let start = at("2026-01-10T12:00:00Z");
        let beat = Beat { made_at: start, started_at: start, open_since: start, ..Beat::default() };
        check(&every, &beat, "2026-01-10T12:06:00Z", Some((Outcome::Good, "has run for 6 min")));
        let died = "it never told its end, and was due again at 2026-01-10 12:05:00 UTC";
        check(&every, &beat, "2026-01-10T12:06:01Z", Some((Outcome::Bad, died)));
        // It begins again and again, and dies each time.
        let again = Beat { started_at: at("2026-01-10T12:10:00Z"), ..beat.clone() };
        check(&every, &again, "2026-01-10T12:11:00Z", Some((Outcome::Bad, died)));
        let limited = Heartbeat { max_run_s: Some(30), ..every.clone() };
        check(&limited, &beat, "2026-01-10T12:00:31Z", Some((Outcome::Bad, "at most 30 s are allowed")));
        check(&limited, &again, "2026-01-10T12:10:05Z", Some((Outcome::Bad, "at most 30 s are allowed")));
        let nightly_run =
            Beat { open_since: at("2026-01-11T01:30:00Z"), started_at: at("2026-01-11T01:30:00Z"), ..beat };
        check(&nightly(), &nightly_run, "2026-01-12T01:39:00Z", Some((Outcome::Good, "has run for")));
        check(&nightly(), &nightly_run, "2026-01-12T01:40:01Z", Some((Outcome::Bad, "never told its end")));
    }

    #[test]
    fn an_end_that_nobody_could_hear_is_not_blamed_before_the_job_is_due_again() {
        let hourly = Heartbeat { every_s: Some(3_600), max_run_s: Some(600), ..Heartbeat::default() };
        let start = at("2026-01-10T12:00:00Z");
        let beat = Beat { made_at: start, started_at: start, open_since: start, ..Beat::default() };
        let restart = [gap("2026-01-10T12:05:00Z", "2026-01-10T12:06:00Z")];
        let judged = |beat: &Beat, now: &str| hourly.judge(beat, at(now), &restart).unwrap();
        assert_eq!(judged(&beat, "2026-01-10T12:11:00Z").0, Outcome::Good);
        let (outcome, _, text) = judged(&beat, "2026-01-10T12:12:00Z");
        assert!(outcome == Outcome::Unknown && text.contains("may have told its end"), "{text}");
        assert_eq!(judged(&beat, "2026-01-10T13:07:00Z").0, Outcome::Bad);
        let next = Beat { started_at: at("2026-01-10T13:00:00Z"), ..beat };
        assert_eq!(judged(&next, "2026-01-10T13:07:00Z").0, Outcome::Good, "the run after it counts");
    }

    #[test]
    fn a_job_that_fails_or_runs_too_long_is_bad_until_it_does_well() {
        let every = Heartbeat { every_s: Some(3_600), max_run_s: Some(600), ..Heartbeat::default() };
        let start = at("2026-01-10T12:00:00Z");
        let begun = start.plus(SECOND);
        let beat = Beat { made_at: start, started_at: begun, open_since: begun, ..Beat::default() };
        check(&every, &beat, "2026-01-10T12:05:00Z", Some((Outcome::Good, "has run for")));
        check(&every, &beat, "2026-01-10T12:11:00Z", Some((Outcome::Bad, "at most 10 min are allowed")));
        let failed = Beat {
            ended_at: start.plus(60 * SECOND),
            open_since: Time(0),
            exit_code: 3,
            note: "disk full".into(),
            ..beat.clone()
        };
        check(&every, &failed, "2026-01-10T12:02:00Z", Some((Outcome::Bad, "exit code 3. It said: disk full")));
        let well = Beat { exit_code: 0, took_us: Some(60 * SECOND), ..failed.clone() };
        check(&every, &well, "2026-01-10T12:02:00Z", Some((Outcome::Good, "due again")));
        let slow = Beat { took_us: Some(601 * SECOND), ..well };
        check(&every, &slow, "2026-01-10T12:02:00Z", Some((Outcome::Bad, "took 10 min")));
    }
}
