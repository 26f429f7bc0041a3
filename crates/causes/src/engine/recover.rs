//! The end of groups: what a gone cause leaves behind is held back for a cycle, what was announced is announced as
//! over, and nothing else.

use crate::candidate::Cause;

use super::{Decision, Engine, Live, Phase};

/// Symptoms whose newest results are good wait so long for more results, and so long at most, in milliseconds.
const DOUBT_MS: i64 = 5_000;
const DOUBT_MS_MAX: i64 = 150_000;
/// A group is judged again so long after it opened, then after twice that, and so on, in milliseconds.
const AGAIN_MS: i64 = 20_000;

impl Engine {
    /// Opens the groups whose time of being looked at is over, and tells people.
    pub(crate) fn open_due(&mut self, now_ms: i64, decisions: &mut Vec<Decision>) {
        let due: Vec<u64> = self.groups.iter().filter(|(_, live)| live.is_due(now_ms)).map(|(id, _)| *id).collect();
        for id in due {
            let Some(live) = self.groups.get_mut(&id) else { continue };
            if live.is_quiet() {
                // It was over before anybody was told.
                self.groups.remove(&id);
                self.owner.retain(|_, owner| *owner != id);
                continue;
            }
            if live.is_doubtful(&self.looks) && now_ms < live.opened_ms + DOUBT_MS_MAX {
                live.phase = Phase::Settling { until_ms: now_ms + DOUBT_MS };
                continue;
            }
            (live.phase, live.paged) = (Phase::Open, true);
            live.again_ms = now_ms + AGAIN_MS;
            let Some(cluster) = live.cluster.clone() else { continue };
            let members = live.members.values().cloned().collect();
            let again = live.again(&self.looks);
            decisions.push(Decision::Open { group: id, cluster, members, again });
            decisions.push(Decision::Page { group: id });
        }
    }

    /// What ends, and what is held back after its cause ended.
    pub(crate) fn recoveries(&mut self, now_ms: i64, decisions: &mut Vec<Decision>) {
        let mut ended = Vec::new();
        for (id, live) in &mut self.groups {
            match live.phase {
                Phase::Open => {
                    if now_ms >= live.again_ms {
                        let age = (now_ms - live.again_ms + AGAIN_MS).max(live.again_ms - live.opened_ms);
                        live.again_ms = if age > AGAIN_MS * 32 { i64::MAX } else { now_ms + age };
                        self.dirty |= live.hold_until.is_none();
                    }
                    hold_back(*id, live, &self.options, now_ms, decisions);
                    if live.hold_until.is_some_and(|until| now_ms > until) && !live.past && !live.is_quiet() {
                        (live.past, self.dirty) = (true, true);
                    }
                    let last = live.members.values().filter_map(|member| member.gone_ms).max();
                    let over = live.is_quiet() && last.is_none_or(|at| now_ms >= at + live.quiet_ms(&self.options));
                    if over {
                        live.phase = Phase::Resting { until_ms: now_ms + self.options.relapse_ms };
                        decisions.push(Decision::Recover { group: *id, announce: live.paged });
                    }
                }
                Phase::Resting { until_ms } if now_ms > until_ms => ended.push(*id),
                _ => {}
            }
        }
        for id in ended {
            self.groups.remove(&id);
            self.owner.retain(|_, owner| *owner != id);
        }
    }
}

/// The cause is gone: what still is bad is stale.
fn hold_back(id: u64, live: &mut Live, options: &super::Options, now_ms: i64, decisions: &mut Vec<Decision>) {
    let gone = live.members.values().filter(|member| member.gone_ms.is_some()).count();
    if live.hold_until.is_some() || gone == 0 || live.things() < 2 {
        return;
    }
    let thing = live.cause().and_then(Cause::thing);
    let mut own = live.members.values().filter(|member| Some(member.thing) == thing).peekable();
    let seen = own.peek().is_some();
    let own_gone = seen && own.all(|member| member.gone_ms.is_some());
    if !own_gone && (seen || gone * 2 <= live.members.len()) {
        return;
    }
    let until_ms = now_ms + live.quiet_ms(options);
    live.hold_until = Some(until_ms);
    let looks: Vec<u64> = live.members.values().filter(|member| member.gone_ms.is_none()).map(|one| one.key).collect();
    decisions.push(Decision::Suspend { group: id, looks, until_ms });
}
