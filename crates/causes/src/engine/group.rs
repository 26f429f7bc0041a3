//! A group and its symptoms.

use std::collections::{BTreeMap, BTreeSet};

use crate::candidate::Cause;
use crate::looks::{Known, Looks};
use crate::rules::Table;
use crate::score::{SLACK_MS, STORM, Sign};
use crate::solve::{Cluster, Symptom};
use crate::spread::Effects;
use crate::words::What;

use super::{Again, Answer, Options, is_loss};

/// A new symptom that fits a cause worse is judged anew.
const FIT_MIN: f64 = 0.4;
/// So long after the expected time a symptom still joins without a new judgement, in milliseconds.
const LATE_MS: i64 = 60_000;

/// Where a group is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Things are looked at again before anybody is told.
    Settling {
        /// Until when at the latest, in milliseconds.
        until_ms: i64,
    },
    /// It is open.
    Open,
    /// It is over; should its cause come back by then, it is open again.
    Resting {
        /// Until when, in milliseconds.
        until_ms: i64,
    },
}

/// A symptom that belongs to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its look.
    pub key: u64,
    /// The thing it is about.
    pub thing: u64,
    /// What it says.
    pub what: What,
    /// Who looks.
    pub vantage: Option<u64>,
    /// From one result to the next, in milliseconds.
    pub interval_ms: i64,
    /// The first bad result, in milliseconds.
    pub since_ms: i64,
    /// When it was gone, in milliseconds.
    pub gone_ms: Option<i64>,
    /// What was seen.
    pub evidence: String,
    /// When it was good for the first time, in milliseconds.
    pub(crate) good_ms: Option<i64>,
}

impl Member {
    /// A symptom as it joins a group.
    pub fn of(symptom: &Symptom) -> Self {
        Self {
            key: symptom.look.key,
            thing: symptom.look.thing,
            what: symptom.what,
            vantage: symptom.look.vantage,
            interval_ms: symptom.look.interval_ms,
            since_ms: symptom.since_ms,
            gone_ms: None,
            evidence: symptom.evidence.clone(),
            good_ms: None,
        }
    }

    pub(crate) fn seen(known: &Known) -> Self {
        Self {
            key: known.look.key,
            thing: known.look.thing,
            what: known.what,
            vantage: known.look.vantage,
            interval_ms: known.look.interval_ms,
            since_ms: known.bad_since.unwrap_or_default(),
            gone_ms: None,
            evidence: known.evidence.clone(),
            good_ms: None,
        }
    }

    /// As a symptom of the case at hand; also when it is gone, as it was one.
    pub(crate) fn sign(&self) -> Sign {
        Sign {
            key: self.key,
            thing: self.thing,
            what: self.what,
            vantage: self.vantage,
            since: self.since_ms,
            interval: self.interval_ms,
            until: self.good_ms,
            fired: true,
        }
    }
}

/// A group as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupView {
    /// Its number.
    pub id: u64,
    /// Where it is in its life.
    pub phase: Phase,
    /// People were told.
    pub paged: bool,
    /// When its first symptom was taken, in milliseconds.
    pub opened_ms: i64,
    /// Its symptoms, by look.
    pub members: Vec<Member>,
    /// Ranking and evidence.
    pub cluster: Option<Cluster>,
}

/// A group while the engine has it.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) phase: Phase,
    pub(crate) paged: bool,
    pub(crate) opened_ms: i64,
    pub(crate) members: BTreeMap<u64, Member>,
    pub(crate) cluster: Option<Cluster>,
    /// What its cause reaches.
    pub(crate) reach: Effects,
    /// When its cause began at the latest.
    pub(crate) onset: i64,
    /// When what it had came back last, as its cause comes and goes.
    pub(crate) renewed: Option<i64>,
    /// Looks that were asked again; false for those that cannot be taken at will.
    pub(crate) asked: BTreeMap<u64, bool>,
    pub(crate) answered: bool,
    /// It was restored, and what is well is not known again before this.
    pub(crate) unsure_until: Option<i64>,
    /// How often its cause came back.
    pub(crate) relapses: u32,
    /// The cause is gone: until when what it leaves behind is held back.
    pub(crate) hold_until: Option<i64>,
    /// What was gone is not taken for a symptom any more: what is left is judged alone.
    pub(crate) past: bool,
    /// When it is judged again, as what should be bad by then may be good.
    pub(crate) again_ms: i64,
    judged: usize,
}

impl Live {
    pub(crate) fn new(now_ms: i64) -> Self {
        Self {
            phase: Phase::Settling { until_ms: now_ms },
            paged: false,
            opened_ms: now_ms,
            members: BTreeMap::new(),
            cluster: None,
            reach: Effects::new(),
            onset: now_ms,
            renewed: None,
            asked: BTreeMap::new(),
            answered: false,
            unsure_until: None,
            relapses: 0,
            hold_until: None,
            past: false,
            again_ms: i64::MAX,
            judged: 0,
        }
    }

    pub(crate) fn view(&self, id: u64) -> GroupView {
        GroupView {
            id,
            phase: self.phase,
            paged: self.paged,
            opened_ms: self.opened_ms,
            members: self.members.values().cloned().collect(),
            cluster: self.cluster.clone(),
        }
    }

    /// Its time of being looked at is over.
    pub(crate) fn is_due(&self, now_ms: i64) -> bool {
        matches!(self.phase, Phase::Settling { until_ms } if now_ms >= until_ms)
    }

    /// All that was asked is answered, so that nothing is gained by waiting.
    pub(crate) fn settle(&mut self, looks: &Looks, options: &Options, now_ms: i64) {
        let Phase::Settling { until_ms } = self.phase else { return };
        let [shortest, _] = options.settle_ms;
        let told = |(key, able): (&u64, &bool)| {
            !*able || looks.get(*key).is_none_or(|known| known.newest().is_some_and(|at| at >= self.opened_ms))
        };
        self.answered = self.asked.iter().all(told);
        if self.answered && now_ms >= self.opened_ms + shortest {
            self.phase = Phase::Settling { until_ms: until_ms.min(now_ms) };
        }
    }

    /// What came of asking again.
    pub(crate) fn again(&self, looks: &Looks) -> Vec<Again> {
        let told = self.asked.iter().filter_map(|(key, able)| Some((looks.get(*key)?, *able)));
        told.map(|(known, able)| {
            let answer = match known.newest().filter(|at| *at >= self.opened_ms) {
                Some(at) if known.is_bad() => Answer::Bad(at),
                Some(at) => Answer::Good(at),
                None if able => Answer::None,
                None => Answer::Unable,
            };
            Again { key: known.look.key, thing: known.look.thing, what: known.look.what, answer }
        })
        .collect()
    }

    /// Its symptoms are good in newer results, though not often enough yet for them to be gone.
    pub(crate) fn is_doubtful(&self, looks: &Looks) -> bool {
        let open = self.members.values().filter(|member| member.gone_ms.is_none());
        let mut bad = open.filter_map(|member| looks.get(member.key)).map(Known::is_bad).peekable();
        bad.peek().is_some() && bad.all(|bad| !bad)
    }

    /// The thing that is its first candidate, unless nothing is determined.
    pub(crate) fn cause(&self) -> Option<&Cause> {
        let cluster = self.cluster.as_ref().filter(|cluster| cluster.undetermined.is_none())?;
        Some(&cluster.candidates.first()?.cause)
    }

    /// A thing is its cause, or the only one it has.
    pub(crate) fn is_about(&self, thing: u64) -> bool {
        self.things() <= 1 || self.cause().and_then(Cause::thing) == Some(thing)
    }

    /// How well its cause explains a new symptom, from 0 to 1.
    pub(crate) fn fit(&self, known: &Known, place: Option<u32>, table: &Table, now_ms: i64) -> f64 {
        if matches!(self.phase, Phase::Resting { .. }) {
            return 0.0;
        }
        let since = known.bad_since.unwrap_or(now_ms);
        let held = self.hold_until.is_some_and(|until| now_ms <= until);
        let in_time = |delay: i64| {
            let slack = known.look.interval_ms + SLACK_MS;
            let near = |onset: i64| (onset - slack..=onset + delay + known.look.interval_ms + LATE_MS).contains(&since);
            held || near(self.onset) || self.renewed.is_some_and(near)
        };
        match self.cause() {
            Some(Cause::Vantage { thing, names })
                if *thing == known.look.vantage && blinds(*names, known) && in_time(LATE_MS) =>
            {
                0.9
            }
            Some(Cause::Thing { .. } | Cause::Change { .. }) => {
                let states = place.and_then(|place| self.reach.get(&place)).into_iter().flatten();
                let fits = states.filter(|effect| in_time(effect.delay_ms)).map(|effect| {
                    effect.weight * known.tells(effect.state, known.what) * table.explains(effect.state, known.what)
                });
                let best = fits.fold(0.0, f64::max);
                if best >= FIT_MIN { best } else { 0.0 }
            }
            _ => 0.0,
        }
    }

    /// It has this thing, which its cause reaches, with trouble of the same family, seen by another look that was bad
    /// at the same time. What a blind looker says of a thing is nothing that others could see as well.
    pub(crate) fn has_alike(&self, known: &Known, place: Option<u32>, now_ms: i64) -> bool {
        let since = known.bad_since.unwrap_or(now_ms);
        let alike = |what: What| what == known.what || (is_loss(what) && is_loss(known.what));
        matches!(self.phase, Phase::Open)
            && place.is_some_and(|place| self.reach.contains_key(&place))
            && self.members.values().any(|member| {
                member.thing == known.look.thing
                    && member.vantage != known.look.vantage
                    && alike(member.what)
                    && member.gone_ms.is_none_or(|gone| gone >= since)
            })
    }

    /// A symptom is gone.
    pub(crate) fn gone(&mut self, key: u64, at_ms: i64) {
        if let Some(member) = self.members.get_mut(&key).filter(|member| member.gone_ms.is_none()) {
            member.gone_ms = Some(at_ms);
            member.good_ms = member.good_ms.or(Some(at_ms));
        }
    }

    /// A symptom that was gone is back: it is dated anew, and so is what follows from it.
    pub(crate) fn back(&mut self, key: u64, since_ms: i64) {
        let was_quiet = self.is_quiet();
        if let Some(member) = self.members.get_mut(&key).filter(|member| member.gone_ms.is_some()) {
            (member.since_ms, member.gone_ms, member.good_ms) = (since_ms, None, None);
            self.renewed = self.renewed.max(Some(since_ms));
        }
        if was_quiet {
            self.relapses += 1;
        }
    }

    /// It was over and is open again since a moment; answers the looks of the symptoms it had, which are no part of
    /// this outage unless they fire anew.
    pub(crate) fn wake(&mut self, since_ms: i64) -> Vec<u64> {
        self.phase = Phase::Open;
        self.relapses += 1;
        (self.hold_until, self.past) = (None, false);
        (self.onset, self.again_ms, self.judged) = (since_ms, since_ms, 0);
        std::mem::take(&mut self.members).into_keys().collect()
    }

    /// All its symptoms are gone.
    pub(crate) fn is_quiet(&self) -> bool {
        self.members.values().all(|member| member.gone_ms.is_some())
    }

    /// Enough joined since the last judgement to judge anew. In a storm, what its cause explains is no news.
    pub(crate) fn has_grown(&self) -> bool {
        let much = if self.judged < STORM { self.judged / 4 } else { self.judged };
        self.members.len() > self.judged + much + 1
    }

    pub(crate) fn judged(&mut self) {
        self.judged = self.members.len();
    }

    /// How many things it has.
    pub(crate) fn things(&self) -> usize {
        self.members.values().map(|member| member.thing).collect::<BTreeSet<_>>().len()
    }

    /// How long all must be good before it is over, in milliseconds. Of a single thing its own checks have said often
    /// enough that it is well; of several one may only be good for a moment.
    pub(crate) fn quiet_ms(&self, options: &Options) -> i64 {
        let slowest = self.members.values().map(|member| member.interval_ms).max().unwrap_or_default();
        let [shortest, longest] = options.quiet_ms;
        let once = if self.things() <= 1 { 0 } else { (2 * slowest).clamp(shortest, longest) };
        let times = 1_i64 << self.relapses.min(10);
        once.max(if self.relapses > 0 { shortest } else { 0 }).saturating_mul(times).min(options.relapse_ms)
    }
}

/// A look from a blind vantage says this because of that: all is lost to it, or names are.
fn blinds(names: bool, known: &Known) -> bool {
    if names { known.what == What::NameFails && known.look.by_name } else { is_loss(known.what) }
}
