//! The calendar of rotas: who is on call when, one's own shifts, and when nobody is.

use jiff::Timestamp;
use kernel::time::DAY;
use kernel::{Access, Cx, Effect, Error, Operation, Reach, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{one, visible};
use super::plan::Piece;
use super::preview::{window, written};
use super::roster::{self, Roster};
use super::{Duty, duties, seen, store, text, time, within};
use crate::sessions::user_of;

/// Most gaps that are answered at once.
const GAPS_MAX: usize = 500;
/// Most weeks ahead.
const WEEKS_MAX: i64 = 52;

/// A span in which the same people are on call by a rota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shift {
    /// From when on, with the offset of the rota's zone.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Who; empty when nobody is on call.
    pub who: Vec<Duty>,
    /// Why nobody is; absent when somebody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
}

impl Shift {
    pub(crate) fn of(roster: &Roster, piece: &Piece<i64>) -> Self {
        Self {
            from: written(piece.from, &roster.zone),
            to: written(piece.to, &roster.zone),
            who: duties(&roster.people, &piece.who),
            gap: roster.gap(piece),
        }
    }
}

/// The shifts of a rota.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Shifts {
    /// In order; they cover the span without holes.
    pub items: Vec<Shift>,
}

/// Show who is on call by a rota for a span of time, by default the coming two weeks.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListShifts {
    /// The rota's number.
    pub id: i64,
    /// From when on: RFC 3339, or as the clock on the wall shows it in the rota's zone. Now when left out.
    #[serde(default)]
    pub from: Option<String>,
    /// Until when, at most 400 days later. Two weeks later when left out.
    #[serde(default)]
    pub to: Option<String>,
}

impl Operation for ListShifts {
    const NAME: &'static str = "people.rota.shifts";
    const ROUTE: Route = get("/people/rotas/{id}/shifts");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Shifts;

    fn run(&self, cx: &mut Cx) -> Result<Shifts> {
        let rota = seen(cx, self.id, Self::NAME)?;
        let zone = text::zone(&rota.time_zone)?;
        let now = cx.now.timestamp();
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let from = filled(&self.from).unwrap_or_else(|| now.to_string());
        let begins = text::moment("from", &from, &zone)?;
        let to = filled(&self.to).unwrap_or_else(|| time(begins).plus(14 * DAY).to_string());
        let (from, to) = window(&from, &to, &zone)?;
        let roster = one(cx, rota, time(from), time(to))?;
        let items = roster.plan.pieces_if_few(from, to).map_err(|error| error.at("to"))?;
        let items = items.iter().map(|piece| Shift::of(&roster, piece)).collect();
        Ok(Shifts { items })
    }
}

/// One of my shifts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MyShift {
    /// The rota's number.
    pub rota: i64,
    /// The rota's name.
    pub name: String,
    /// From when on, with the offset of the rota's zone.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Who else is on call with me at some time of it.
    pub with: Vec<Duty>,
}

/// My shifts.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct MyShifts {
    /// In order of time.
    pub items: Vec<MyShift>,
}

/// Show when you are on call in the coming weeks, by any rota.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListMyShifts {
    /// How many weeks ahead, 1 to 52; 8 when left out.
    #[serde(default)]
    pub weeks: Option<i64>,
}

impl Operation for ListMyShifts {
    const NAME: &'static str = "people.rota.mine";
    const ROUTE: Route = get("/people/rotas/mine");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Read;
    type Output = MyShifts;

    fn run(&self, cx: &mut Cx) -> Result<MyShifts> {
        let me = user_of(cx)?;
        let end = cx.now.plus(weeks(self.weeks, 8)? * 7 * DAY);
        let rotas = store::all(cx.tx)?;
        let mut found: Vec<(Timestamp, MyShift)> = Vec::new();
        for roster in roster::load(cx.tx, rotas, cx.now, end)?.iter().filter(|one| one.people.contains_key(&me)) {
            let Some(pieces) = roster.pieces_or_log(cx.now, end) else { continue };
            for span in stretches(&pieces, me) {
                let with: Vec<i64> = span.with.into_iter().collect();
                let shift = MyShift {
                    rota: roster.rota.id,
                    name: roster.rota.name.clone(),
                    from: written(span.from, &roster.zone),
                    to: written(span.to, &roster.zone),
                    with: duties(&roster.people, &with),
                };
                found.push((span.from, shift));
            }
        }
        found.sort_by_key(|(from, _)| *from);
        Ok(MyShifts { items: found.into_iter().map(|(_, shift)| shift).collect() })
    }
}

fn weeks(wanted: Option<i64>, usual: i64) -> Result<i64> {
    match wanted.unwrap_or(usual) {
        weeks @ 1..=WEEKS_MAX => Ok(weeks),
        _ => Err(Error::invalid("weeks", format!("Ask for 1 to {WEEKS_MAX} weeks."))),
    }
}

/// A time in which one person is on call, with whoever else is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) with: std::collections::BTreeSet<i64>,
}

/// When one person is on call in the pieces of a rota, whoever joins or leaves meanwhile.
pub(crate) fn stretches(pieces: &[Piece<i64>], user: i64) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for piece in pieces.iter().filter(|piece| piece.who.contains(&user)) {
        let others = piece.who.iter().copied().filter(|one| *one != user);
        match spans.last_mut() {
            Some(last) if last.to == piece.from => {
                last.to = piece.to;
                last.with.extend(others);
            }
            _ => spans.push(Span { from: piece.from, to: piece.to, with: others.collect() }),
        }
    }
    spans
}

/// A time when nobody is on call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// The rota's number.
    pub rota: i64,
    /// The rota's name.
    pub name: String,
    /// From when on, with the offset of the rota's zone.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Why nobody is on call.
    pub why: String,
    /// The rotations leave it open. False when an override or somebody who left made it.
    pub planned: bool,
}

/// Gaps.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Gaps {
    /// By rota, in order of time; at most 500.
    pub items: Vec<Gap>,
    /// There are more.
    pub more: bool,
}

/// Show when nobody is on call in the coming weeks, and why.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ListGaps {
    /// The number of one rota; all of them when left out.
    #[serde(default)]
    pub id: Option<i64>,
    /// How many weeks ahead, 1 to 52; 4 when left out.
    #[serde(default)]
    pub weeks: Option<i64>,
    /// Only gaps that an override or somebody who left made, without those that the rotations leave open.
    #[serde(default)]
    pub unplanned: bool,
}

impl Operation for ListGaps {
    const NAME: &'static str = "people.rota.gaps";
    const ROUTE: Route = get("/people/rotas/gaps");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Gaps;

    fn run(&self, cx: &mut Cx) -> Result<Gaps> {
        let end = cx.now.plus(weeks(self.weeks, 4)? * 7 * DAY);
        let rosters = match self.id {
            Some(id) => {
                let rota = seen(cx, id, Self::NAME)?;
                vec![one(cx, rota, cx.now, end)?]
            }
            None => visible(cx, Self::NAME, cx.now, end)?,
        };
        let mut items: Vec<Gap> = Vec::new();
        for roster in rosters {
            let pieces = match self.id {
                Some(_) => {
                    let found = roster.plan.pieces_if_few(cx.now.timestamp(), end.timestamp());
                    Some(found.map_err(|error| error.at("weeks"))?)
                }
                None => roster.pieces_or_log(cx.now, end),
            };
            let all = gaps(&roster, pieces.as_deref().unwrap_or_default());
            let wanted = all.into_iter().filter(|gap| !(self.unplanned && gap.planned));
            items.extend(wanted.take((GAPS_MAX + 1).saturating_sub(items.len())));
            if items.len() > GAPS_MAX {
                break;
            }
        }
        let more = items.len() > GAPS_MAX;
        items.truncate(GAPS_MAX);
        Ok(Gaps { items, more })
    }
}

/// The gaps among the pieces of a rota.
pub(crate) fn gaps(roster: &Roster, pieces: &[Piece<i64>]) -> Vec<Gap> {
    let gap = |piece: &Piece<i64>| {
        Some(Gap {
            rota: roster.rota.id,
            name: roster.rota.name.clone(),
            from: written(piece.from, &roster.zone),
            to: written(piece.to, &roster.zone),
            why: roster.gap(piece)?,
            planned: piece.taken.is_empty() && piece.gone.is_empty(),
        })
    };
    pieces.iter().filter_map(gap).collect()
}

/// Whether a rota is one of those a reach holds, for somebody who reads its calendar by an address.
pub(crate) fn readable(reach: Option<&Reach>, rota: &super::Rota) -> bool {
    reach.is_some_and(|reach| within(reach, rota))
}
