//! How a rollout goes on by itself: who is next, when a stage is passed, when it stops.

use agent_proto::FromServer;
use kernel::attention::Attention;
use kernel::time::{HOUR, MINUTE};
use kernel::{Cx, Handle, Mark, Result, Time};

use super::store::presence::{self, Seen};
use super::{Class, Rollout, RolloutState, Stage, class, offer, rollout_ref, stages, store};
use crate::events::RolloutChanged;
use crate::hub::Hub;
use crate::{link, release, stop};

/// A machine that has an offer and says nothing for so long did not come back: longer than a slow link and a trial take.
const PATIENCE_MICROS: i64 = 60 * MINUTE;
/// What runs must still run so much later, before the next stage begins: agents of a version that dies again and again put
/// the one before it back within this time.
const SETTLE_MICROS: i64 = 10 * MINUTE;
/// A machine that went away so soon after it began to run the version speaks against it, when it stays away for
/// [`SETTLE_MICROS`]. One that goes later is switched off.
const EARLY_MICROS: i64 = 15 * MINUTE;
/// An offer that waits for a job's end on the machine is renewed so often. Agents drop what is not renewed.
const RENEW_MICROS: i64 = 20 * MINUTE;

/// A machine that has the program so long and found no moment to try it waits like one that is away: it gets its offer again
/// when none of its jobs is open, and the others of its stage do not wait for it.
const BUSY_MICROS: i64 = 2 * HOUR;

/// An offer of this moment is to be renewed at once.
pub(crate) fn due(now: Time) -> Time {
    now.plus(-RENEW_MICROS - 1)
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Move {
    /// So much of this stage went wrong.
    Stop { bad: i64, agents: i64 },
    /// This stage is passed; the next is that one.
    Stage(i64),
    /// Every machine has answered.
    Finish,
    /// Give offers to so many machines, up to this stage.
    Offer(i64),
    /// Nothing yet.
    Wait,
}

/// Decides by figures alone. `here` is how many machines that wait are connected, up to the stage that is at work.
fn next(rollout: &Rollout, stages: &[Stage], here: i64, seen: Seen) -> Move {
    for stage in stages.iter().filter(|stage| stage.number <= rollout.stage) {
        if stage.bad > 0 && stage.bad * 100 >= rollout.stop_percent * stage.agents {
            return Move::Stop { bad: stage.bad, agents: stage.agents };
        }
    }
    if stages.iter().all(|stage| stage.waiting == 0 && stage.at_work == 0) {
        return if seen.fresh == 0 { Move::Finish } else { Move::Wait };
    }
    let at_work: i64 = stages.iter().map(|stage| stage.at_work).sum();
    let room = rollout.parallel - at_work;
    if here > 0 && room > 0 {
        return Move::Offer(room);
    }
    let current = stages.iter().find(|stage| stage.number == rollout.stage);
    // Without one connected machine that runs it there is nothing to go on by, unless nobody belongs to the stage.
    let passed = current.is_none_or(|stage| seen.present > 0 || stage.agents == 0);
    let further = stages.iter().map(|stage| stage.number).find(|number| *number > rollout.stage);
    match further {
        Some(further) if at_work == 0 && here == 0 && seen.fresh == 0 && passed => Move::Stage(further),
        _ => Move::Wait,
    }
}

/// Brings every running rollout on, one step.
///
/// # Errors
/// The database failed; the next round does it again.
pub(crate) fn round(kernel: &Handle) -> Result<()> {
    let hub = kernel.get::<Hub>()?;
    let idle = kernel.held() || kernel.read_as(&link::service(), |cx| stop::current(cx.tx))?.is_some();
    let running = kernel.read_as(&link::service(), |cx| store::running(cx.tx))?;
    if idle || running.is_empty() {
        return Ok(());
    }
    for id in running {
        let offers = kernel.write_as(link::service(), "fleet.rollout.advance", move |cx| step(cx, id))?;
        for (agent, frame) in offers {
            hub.push(agent, vec![frame], kernel.now());
        }
    }
    Ok(())
}

fn step(cx: &mut Cx, id: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    let Some(rollout) = store::find(cx.tx, id)?.filter(|one| one.state == RolloutState::Running) else {
        return Ok(Vec::new());
    };
    let now = cx.now;
    look(cx, &rollout)?;
    let renewed = presence::renew(cx.tx, id, due(now), now)?;
    let frame = link::frame(FromServer::Update(Box::new(offer(cx, &rollout)?)))?;
    let mut offers = go_on(cx, &rollout, &frame)?;
    offers.extend(renewed.into_iter().map(|agent| (agent, frame.clone())));
    Ok(offers)
}

/// Looks who came back, who did not, and who is too busy.
fn look(cx: &mut Cx, rollout: &Rollout) -> Result<()> {
    let (id, now) = (rollout.id, cx.now);
    let version = release::find(cx, rollout.release)?.signed.release.version;
    let back = presence::come_back(cx.tx, id, &version, now)?;
    let lost = store::lose(cx.tx, id, now.plus(-PATIENCE_MICROS), now)?;
    let gone = presence::vanish(cx.tx, id, now.plus(-SETTLE_MICROS), EARLY_MICROS, now)?;
    let busy = store::busy::take_back(cx.tx, id, now.plus(-BUSY_MICROS))?;
    if back + lost + gone + busy > 0 {
        cx.touch(rollout_ref(id));
    }
    Ok(())
}

/// Does what is next. Answers who gets the offer now.
fn go_on(cx: &mut Cx, rollout: &Rollout, frame: &[u8]) -> Result<Vec<(i64, Vec<u8>)>> {
    let (id, now) = (rollout.id, cx.now);
    let seen = presence::seen(cx.tx, (id, rollout.stage), now.plus(-SETTLE_MICROS), EARLY_MICROS)?;
    let stages = stages(&rollout.percents, &store::counts(cx.tx, id)?);
    let room = (rollout.parallel - stages.iter().map(|stage| stage.at_work).sum::<i64>()).max(1);
    let waiting = store::next(cx.tx, id, rollout.stage, room)?;
    match next(rollout, &stages, i64::try_from(waiting.len()).unwrap_or(0), seen) {
        Move::Wait => Ok(Vec::new()),
        Move::Stop { bad, agents } => {
            let of = if agents == 1 { "the one machine".to_owned() } else { format!("{bad} of {agents} machines") };
            stop_it(cx, rollout, &format!("It did not do on {of} of a stage"))?;
            Ok(Vec::new())
        }
        Move::Finish => {
            set(cx, rollout, RolloutState::Done, "")?;
            Ok(Vec::new())
        }
        Move::Stage(stage) => {
            store::set_stage(cx.tx, id, stage, now)?;
            cx.touch(rollout_ref(id));
            Ok(Vec::new())
        }
        Move::Offer(_) => {
            for (row, _) in &waiting {
                store::offered(cx.tx, *row, now)?;
            }
            cx.touch(rollout_ref(id));
            Ok(waiting.into_iter().map(|(_, agent)| (agent, frame.to_vec())).collect())
        }
    }
}

fn stop_it(cx: &mut Cx, rollout: &Rollout, why: &str) -> Result<()> {
    set(cx, rollout, RolloutState::Stopped, why)?;
    let version = release::find(cx, rollout.release)?.signed.release.version;
    let since = cx.now;
    cx.needs_attention(&Attention {
        subject: rollout_ref(rollout.id),
        need: "stopped",
        title: format!("The rollout of agent {version} stopped"),
        why: format!("{why}. No further machine gets it until somebody has looked."),
        mark: Mark::Critical,
        word: "Stopped",
        weight: 600,
        since,
        action: "Look at it",
        href: format!("/fleet/rollouts/{}", rollout.id),
        team: None,
        user: None,
        grant: super::list::NAME,
    })
}

/// Sets where a rollout stands, and tells.
pub(super) fn set(cx: &mut Cx, rollout: &Rollout, state: RolloutState, reason: &str) -> Result<()> {
    let now = cx.now;
    store::set_state(cx.tx, rollout.id, state, reason, now)?;
    let reference = rollout_ref(rollout.id);
    cx.changed(&reference, "state", rollout.state, state)?;
    if rollout.state == RolloutState::Stopped {
        cx.attention_done(&reference, "stopped")?;
    }
    let version = release::find(cx, rollout.release)?.signed.release.version;
    cx.touch(reference.clone());
    cx.emit(&RolloutChanged {
        rollout: reference,
        version,
        state: state.as_str().to_owned(),
        reason: reason.to_owned(),
    })
}

/// All runs go on: agents dropped what they had fetched when they were stopped, and get their offers again.
pub(crate) fn released(cx: &mut Cx) -> Result<()> {
    let due = due(cx.now);
    for id in store::running(cx.tx)? {
        store::offer_again(cx.tx, id, due)?;
        cx.touch(rollout_ref(id));
    }
    Ok(())
}

/// The offer that a machine has and has not ended, as a frame: said again with each greeting.
pub(crate) fn standing(cx: &mut Cx, agent: i64) -> Result<Option<Vec<u8>>> {
    let Some((id, state)) = store::open_row(cx.tx, agent)? else { return Ok(None) };
    let rollout = super::find(cx, id)?;
    let stopped = stop::current(cx.tx)?.is_some();
    if class(&state) != Class::AtWork || rollout.state != RolloutState::Running || stopped {
        return Ok(None);
    }
    let offer = offer(cx, &rollout)?;
    link::frame(FromServer::Update(Box::new(offer))).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(stage: i64) -> Rollout {
        Rollout {
            id: 1,
            release: 1,
            state: RolloutState::Running,
            reason: String::new(),
            percents: vec![10, 100],
            stage,
            parallel: 3,
            stop_percent: 20,
            again: false,
            agents: 30,
            started_at: kernel::Time(0),
            started_by: String::new(),
            version: 1,
        }
    }

    /// Stages as (waiting, at work, done, bad).
    fn figures(of: &[(i64, i64, i64, i64)]) -> Vec<Stage> {
        let stage = |(number, (waiting, at_work, done, bad)): (usize, &(i64, i64, i64, i64))| Stage {
            number: number as i64,
            title: String::new(),
            agents: waiting + at_work + done + bad,
            waiting: *waiting,
            busy: 0,
            at_work: *at_work,
            done: *done,
            bad: *bad,
        };
        of.iter().enumerate().map(stage).collect()
    }

    #[test]
    fn a_rollout_goes_from_stage_to_stage_and_stops_by_its_figures() {
        let rest = (27, 0, 0, 0);
        let cases = [
            ("begins with the named", 0, vec![(2, 0, 0, 0), (3, 0, 0, 0), rest], 2, Move::Offer(3)),
            ("no more at once than allowed", 1, vec![(0, 0, 2, 0), (0, 3, 0, 0), rest], 1, Move::Wait),
            ("waits for who is at work", 0, vec![(0, 1, 1, 0), (3, 0, 0, 0), rest], 0, Move::Wait),
            ("passed", 0, vec![(0, 0, 2, 0), (3, 0, 0, 0), rest], 0, Move::Stage(1)),
            ("nobody was named", 0, vec![(0, 0, 0, 0), (3, 0, 0, 0), rest], 0, Move::Stage(1)),
            ("all of a stage are away", 1, vec![(0, 0, 2, 0), (3, 0, 0, 0), rest], 0, Move::Wait),
            ("one is away, one did it", 1, vec![(0, 0, 2, 0), (1, 0, 1, 0), rest], 0, Move::Stage(2)),
            ("the first went wrong", 0, vec![(1, 0, 0, 1), (3, 0, 0, 0), rest], 1, Move::Stop { bad: 1, agents: 2 }),
            ("a share below the limit", 2, vec![(0, 0, 2, 0), (0, 0, 3, 0), (20, 0, 3, 4)], 20, Move::Offer(3)),
            (
                "the share is reached",
                2,
                vec![(0, 0, 2, 0), (0, 0, 3, 0), (20, 0, 1, 6)],
                20,
                Move::Stop { bad: 6, agents: 27 },
            ),
            ("some are away at the end", 2, vec![(0, 0, 2, 0), (0, 0, 3, 0), (2, 0, 25, 0)], 0, Move::Wait),
            ("done", 2, vec![(0, 0, 2, 0), (0, 0, 3, 0), (0, 0, 26, 1)], 0, Move::Finish),
        ];
        for (name, stage, of, here, expected) in cases {
            let figures = figures(&of);
            let present = figures.iter().find(|one| one.number == stage).map_or(0, |one| one.done);
            let seen = Seen { fresh: 0, present };
            assert_eq!(next(&rollout(stage), &figures, here, seen), expected, "{name}");
            if matches!(expected, Move::Stage(_) | Move::Finish) {
                let fresh = next(&rollout(stage), &figures, here, Seen { fresh: 1, ..seen });
                assert_eq!(fresh, Move::Wait, "{name}, but it says nothing yet");
            }
            let away = next(&rollout(stage), &figures, here, Seen { fresh: 0, present: 0 });
            let nobody = figures.iter().any(|one| one.number == stage && one.agents == 0);
            let waits = matches!(expected, Move::Stage(_)) && !nobody;
            assert_eq!(
                away == Move::Wait && expected != Move::Wait,
                waits,
                "{name}, but nobody who did it is connected"
            );
        }
    }
}
