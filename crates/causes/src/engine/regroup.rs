//! Judging all anew, and what follows for the groups there are: a later, better cause keeps the same group.

use std::collections::{BTreeMap, BTreeSet};

use crate::candidate::Cause;
use crate::score::{CHANGED, Case, Sign};
use crate::solve::{Cluster, solve, told};
use crate::spread::Effects;
use crate::words::What;

use super::{Decision, Engine, Live, Member, Phase};

/// A bad result that did not fire is suspected for so long, in milliseconds.
const SUSPECTED_MS: i64 = 10 * 60_000;
/// Candidates whose surroundings are looked at again.
const ASKED_OF: usize = 4;

/// So many points another candidate must have more than the one that people were told is the cause: twice as likely and
/// more.
const BETTER: f64 = 1.0;

/// Symptoms with one cause, as they were judged just now.
struct Plan {
    keys: BTreeSet<u64>,
    cluster: Cluster,
    reach: Effects,
    onset: i64,
    ask: Vec<u64>,
}

impl Engine {
    /// Judges all symptoms anew.
    pub(crate) fn regroup(&mut self, now_ms: i64, decisions: &mut Vec<Decision>) {
        (self.dirty, self.solved_ms) = (false, now_ms);
        let plans = self.plans(now_ms);
        let homes = self.homes(&plans);
        self.merge(&plans, &homes, decisions);
        let mut claimed = BTreeSet::new();
        for (number, plan) in plans.into_iter().enumerate() {
            self.carry_out(number, plan, &homes, &mut claimed, now_ms, decisions);
        }
        let loose: Vec<u64> = self
            .groups
            .iter()
            .filter(|(id, live)| matches!(live.phase, Phase::Settling { .. }) && !claimed.contains(*id))
            .map(|(id, _)| *id)
            .collect();
        for id in loose {
            self.groups.remove(&id);
            self.owner.retain(|_, owner| *owner != id);
        }
    }

    fn signs(&self, now_ms: i64) -> Vec<Sign> {
        let sign = |known: &crate::looks::Known| {
            let live = self.owner.get(&known.look.key).and_then(|id| self.groups.get(id));
            let live = live.filter(|live| !matches!(live.phase, Phase::Resting { .. }));
            let member = live.and_then(|live| Some((live, live.members.get(&known.look.key)?)));
            // What was gone and is bad again counts as of now, as what never was in a group does.
            let anew = |gone: i64| known.is_bad() && known.bad_since.is_some_and(|since| since > gone);
            if let Some((live, member)) = member.filter(|(_, member)| !member.gone_ms.is_some_and(anew)) {
                return (member.gone_ms.is_none() || !live.past).then(|| member.sign());
            }
            let recent = known.is_bad() && known.bad_since.is_some_and(|since| since > now_ms - SUSPECTED_MS);
            (known.fired || recent).then(|| Sign::of(known)).flatten()
        };
        self.looks.all().filter_map(sign).collect()
    }

    fn plans(&mut self, now_ms: i64) -> Vec<Plan> {
        let signs = self.signs(now_ms);
        self.solved_signs = signs.len();
        let case = Case::new((&self.graph, &self.table, &self.looks, &self.changes), signs, self.options.hops, now_ms);
        let (pool, groups) = solve(&case);
        let mut plans = Vec::new();
        let mut beside = Beside::default();
        for group in groups {
            let fired = group.signs.iter().filter_map(|sign| case.sign(*sign)).filter(|sign| sign.fired);
            let keys: BTreeSet<u64> = fired.map(|sign| sign.key).collect();
            if keys.is_empty() {
                continue;
            }
            let cluster = told(&case, &pool, &group);
            let first = cluster.candidates.first().map(|candidate| &candidate.cause);
            let reach = first.map(|cause| reach(&case, cause)).unwrap_or_default();
            let scored = group.cause.and_then(|cause| pool.get(cause));
            let earliest = group.signs.iter().filter_map(|sign| Some(case.sign(*sign)?.since)).min();
            let onset = scored.map(|scored| scored.onset).or(earliest).unwrap_or(now_ms);
            let open = |key: &u64| self.owner.get(key).and_then(|id| self.groups.get(id)).is_some_and(is_open);
            let ask = if keys.iter().all(open) {
                Vec::new()
            } else {
                ask(&case, &mut beside, &cluster, self.options.rechecks_max)
            };
            plans.push(Plan { keys, cluster, reach, onset, ask });
        }
        plans.sort_by_key(|plan| (std::cmp::Reverse(plan.keys.len()), plan.keys.first().copied()));
        plans
    }

    /// The plan that has most of each open group.
    fn homes(&self, plans: &[Plan]) -> BTreeMap<u64, (usize, usize)> {
        let mut votes: BTreeMap<u64, BTreeMap<usize, usize>> = BTreeMap::new();
        for (number, plan) in plans.iter().enumerate() {
            for id in plan.keys.iter().filter_map(|key| self.owner.get(key)) {
                if self.groups.get(id).is_some_and(is_open) {
                    *votes.entry(*id).or_default().entry(number).or_default() += 1;
                }
            }
        }
        let most = |of: BTreeMap<usize, usize>| {
            of.into_iter().max_by_key(|(number, count)| (*count, std::cmp::Reverse(*number)))
        };
        votes.into_iter().filter_map(|(id, of)| Some((id, most(of)?))).collect()
    }

    /// Open groups that turn out to have one cause become one: the one with most symptoms, the older of equals.
    fn merge(&mut self, plans: &[Plan], homes: &BTreeMap<u64, (usize, usize)>, decisions: &mut Vec<Decision>) {
        for number in 0..plans.len() {
            let mut here: Vec<(usize, u64)> =
                homes.iter().filter(|(_, (home, _))| *home == number).map(|(id, (_, votes))| (*votes, *id)).collect();
            here.sort_by_key(|(votes, id)| (std::cmp::Reverse(*votes), *id));
            let Some(((_, into), others)) = here.split_first() else { continue };
            for (votes, from) in others {
                let whole = self
                    .groups
                    .get(from)
                    .is_some_and(|live| live.unsure_until.is_none() && votes * 2 > live.members.len());
                let Some(ended) = whole.then(|| self.groups.remove(from)).flatten() else { continue };
                let keys: Vec<u64> = ended.members.keys().copied().collect();
                if let Some(live) = self.groups.get_mut(into) {
                    live.paged |= ended.paged;
                    live.opened_ms = live.opened_ms.min(ended.opened_ms);
                    live.members.extend(ended.members);
                }
                self.owner.extend(keys.into_iter().map(|key| (key, *into)));
                decisions.push(Decision::Merge { from: *from, into: *into });
            }
        }
    }

    fn carry_out(
        &mut self,
        number: usize,
        plan: Plan,
        homes: &BTreeMap<u64, (usize, usize)>,
        claimed: &mut BTreeSet<u64>,
        now_ms: i64,
        decisions: &mut Vec<Decision>,
    ) {
        let owned = |key: &u64| self.owner.get(key).copied().filter(|id| self.groups.get(id).is_some_and(is_open));
        let new: Vec<u64> = plan.keys.iter().copied().filter(|key| owned(key).is_none()).collect();
        let at_home = homes
            .iter()
            .filter(|(id, (home, _))| *home == number && self.groups.contains_key(id))
            .max_by_key(|(id, (_, votes))| (*votes, std::cmp::Reverse(**id)))
            .map(|(id, _)| *id);
        let stray = || {
            let mut votes: BTreeMap<u64, usize> = BTreeMap::new();
            plan.keys.iter().filter_map(owned).for_each(|id| *votes.entry(id).or_default() += 1);
            votes.into_iter().max_by_key(|(id, count)| (*count, std::cmp::Reverse(*id)))
        };
        if let Some(id) = at_home.filter(|id| self.waits(*id, &new, now_ms)) {
            // Nothing speaks against this home yet: what is well there is asked first.
            self.settle(plan, &new, claimed, now_ms, decisions);
            claimed.insert(id);
        } else if let Some(id) = at_home {
            self.take_in(id, &new, decisions);
            self.rejudge(id, plan, decisions);
        } else if new.is_empty() {
            // All of it belongs to groups that were told of: they keep it.
        } else if let Some((id, _)) = stray().filter(|(_, count)| *count > new.len()) {
            self.take_in(id, &new, decisions);
        } else if let Some(id) = self.again(&plan).or_else(|| self.resting(&plan)) {
            self.take_in(id, &new, decisions);
            self.rejudge(id, plan, decisions);
        } else {
            self.settle(plan, &new, claimed, now_ms, decisions);
        }
    }

    /// New symptoms of a restored group are looked at again before they join it.
    fn waits(&self, home: u64, new: &[u64], now_ms: i64) -> bool {
        let unsure = self.groups.get(&home).is_some_and(|live| live.unsure_until.is_some());
        let owner = |key: &u64| self.owner.get(key).and_then(|id| self.groups.get(id));
        unsure && !new.is_empty() && !new.iter().filter_map(owner).any(|live| live.is_due(now_ms))
    }

    fn take_in(&mut self, id: u64, new: &[u64], decisions: &mut Vec<Decision>) {
        for key in new {
            let Some(member) = self.looks.get(*key).map(Member::seen) else { continue };
            self.add(id, *key, member, decisions);
        }
        self.dirty = false;
    }

    /// An open group is judged as the plan says.
    fn rejudge(&mut self, id: u64, mut plan: Plan, decisions: &mut Vec<Decision>) {
        let Some(live) = self.groups.get_mut(&id) else { return };
        if live.cluster.as_ref().is_some_and(|old| stays(old, &mut plan.cluster)) {
            plan.reach = live.reach.clone();
        }
        let first =
            |cluster: &Cluster| cluster.candidates.first().map(|one| (one.cause.clone(), one.explained, one.absent));
        let same = live.cluster.as_ref().is_some_and(|old| {
            first(old) == first(&plan.cluster) && old.undetermined.is_some() == plan.cluster.undetermined.is_some()
        });
        // What is good again takes evidence away: it changes nothing that was known.
        let ending = live.members.values().any(|member| member.gone_ms.is_some()) && !live.past;
        if plan.cluster.candidates.is_empty()
            || ending && live.cluster.as_ref().is_some_and(|old| old.undetermined.is_none())
        {
            live.judged();
            return;
        }
        live.onset = if live.past { plan.onset } else { live.onset.min(plan.onset) };
        live.reach = plan.reach;
        live.judged();
        if live.unsure_until.is_some() {
            return;
        }
        if !same {
            decisions.push(Decision::Rerank { group: id, cluster: plan.cluster.clone() });
        }
        live.cluster = Some(plan.cluster);
    }

    /// An open group whose cause is the same thing in the same state, and was gone meanwhile: what it had before and what
    /// it has now are two rows of symptoms of one cause.
    fn again(&self, plan: &Plan) -> Option<u64> {
        let lost = |cluster: &Cluster| match &cluster.candidates.first()?.cause {
            Cause::Thing { thing, state, .. } if cluster.undetermined.is_none() => Some((*thing, *state)),
            _ => None,
        };
        let cause = lost(&plan.cluster)?;
        let fits = |live: &Live| {
            let gone = |member: &Member| member.thing == cause.0 && member.good_ms.is_some();
            let back = live.renewed.is_some() || live.members.values().any(gone);
            is_open(live) && back && live.cluster.as_ref().and_then(lost) == Some(cause)
        };
        self.groups.iter().find(|(_, live)| fits(live)).map(|(id, _)| *id)
    }

    /// A group that is over, and whose cause this is.
    fn resting(&self, plan: &Plan) -> Option<u64> {
        let thing = |cluster: &Cluster| {
            let cause = cluster.candidates.first().map(|one| &one.cause)?;
            Some(match cause {
                Cause::Thing { thing, .. } => Cause::Thing { thing: *thing, state: What::Other, fault: String::new() },
                other => other.clone(),
            })
        };
        let cause = thing(&plan.cluster)?;
        let fits = |live: &Live| {
            matches!(live.phase, Phase::Resting { .. })
                && !live.members.is_empty()
                && live.cluster.as_ref().and_then(thing) == Some(cause.clone())
        };
        self.groups.iter().filter(|(_, live)| fits(live)).map(|(id, _)| *id).next_back()
    }

    /// A group that nobody was told of yet has exactly what the plan says.
    fn settle(
        &mut self,
        plan: Plan,
        new: &[u64],
        claimed: &mut BTreeSet<u64>,
        now_ms: i64,
        decisions: &mut Vec<Decision>,
    ) {
        let before = plan.keys.iter().filter_map(|key| self.owner.get(key)).copied().filter(|id| {
            let settling = |live: &Live| matches!(live.phase, Phase::Settling { .. });
            !claimed.contains(id) && self.groups.get(id).is_some_and(settling)
        });
        let id = before.min().unwrap_or_else(|| {
            let id = self.next_group;
            self.next_group += 1;
            let [_, longest] = self.options.settle_ms;
            let mut live = Live::new(now_ms);
            live.phase = Phase::Settling { until_ms: now_ms + longest };
            self.groups.insert(id, live);
            id
        });
        claimed.insert(id);
        let Some(live) = self.groups.get_mut(&id) else { return };
        let mut old = std::mem::take(&mut live.members);
        for key in new {
            let known = self.looks.get(*key).map(Member::seen);
            if let Some(member) = old.remove(key).or(known) {
                live.members.insert(*key, member);
                self.owner.insert(*key, id);
            }
        }
        (live.onset, live.reach, live.cluster) = (plan.onset, plan.reach, Some(plan.cluster));
        live.judged();
        let looks: Vec<u64> = plan.ask.into_iter().filter(|key| !live.asked.contains_key(key)).collect();
        live.asked.extend(looks.iter().map(|key| (*key, true)));
        if let (false, Phase::Settling { until_ms }) = (looks.is_empty(), live.phase) {
            decisions.push(Decision::Recheck { looks, until_ms });
        }
    }
}

/// What people were told is the cause stays the first while nothing is clearly better; true when it was put there
/// again.
fn stays(old: &Cluster, new: &mut Cluster) -> bool {
    let (Some(told), Some(best)) = (old.candidates.first(), new.candidates.first().map(|one| one.score)) else {
        return false;
    };
    let at = new.candidates.iter().position(|one| one.cause == told.cause && one.score > best - BETTER);
    match at.filter(|at| *at > 0 && old.undetermined.is_none() && new.undetermined.is_none()) {
        Some(at) => {
            if let Some(first) = new.candidates.get_mut(..=at) {
                first.rotate_right(1);
            }
            true
        }
        None => false,
    }
}

fn is_open(live: &Live) -> bool {
    matches!(live.phase, Phase::Open)
}

/// What a cause reaches.
fn reach(case: &Case<'_>, cause: &Cause) -> Effects {
    match cause {
        Cause::Thing { thing, state, .. } => {
            case.graph.place(*thing).map(|place| case.effects(&[(place, *state, 1.0)])).unwrap_or_default()
        }
        Cause::Change { label } => {
            let places = case.changed(label).into_iter();
            let starts: Vec<_> =
                places.flat_map(|place| CHANGED.map(|(state, weight)| (place, state, weight))).collect();
            case.effects(&starts)
        }
        Cause::Vantage { .. } => Effects::new(),
    }
}

/// Things by site and kind, laid out when they are asked for.
#[derive(Default)]
struct Beside(BTreeMap<(String, u16), Vec<u32>>);

impl Beside {
    /// The things of the same kind at the same site, those next to it first; none when its site is not known.
    fn of(&mut self, case: &Case<'_>, place: u32) -> Vec<u64> {
        if self.0.is_empty() {
            for (at, node) in (0..).take(case.graph.places()).filter_map(|at| Some((at, case.graph.node(at)?))) {
                if !node.thing.site.is_empty() {
                    self.0.entry((node.thing.site.clone(), node.kind)).or_default().push(at);
                }
            }
        }
        let Some(node) = case.graph.node(place) else { return Vec::new() };
        let all = self.0.get(&(node.thing.site.clone(), node.kind));
        let mut others: Vec<u32> = all.into_iter().flatten().copied().filter(|other| *other != place).collect();
        others.sort_by_key(|other| (other.abs_diff(place), *other));
        others.into_iter().map(|other| case.graph.id(other)).collect()
    }
}

/// The looks that tell the candidates apart: at the candidates, and at what else they would have reached.
fn ask(case: &Case<'_>, beside: &mut Beside, cluster: &Cluster, most: usize) -> Vec<u64> {
    let bad: BTreeSet<u64> = case.signs.iter().map(|sign| sign.key).collect();
    // The symptoms themselves: one good result may be all that is needed.
    let mut asked: BTreeSet<u64> = cluster.looks.iter().copied().take(most / 4).collect();
    let near =
        cluster.looks.iter().filter_map(|key| case.graph.node(case.graph.place(case.looks.get(*key)?.look.thing)?));
    let above: BTreeSet<u32> = near.take(most).flat_map(|node| &node.up).map(|edge| edge.other).collect();
    for place in above.into_iter().take(most / 4) {
        let beside = case.graph.node(place).into_iter().flat_map(|node| &node.down).map(|edge| edge.other).take(3);
        let things = std::iter::once(place).chain(beside).map(|place| case.graph.id(place));
        asked.extend(
            things.flat_map(|thing| case.looks.at(thing)).map(|known| known.look.key).filter(|key| !bad.contains(key)),
        );
    }
    // Others of its kind in the same place: one trouble or many?
    let first = cluster.candidates.first().and_then(|one| case.graph.place(one.cause.thing()?));
    let alike = first.into_iter().flat_map(|place| beside.of(case, place)).take(most / 8);
    asked.extend(
        alike.flat_map(|thing| case.looks.at(thing)).map(|known| known.look.key).filter(|key| !bad.contains(key)),
    );
    let share = most / ASKED_OF.max(1);
    for candidate in cluster.candidates.iter().take(ASKED_OF) {
        let mut things: Vec<(u32, u64)> = reach(case, &candidate.cause)
            .iter()
            .map(|(place, states)| (states.iter().map(|one| one.hops).min().unwrap_or_default(), case.graph.id(*place)))
            .collect();
        things.sort_unstable();
        let looks = things.iter().flat_map(|(_, thing)| case.looks.at(*thing)).map(|known| known.look.key);
        asked.extend(looks.filter(|key| !bad.contains(key)).take(share));
    }
    asked.into_iter().collect()
}
