//! Who is on call: a pure function of a rota and a span of time. Nothing is written out in advance, so a change counts at once
//! and for ever. Spans are half-open, in order, and cover what was asked without gaps; where nobody is on call they say so.
//!
//! Each layer passes the duty from one to the next at wall times of the zone. A layer replaces what lies before it in the list
//! wherever it is in force, as layers of PagerDuty and Grafana OnCall do; one that `adds` is on call together with it, as
//! rotations of Opsgenie are. Overrides come last, in order. Who was taken off leaves a gap, never the one from a layer below.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kernel::{Error, Result};

use super::wall::{self, DAY, MARGIN};

/// Most moments at which the rotations may change in a span that is answered.
const CUTS_MAX: i64 = 20_000;
/// Most names that the overrides of a span may put on or take off, counted once for each piece they are in force in.
const NAMES_MAX: usize = 500_000;

/// A rota, ready to be computed. `P` stands for people, as numbers.
#[derive(Clone, Debug)]
pub(crate) struct Plan<P> {
    /// Whose wall clock counts.
    pub(crate) zone: TimeZone,
    /// From the bottom up.
    pub(crate) layers: Vec<Layer<P>>,
    /// In order; later ones see what earlier ones did.
    pub(crate) overrides: Vec<Override<P>>,
    /// Who can no longer be called: their turns are gaps.
    pub(crate) left: BTreeSet<P>,
}

/// A rotation: people take turns of the same length.
#[derive(Clone, Debug)]
pub(crate) struct Layer<P> {
    /// When the first turn begins, on the line of wall time.
    pub(crate) start: i64,
    /// How long a turn is, in seconds of wall time; at least an hour.
    pub(crate) length: i64,
    /// Who takes turns, in order.
    pub(crate) participants: Vec<P>,
    /// When it is in force; always when empty.
    pub(crate) restrictions: Vec<Restriction>,
    /// On call together with the layers before it, instead of in their place.
    pub(crate) adds: bool,
}

/// Hours of some days of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Restriction {
    /// Monday first.
    pub(crate) days: [bool; 7],
    /// Seconds after midnight.
    pub(crate) from: i64,
    /// Seconds after midnight; not after `from` means on the next day.
    pub(crate) to: i64,
}

/// An exception for a time.
#[derive(Clone, Debug)]
pub(crate) struct Override<P> {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) add: Vec<P>,
    pub(crate) remove: Vec<P>,
    /// Takes off everybody who would be on call, before anybody is added.
    pub(crate) everybody: bool,
    /// One of several shifts of a calendar: `everybody` leaves those on call whom others of them put on.
    pub(crate) together: bool,
}

/// What lies in a span, before it is put together.
struct Laid<'a, P> {
    /// The turns of each layer.
    rows: Vec<Vec<Turn<P>>>,
    /// The overrides that touch it.
    overrides: Vec<&'a Override<P>>,
    /// Every moment at which something may change.
    cuts: Vec<Timestamp>,
}

/// A span in which the same people are on call, for the same reason when it is nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece<P> {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// In order of `P`, each once.
    pub(crate) who: Vec<P>,
    /// When nobody is on call: who was taken off by an override.
    pub(crate) taken: Vec<P>,
    /// When nobody is on call: who would be, but can no longer be called.
    pub(crate) gone: Vec<P>,
}

/// One person's turn in one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn<P> {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) who: P,
}

impl<P: Copy + Ord> Plan<P> {
    /// Who is on call in `[from, to)`: neighbours with the same people are one.
    #[cfg(test)]
    pub(crate) fn who(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp, Vec<P>)> {
        joined(self.pieces(from, to))
    }

    /// The same, refused where it would cost too much.
    pub(crate) fn who_if_few(&self, from: Timestamp, to: Timestamp) -> Result<Vec<(Timestamp, Timestamp, Vec<P>)>> {
        self.pieces_if_few(from, to).map(joined)
    }

    /// The pieces of a span, refused by name before they are computed where rotations change too often or overrides name too many.
    pub(crate) fn pieces_if_few(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Piece<P>>> {
        few_cuts(&self.layers, to.as_second().saturating_sub(from.as_second()))?;
        let laid = self.laid(from, to);
        few_names(&laid)?;
        Ok(self.pieces_of(&laid))
    }

    /// The same with the reasons of gaps: a gap is cut where its reason changes. For spans of days and weeks.
    pub(crate) fn pieces(&self, from: Timestamp, to: Timestamp) -> Vec<Piece<P>> {
        self.pieces_of(&self.laid(from, to))
    }

    fn laid(&self, from: Timestamp, to: Timestamp) -> Laid<'_, P> {
        let rows: Vec<Vec<Turn<P>>> = self.layers.iter().map(|layer| layer.turns(&self.zone, from, to)).collect();
        let overrides: Vec<&Override<P>> =
            self.overrides.iter().filter(|one| one.from < to && from < one.to && one.from < one.to).collect();
        let cuts = cuts(from, to, &rows, &overrides);
        Laid { rows, overrides, cuts }
    }

    fn pieces_of(&self, laid: &Laid<'_, P>) -> Vec<Piece<P>> {
        let mut places = vec![0; laid.rows.len()];
        let mut pieces: Vec<Piece<P>> = Vec::new();
        for pair in laid.cuts.windows(2) {
            let [from, to] = *pair else { continue };
            let scheduled = self.scheduled(&laid.rows, &mut places, from);
            let piece = self.piece(from, to, scheduled, &laid.overrides);
            match pieces.last_mut() {
                Some(last) if last.who == piece.who && last.taken == piece.taken && last.gone == piece.gone => {
                    last.to = piece.to;
                }
                _ => pieces.push(piece),
            }
        }
        pieces
    }

    /// Who is on call by the layers at a moment; `places` remembers where each row is, as moments only grow.
    fn scheduled(&self, rows: &[Vec<Turn<P>>], places: &mut [usize], at: Timestamp) -> BTreeSet<P> {
        let mut who = BTreeSet::new();
        for ((row, place), layer) in rows.iter().zip(places).zip(&self.layers) {
            while row.get(*place).is_some_and(|turn| turn.to <= at) {
                *place += 1;
            }
            let Some(turn) = row.get(*place).filter(|turn| turn.from <= at) else { continue };
            if !layer.adds {
                who.clear();
            }
            who.insert(turn.who);
        }
        who
    }

    fn piece(&self, from: Timestamp, to: Timestamp, mut who: BTreeSet<P>, overrides: &[&Override<P>]) -> Piece<P> {
        let mut taken = BTreeSet::new();
        let mut together = BTreeSet::new();
        for one in overrides.iter().filter(|one| one.from <= from && from < one.to) {
            if one.everybody {
                let stays: BTreeSet<P> =
                    if one.together { who.intersection(&together).copied().collect() } else { BTreeSet::new() };
                taken.extend(who.difference(&stays).copied());
                who = stays;
            }
            if one.together {
                together.extend(one.add.iter().copied());
            }
            taken.extend(one.remove.iter().copied().filter(|person| who.remove(person)));
            who.extend(one.add.iter().copied());
        }
        let (gone, who): (Vec<P>, Vec<P>) = who.into_iter().partition(|person| self.left.contains(person));
        if !who.is_empty() {
            return Piece { from, to, who, taken: Vec::new(), gone: Vec::new() };
        }
        Piece { from, to, who, taken: taken.into_iter().collect(), gone }
    }
}

/// Joins neighbours with the same people.
fn joined<P: PartialEq>(pieces: Vec<Piece<P>>) -> Vec<(Timestamp, Timestamp, Vec<P>)> {
    let mut spans: Vec<(Timestamp, Timestamp, Vec<P>)> = Vec::new();
    for piece in pieces {
        match spans.last_mut() {
            Some((_, end, who)) if *who == piece.who => *end = piece.to,
            _ => spans.push((piece.from, piece.to, piece.who)),
        }
    }
    spans
}

/// Refuses layers that may change more often in a span of so many seconds than can be answered. Nothing is computed for it.
pub(crate) fn few_cuts<P>(layers: &[Layer<P>], seconds: i64) -> Result<()> {
    let weeks_of_days = seconds / DAY + 1;
    let of = |layer: &Layer<P>| {
        let hours: usize = layer.restrictions.iter().map(|one| one.days.iter().filter(|day| **day).count()).sum();
        let hours = i64::try_from(hours).unwrap_or(i64::MAX).saturating_mul(2).saturating_mul(weeks_of_days) / 7;
        (seconds / layer.length.max(1)).saturating_add(hours)
    };
    let cuts = layers.iter().map(of).fold(0_i64, i64::saturating_add);
    if cuts <= CUTS_MAX {
        return Ok(());
    }
    let days = weeks_of_days.saturating_sub(1).max(1);
    Err(Error::invalid(
        "rotations",
        format!(
            "In {days} days the rotations begin and end {cuts} times; at most {CUTS_MAX} are computed at once. Use longer turns, fewer restrictions or a shorter span."
        ),
    ))
}

/// Refuses overrides that name more people, each as often as it would be looked at, than can be answered.
fn few_names<P>(laid: &Laid<'_, P>) -> Result<()> {
    let place = |at: Timestamp| laid.cuts.partition_point(|cut| *cut < at);
    let of = |one: &&Override<P>| {
        let pieces = place(one.to).saturating_sub(place(one.from)).max(1);
        pieces.saturating_mul(one.add.len() + one.remove.len())
    };
    let names = laid.overrides.iter().map(of).fold(0_usize, usize::saturating_add);
    if names <= NAMES_MAX {
        return Ok(());
    }
    Err(Error::invalid(
        "overrides",
        format!(
            "The overrides name people {names} times over the pieces of this span; at most {NAMES_MAX} are computed at once. Use fewer, with fewer names, or a shorter span."
        ),
    ))
}

/// Every moment at which something may change, `from` and `to` included; none when the window is empty.
fn cuts<P>(from: Timestamp, to: Timestamp, rows: &[Vec<Turn<P>>], overrides: &[&Override<P>]) -> Vec<Timestamp> {
    if from >= to {
        return Vec::new();
    }
    let turns = rows.iter().flatten().flat_map(|turn| [turn.from, turn.to]);
    let exceptions = overrides.iter().flat_map(|one| [one.from, one.to]);
    let inside = turns.chain(exceptions).filter(|at| from < *at && *at < to);
    let mut all: Vec<Timestamp> = inside.chain([from, to]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

impl<P: Copy> Layer<P> {
    /// The turns of this layer in `[from, to)` where it is in force, in order.
    pub(crate) fn turns(&self, zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Turn<P>> {
        if from >= to || self.participants.is_empty() || self.length < 1 {
            return Vec::new();
        }
        let turns = self.all_turns(zone, from, to);
        if self.restrictions.is_empty() {
            return turns;
        }
        let hours = windows(&self.restrictions, zone, from, to);
        let mut cut = Vec::new();
        let mut hours = hours.iter().peekable();
        for turn in &turns {
            while hours.next_if(|(_, end)| *end <= turn.from).is_some() {}
            while let Some((start, end)) = hours.peek().copied().filter(|(start, _)| *start < turn.to) {
                cut.push(Turn { from: turn.from.max(*start), to: turn.to.min(*end), who: turn.who });
                if *end > turn.to {
                    break;
                }
                hours.next();
            }
        }
        cut
    }

    /// The turns without restrictions. The turn that began last counts, so one that lies in a time that the zone left out is
    /// no turn at all.
    fn all_turns(&self, zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Turn<P>> {
        let first = (wall::at(zone, from) - MARGIN - self.length - self.start).div_euclid(self.length).max(0);
        let end = wall::at(zone, to) + MARGIN;
        let last = (end - self.start).div_euclid(self.length);
        let people = i64::try_from(self.participants.len()).unwrap_or(1);
        let mut next = to;
        let mut turns = Vec::new();
        for number in (first..=last).rev() {
            let begins = wall::moment(zone, self.start + number * self.length).min(next);
            let place = usize::try_from(number.rem_euclid(people)).unwrap_or_default();
            if let Some(who) = self.participants.get(place).filter(|_| begins < next && from < next) {
                turns.push(Turn { from: begins.max(from), to: next, who: *who });
            }
            next = begins;
        }
        turns.reverse();
        turns
    }
}

/// The hours of restrictions as moments, in order, joined where they touch. They reach beyond the window.
fn windows(
    restrictions: &[Restriction],
    zone: &TimeZone,
    from: Timestamp,
    to: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let first = (wall::at(zone, from) - MARGIN - DAY).div_euclid(DAY);
    let last = (wall::at(zone, to) + MARGIN).div_euclid(DAY);
    let mut all = Vec::new();
    for day in (first..=last).filter(|day| wall::day_exists(zone, *day)) {
        let weekday = wall::weekday(day);
        for one in restrictions.iter().filter(|one| one.days.get(weekday) == Some(&true)) {
            let end = if one.to > one.from { day } else { day + 1 };
            let span = (wall::moment(zone, day * DAY + one.from), wall::moment(zone, end * DAY + one.to));
            if span.0 < span.1 {
                all.push(span);
            }
        }
    }
    all.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(all.len());
    for (start, end) in all {
        match joined.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => joined.push((start, end)),
        }
    }
    joined
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
