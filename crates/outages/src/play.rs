//! One scenario, one seed, from beginning to end.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use causes::{Change, Decision, Engine, Look, Observation, Options, Rules, Symptom, What};
use kernel::Time;
use monitor::machine::{Machine, Outcome, Rule};

use crate::chance::Chance;
use crate::inventory::{graph, id};
use crate::looks::look;
use crate::scenario::{LookAt, Scenario};
use crate::verdict::{Record, Verdict, verdict};
use crate::world::World;

/// One step of the clock, in milliseconds.
const STEP_MS: i64 = 1_000;
/// A look that is asked for is made within so long, in milliseconds.
const ASKED_MS: [i64; 2] = [500, 4_000];

/// A check with the memory that production gives it.
struct Check<'s> {
    at: &'s LookAt,
    look: Look,
    rule: Rule,
    machine: Machine,
    /// The first bad result of the newest bad ones.
    bad_since: Option<i64>,
}

impl<'s> Check<'s> {
    fn new(key: u64, at: &'s LookAt) -> Self {
        let look = Look {
            key,
            thing: id(at.thing),
            what: at.kind.word(),
            vantage: Some(id(at.vantage)),
            interval_ms: at.every_ms,
            by_name: false,
            label: String::new(),
        };
        let rule = Rule {
            fire_n: at.fire.0,
            fire_m: at.fire.1,
            clear_k: at.clear,
            keep_ms: at.every_ms * 40,
            for_ms: 0,
            keep_firing_ms: 0,
        };
        Self { at, look, rule, machine: Machine::new(Time(0)), bad_since: None }
    }

    /// Takes one result, and tells the engine what follows.
    fn take(&mut self, bad: Option<What>, now: i64, engine: &mut Engine) {
        let good = bad.is_none();
        engine.observe(Observation::Seen { look: self.look.clone(), good, at_ms: now }, now);
        self.bad_since = if good { None } else { self.bad_since.or(Some(now)) };
        let outcome = if good { Outcome::Good } else { Outcome::Bad };
        let Some(step) = self.machine.take(&self.rule, now, outcome, Time(now * 1_000)) else { return };
        if step.fired {
            let what = bad.unwrap_or(self.look.what);
            let evidence = format!("{} says that it {}", self.at.kind.as_str(), what.words());
            let since_ms = self.bad_since.unwrap_or(now);
            let symptom = Symptom { look: self.look.clone(), what, since_ms, evidence };
            engine.observe(Observation::Fired(symptom), now);
        }
        if step.cleared {
            engine.observe(Observation::Cleared { key: self.look.key, at_ms: now }, now);
        }
    }
}

/// Plays a scenario with a seed, and compares the engine's groups with the truth. `clock` reads the time of the
/// processor in seconds, for what the engine takes.
pub fn play(scenario: &Scenario, seed: u64, rules: &Rules, clock: &dyn Fn() -> f64) -> Verdict {
    let mut world = World::new(scenario, seed);
    let mut chance = Chance::new(seed, "looks");
    let mut engine = Engine::new(graph(scenario, seed), rules.clone(), Options::default());
    let mut checks: Vec<Check<'_>> = (1_u64..).zip(&scenario.looks).map(|(key, at)| Check::new(key, at)).collect();
    let mut due: BinaryHeap<Reverse<(i64, usize, bool)>> = BinaryHeap::new();
    for (number, check) in checks.iter().enumerate() {
        due.push(Reverse((chance.below(check.at.every_ms), number, true)));
    }
    let changes = std::mem::take(&mut world.changes);
    let mut changes = changes.iter().peekable();
    let mut record = Record::default();
    let mut spent = 0.0;
    let mut now = 0;
    while now < scenario.length_ms {
        now += STEP_MS;
        let mut results = Vec::new();
        while let Some(Reverse((at, number, again))) = due.peek().copied().filter(|Reverse((at, ..))| *at <= now) {
            due.pop();
            world.advance(at);
            let Some(check) = checks.get(number) else { continue };
            if again {
                due.push(Reverse((at + check.at.every_ms, number, true)));
            }
            let found = look(&mut world, check.at, scenario.monitor);
            let wrong = scenario.noise > 0.0 && chance.share() < scenario.noise;
            let Some(bad) = found else { continue };
            results.push((number, at, bad.or(wrong.then_some(check.look.what))));
        }
        let begun = clock();
        while let Some(change) = changes.next_if(|change| change.at_ms <= now) {
            let told = Change {
                label: change.label.clone(),
                thing: id(change.thing),
                at_ms: change.at_ms,
                words: change.words.clone(),
            };
            engine.observe(Observation::Changed(told), now);
        }
        for (number, at, bad) in results {
            if let Some(check) = checks.get_mut(number) {
                check.take(bad, at, &mut engine);
            }
        }
        let decisions = engine.tick(now);
        spent += clock() - begun;
        for decision in decisions {
            if let Decision::Recheck { looks, .. } | Decision::Suspend { looks, .. } = &decision {
                let numbers = looks.iter().filter_map(|key| usize::try_from(key.checked_sub(1)?).ok());
                due.extend(numbers.map(|number| Reverse((now + chance.between(ASKED_MS), number, false))));
            }
            record.take(&decision, now);
        }
    }
    verdict(scenario, seed, &record, spent)
}

/// Names of things by their number, for what is told.
pub(crate) fn names(scenario: &Scenario) -> BTreeMap<u64, &str> {
    scenario.things.iter().enumerate().map(|(place, thing)| (id(place), thing.name.as_str())).collect()
}
