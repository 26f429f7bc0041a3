//! Looking again at once: before people are told, the checks that tell causes apart are run beside their rhythm, and so
//! are those that a gone cause leaves behind. The server's own looks begin at once; agents are told with their feed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use kernel::{Handle, Ref, Result, Time};
use tokio::sync::Notify;

use crate::causal::Wanted;
use crate::check::Check;
use crate::limits::AGAIN_MAX;
use crate::live::{Monitor, actor, lock};
use crate::probe::{Judge, Probe};

/// What was asked for and is not handed to who looks.
#[derive(Default)]
pub(crate) struct Asked {
    state: Mutex<State>,
    /// Rings when the server itself has something to look at.
    own: Notify,
}

#[derive(Default)]
struct State {
    own: BTreeSet<i64>,
    agents: BTreeMap<i64, Request>,
    number: i64,
}

/// What one agent is asked for.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    /// Another number is another request, also for the same checks.
    number: i64,
    /// Later it helps nobody.
    until: Time,
    /// The checks, and when they were asked for.
    checks: BTreeMap<i64, Time>,
}

/// What an agent could not be told in this time is not looked at beside its rhythm any more.
const HELPS_MICROS: i64 = 30 * kernel::time::SECOND;
/// A request that is older has left.
const LEAVES_MICROS: i64 = 3 * kernel::time::SECOND;

impl Asked {
    /// Asks for looks by the server itself, and by agents; answers the agents that are to be told.
    fn ask(&self, own: BTreeSet<i64>, agents: BTreeMap<i64, BTreeSet<i64>>, until: Time, now: Time) -> Vec<i64> {
        let mut state = lock(&self.state);
        state.agents.retain(|_, request| request.until > now);
        if !own.is_empty() {
            state.own.extend(own);
            self.own.notify_one();
        }
        state.number += 1;
        let number = state.number;
        let told = agents.keys().copied().collect();
        for (agent, checks) in agents {
            let mut checks: BTreeMap<i64, Time> = checks.into_iter().map(|check| (check, now)).collect();
            // What was asked just before may not have left yet; what has left is not run again.
            if let Some(before) = state.agents.remove(&agent) {
                let waiting = before.checks.into_iter().filter(|(_, at)| now.since(*at) < LEAVES_MICROS);
                for (check, at) in waiting {
                    checks.entry(check).or_insert(at);
                }
            }
            state.agents.insert(agent, Request { number, until, checks });
        }
        told
    }

    /// Waits until the server itself is asked for something.
    pub(crate) async fn wait(&self) {
        self.own.notified().await;
    }

    /// What the server itself is asked for; it is not asked again for the same.
    pub(crate) fn take_own(&self) -> BTreeSet<i64> {
        std::mem::take(&mut lock(&self.state).own)
    }

    /// What an agent is asked for: the number of the request, and the checks.
    pub(crate) fn of_agent(&self, asset: i64, now: Time) -> Option<(i64, Vec<i64>)> {
        let state = lock(&self.state);
        let request = state.agents.get(&asset).filter(|request| request.until > now)?;
        Some((request.number, request.checks.keys().copied().collect()))
    }
}

impl Monitor {
    /// True when a check can be run beside its rhythm: somebody is there who looks at it.
    pub(crate) fn can_look(&self, check: i64, now: Time) -> bool {
        let Some(vantage) = self.with(check, |check| at_will(check).then_some(check.vantage)).flatten() else {
            return false;
        };
        vantage.is_none_or(|agent| self.is_there(agent, now))
    }

    /// Has checks run at once, as far as there is room.
    pub(crate) fn look_again(&self, handle: &Handle, wanted: Wanted, now: Time) -> Result<()> {
        let Some(until) = wanted.values().max().copied() else { return Ok(()) };
        let until = until.min(now.plus(HELPS_MICROS));
        let mut own = BTreeSet::new();
        let mut agents: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for check in wanted.into_keys().take(AGAIN_MAX) {
            match self.with(check, |check| check.vantage) {
                Some(Some(agent)) => drop(agents.entry(agent).or_default().insert(check)),
                Some(None) => drop(own.insert(check)),
                None => {}
            }
        }
        let told = self.again.ask(own, agents, until, now);
        if told.is_empty() {
            return Ok(());
        }
        handle.write_as(actor(), "monitor.look.again", move |cx| {
            told.iter().for_each(|agent| cx.touch(Ref::new("agent_feed", *agent)));
            Ok(())
        })
    }
}

/// True when a look at any time says something new: not of what is waited for, or evaluated by a clock of its own.
fn at_will(check: &Check) -> bool {
    let by_vantage =
        check.probe.judge() == Judge::Vantage && (check.vantage.is_some() || check.probe.kind().server_sees());
    !check.paused && (by_vantage || matches!(check.probe, Probe::FillUp { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[i64]) -> BTreeSet<i64> {
        numbers.iter().copied().collect()
    }

    #[test]
    fn what_is_asked_for_is_handed_out_until_it_helps_nobody() {
        let asked = Asked::default();
        let told = asked.ask(set(&[1, 2]), BTreeMap::from([(7, set(&[3, 4]))]), Time(100), Time(0));
        assert_eq!(told, [7]);
        assert_eq!(asked.take_own(), set(&[1, 2]));
        assert!(asked.take_own().is_empty(), "once is enough");
        assert_eq!(asked.of_agent(7, Time(99)), Some((1, vec![3, 4])));
        assert_eq!((asked.of_agent(7, Time(100)), asked.of_agent(8, Time(0))), (None, None));
        asked.ask(set(&[]), BTreeMap::from([(7, set(&[3, 4]))]), Time(200), Time(50));
        assert_eq!(asked.of_agent(7, Time(99)), Some((2, vec![3, 4])), "asked again, it is another request");
    }

    #[test]
    fn what_has_left_is_not_run_again_with_the_next_request_and_what_may_not_have_left_is() {
        let (asked, second) = (Asked::default(), kernel::time::SECOND);
        let ask = |checks: &[i64], at: i64| {
            asked.ask(set(&[]), BTreeMap::from([(7, set(checks))]), Time(60 * second), Time(at * second));
            asked.of_agent(7, Time(at * second)).unwrap().1
        };
        assert_eq!(ask(&[1, 2], 0), [1, 2]);
        assert_eq!(ask(&[3], 1), [1, 2, 3], "a second later it may still wait");
        assert_eq!(ask(&[4], 3), [3, 4]);
        assert_eq!(ask(&[5], 20), [5]);
    }

    #[test]
    fn only_what_can_be_seen_at_any_time_is_looked_at_again() {
        let looks = |probe: Probe, vantage: Option<i64>, paused: bool| {
            at_will(&Check { probe, vantage, paused, ..Check::sample("x") })
        };
        let unit = || Probe::Unit { unit: "web.service".into() };
        assert!(looks(unit(), Some(7), false));
        assert!(!looks(unit(), Some(7), true), "paused");
        assert!(looks(Probe::FillUp { mount: "/".into(), full_within_h: 1.0 }, None, false));
        assert!(!looks(Probe::Silent { silent_after_s: 60 }, None, false));
        assert!(!looks(Probe::Rule { rule: 1, labels: BTreeMap::new() }, None, false));
    }
}
