//! Keeps "Needs you now" true: a rota that somebody who left still stands in, or that an override left without anybody, is on the
//! list until it is mended. Hours that the rotations leave open by themselves are no reason.

use kernel::attention::Attention;
use kernel::job::{JobEntry, Running, Schedule};
use kernel::time::{DAY, HOUR};
use kernel::{Actor, Cx, Mark, Operation, Result};

use super::list::ShowRota;
use super::roster::{self, Roster};
use super::{Rota, duties, store};

const KIND: &str = "people.rota.watch";
/// How far ahead gaps are looked for, in microseconds.
const AHEAD: i64 = 28 * DAY;
/// Which need it is on the list.
const NEED: &str = "on-call";

pub(crate) const JOB: JobEntry = JobEntry { kind: KIND, run };
pub(crate) const SCHEDULE: Schedule = Schedule { kind: KIND, every: HOUR };

/// Looks at every rota again as time goes on. Twice changes nothing more.
fn run(running: &Running<'_>) -> Result<()> {
    let kernel = running.kernel;
    let rotas = kernel.db.read(store::all)?;
    for rota in rotas {
        if kernel.stopping() {
            break;
        }
        kernel.write_as(Actor::service(KIND, &[]), KIND, move |cx| look(cx, rota.id))?;
    }
    Ok(())
}

/// Looks at one rota: whether it needs somebody now.
pub(crate) fn look(cx: &mut Cx, id: i64) -> Result<()> {
    let end = cx.now.plus(AHEAD);
    let subject = Rota::subject(id);
    let Some(rota) = store::get(cx.tx, id)? else { return cx.attention_done(&subject, NEED) };
    // One that cannot be computed is logged; it must not stop whatever changed it or somebody in it.
    let Some(roster) = roster::load(cx.tx, vec![rota], cx.now, end)?.pop() else { return Ok(()) };
    match why(cx, &roster) {
        None => cx.attention_done(&subject, NEED),
        Some((title, why, weight)) => cx.needs_attention(&Attention {
            subject,
            need: NEED,
            title,
            why,
            mark: Mark::Warn,
            word: "Gap",
            weight,
            since: cx.now,
            action: "Open",
            href: format!("/people/rotas/{id}"),
            team: roster.rota.team,
            user: None,
            grant: ShowRota::NAME,
        }),
    }
}

/// What is wrong with a rota, why, and how much it matters.
fn why(cx: &Cx, roster: &Roster) -> Option<(String, String, i64)> {
    let name = &roster.rota.name;
    let pieces = roster.pieces(cx.now, cx.now.plus(AHEAD));
    let made = pieces.iter().find(|piece| piece.who.is_empty() && !(piece.taken.is_empty() && piece.gone.is_empty()));
    if let Some(piece) = made {
        let from = roster.zone.to_datetime(piece.from).strftime("%-d %b %Y, %H:%M").to_string();
        let title = format!("Nobody is on call in {name} from {from}");
        let weight = if super::time(piece.from) <= cx.now { 800 } else { 500 };
        return Some((title, roster.gap(piece)?, weight));
    }
    let gone: Vec<String> = duties(&roster.people, &roster.gone()).into_iter().map(|one| one.name).collect();
    (!gone.is_empty()).then(|| {
        let why = format!("{} can no longer sign in, so their turns would be gaps.", gone.join(", "));
        (format!("{name} has somebody who left in it"), why, 200)
    })
}

/// Looks again at the rotas that name a user, who left or came back.
pub(crate) fn somebody_changed(cx: &mut Cx, user: i64) -> Result<()> {
    let rotas = store::all(cx.tx)?;
    for roster in roster::load(cx.tx, rotas, cx.now, cx.now.plus(AHEAD))? {
        if roster.people.contains_key(&user) {
            look(cx, roster.rota.id)?;
        }
    }
    Ok(())
}
