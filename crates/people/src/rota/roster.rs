//! A stored rota with all that decides who is on call: its overrides for a span of time, and the people who are named.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use kernel::db::Tx;
use kernel::{Error, Result, Time};

use super::plan::{Override, Piece, Plan};
use super::{Rota, duties, numbers, store, text};

/// Somebody who is named in a rota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) login: String,
    /// May sign in, and so be called.
    pub(crate) active: bool,
}

/// An override as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) id: i64,
    pub(crate) rota: i64,
    pub(crate) from: Time,
    pub(crate) to: Time,
    pub(crate) add: Vec<i64>,
    pub(crate) remove: Vec<i64>,
    pub(crate) everybody: bool,
    pub(crate) why: String,
    /// The event of a calendar it came from; empty when somebody made it here.
    pub(crate) source: String,
    pub(crate) made_by: String,
    /// The number of the user who did; none for overrides of the command line, and for old ones.
    pub(crate) made_by_user: Option<i64>,
    pub(crate) made_at: Time,
}

/// A rota with its overrides and people.
#[derive(Clone, Debug)]
pub(crate) struct Roster {
    pub(crate) rota: Rota,
    pub(crate) zone: TimeZone,
    pub(crate) overrides: Vec<Kept>,
    pub(crate) people: BTreeMap<i64, Member>,
    pub(crate) plan: Plan<i64>,
}

/// Rotas with the overrides that touch `[from, to)`. One that cannot be computed is left out and logged.
pub(crate) fn load(tx: &mut Tx<'_>, rotas: Vec<Rota>, from: Time, to: Time) -> Result<Vec<Roster>> {
    let ids: Vec<i64> = rotas.iter().map(|rota| rota.id).collect();
    let mut overrides = store::overrides(tx, &ids, from, to)?;
    let mut named: Vec<i64> = rotas.iter().flat_map(Rota::participants).collect();
    named.extend(overrides.values().flatten().flat_map(|one| one.add.iter().chain(&one.remove)));
    named.sort_unstable();
    named.dedup();
    let people = store::people(tx, &named)?;
    let with = |rota: Rota| {
        let kept = overrides.remove(&rota.id).unwrap_or_default();
        Roster::new(rota, kept, &people)
    };
    // One rota that cannot be computed never takes the others with it.
    let kept = |roster: Result<Roster>| roster.inspect_err(log).ok();
    Ok(rotas.into_iter().map(with).filter_map(kept).collect())
}

/// A rota with the overrides that touch `[from, to)`; refused when it cannot be computed.
pub(crate) fn load_one(tx: &mut Tx<'_>, rota: Rota, from: Time, to: Time) -> Result<Roster> {
    let kept = store::overrides(tx, &[rota.id], from, to)?.remove(&rota.id).unwrap_or_default();
    let mut named = rota.participants();
    named.extend(kept.iter().flat_map(|one| one.add.iter().chain(&one.remove)));
    named.sort_unstable();
    named.dedup();
    let people = store::people(tx, &named)?;
    Roster::new(rota, kept, &people)
}

fn log(error: &Error) {
    tracing::error!(error = error.message, cause = error.cause, "a rota cannot be computed and is left out");
}

impl Roster {
    pub(crate) fn new(rota: Rota, overrides: Vec<Kept>, people: &BTreeMap<i64, Member>) -> Result<Self> {
        // It was checked when it was stored; only a zone that this machine lost can be in the way.
        let broken = |error: Error| Error::internal("rota-kept", format!("{}: {}", rota.reference, error.message));
        let zone = text::zone(&rota.time_zone).map_err(broken)?;
        let layer = |one: &text::Rotation| one.layer("rotations", &zone, numbers(&one.participants));
        let layers = rota.rotations.iter().map(layer).collect::<Result<Vec<_>>>().map_err(broken)?;
        let exception = |one: &Kept| Override {
            from: one.from.timestamp(),
            to: one.to.timestamp(),
            add: one.add.clone(),
            remove: one.remove.clone(),
            everybody: one.everybody,
            together: one.everybody && !one.source.is_empty(),
        };
        let exceptions = overrides.iter().map(exception).collect();
        let mut named = rota.participants();
        named.extend(overrides.iter().flat_map(|one| one.add.iter().chain(&one.remove)));
        let left = named.iter().copied().filter(|user| people.get(user).is_none_or(|one| !one.active)).collect();
        let people = named.iter().filter_map(|user| Some((*user, people.get(user)?.clone()))).collect();
        let plan = Plan { zone: zone.clone(), layers, overrides: exceptions, left };
        Ok(Self { rota, zone, overrides, people, plan })
    }

    /// The pieces of a longer span among those of other rotas; `None`, and a line in the log, where there are too many.
    pub(crate) fn pieces_or_log(&self, from: Time, to: Time) -> Option<Vec<Piece<i64>>> {
        let found = self.plan.pieces_if_few(from.timestamp(), to.timestamp());
        let told = |error: &Error| {
            tracing::warn!(rota = self.rota.id, error = error.message, "a rota changes too often and is left out");
        };
        found.inspect_err(told).ok()
    }

    pub(crate) fn pieces(&self, from: Time, to: Time) -> Vec<Piece<i64>> {
        self.plan.pieces(from.timestamp(), to.timestamp())
    }

    /// Why nobody is on call in a piece; `None` when somebody is.
    pub(crate) fn gap(&self, piece: &Piece<i64>) -> Option<String> {
        let names = |who: &[i64]| {
            let all: Vec<String> = duties(&self.people, who).into_iter().map(|one| one.name).collect();
            all.join(", ")
        };
        match piece {
            piece if !piece.who.is_empty() => None,
            Piece { gone, .. } if !gone.is_empty() => {
                Some(format!("It is the turn of {}, who can no longer sign in.", names(gone)))
            }
            Piece { taken, .. } if !taken.is_empty() => {
                Some(format!("An override took off {}, and put on nobody.", names(taken)))
            }
            _ if self.rota.rotations.is_empty() => Some("The rota has no rotation yet.".to_owned()),
            _ => Some("No rotation is in force.".to_owned()),
        }
    }

    /// Who is named by a rotation or an override and can no longer be called.
    pub(crate) fn gone(&self) -> Vec<i64> {
        self.plan.left.iter().copied().collect()
    }
}
