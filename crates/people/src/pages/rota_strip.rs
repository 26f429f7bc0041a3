//! The strip of a rota: a row for each rotation and one for who is on call in the end.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use web::ui::{Fill, Stripe, Strips};

use crate::rota::duties;
use crate::rota::plan::{Piece, Turn};
use crate::rota::roster::Roster;

/// How many days a strip shows.
const DAYS: i64 = 14;

/// The days that a strip shows.
pub(super) struct Window {
    pub(super) zone: TimeZone,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) now: Timestamp,
}

impl Window {
    /// Two weeks from the midnight before a moment.
    pub(super) fn at(zone: &TimeZone, at: Timestamp, now: Timestamp) -> Self {
        let from = midnight(zone, at, 0);
        Self { zone: zone.clone(), from, to: midnight(zone, at, DAYS), now }
    }

    /// A date of this strip as an address takes it, some days off its beginning.
    pub(super) fn date(&self, days: i64) -> String {
        self.zone.to_datetime(midnight(&self.zone, self.from, days)).date().to_string()
    }

    fn share(&self, at: Timestamp) -> f64 {
        let seconds = |to: Timestamp| to.duration_since(self.from).as_secs_f64();
        seconds(at) / seconds(self.to).max(1.0)
    }

    /// A moment in words, in the rota's zone.
    pub(super) fn words(&self, at: Timestamp) -> String {
        self.zone.to_datetime(at).strftime("%a %-d %b, %H:%M").to_string()
    }

    fn stripe(&self, from: Timestamp, to: Timestamp, text: &str, why: &str, fill: Fill) -> Stripe {
        let reason = if why.is_empty() { String::new() } else { format!(": {why}") };
        let title = format!("{text}, {} to {}{reason}", self.words(from), self.words(to));
        Stripe { from: self.share(from), to: self.share(to), text: text.to_owned(), title, fill }
    }
}

/// The midnight before a moment, some days later.
fn midnight(zone: &TimeZone, at: Timestamp, days: i64) -> Timestamp {
    let date = zone.to_datetime(at).date();
    let later = Span::new().try_days(days).and_then(|span| date.checked_add(span)).unwrap_or(date);
    zone.to_timestamp(later.at(0, 0, 0, 0)).unwrap_or(at)
}

/// What a rotation is called on screen.
pub(super) fn layer_name(roster: &Roster, place: usize) -> String {
    let name = roster.rota.rotations.get(place).map(|one| one.name.as_str()).unwrap_or_default();
    if name.is_empty() { format!("Rotation {}", place + 1) } else { name.to_owned() }
}

/// The strip of a rota.
pub(super) fn strips(roster: &Roster, window: &Window) -> Strips {
    let days = (0..DAYS).map(|day| midnight(&window.zone, window.from, day));
    let marks = days.map(|at| (window.share(at), window.zone.to_datetime(at).strftime("%a %-d").to_string()));
    let mut strips = Strips::new(format!("Who is on call by {}", roster.rota.name)).marks(marks);
    if window.from <= window.now && window.now < window.to {
        strips = strips.now(window.share(window.now));
    }
    // The last in the list lies on top of the others, so it stands above them.
    for (place, layer) in roster.plan.layers.iter().enumerate().rev() {
        let turns = layer.turns(&roster.zone, window.from, window.to);
        let row = turns.iter().map(|turn| person(roster, window, turn)).collect();
        strips = strips.row(layer_name(roster, place), row);
    }
    let pieces = roster.plan.pieces(window.from, window.to);
    strips.row("On call", pieces.iter().map(|piece| last(roster, window, piece)).collect())
}

fn names(roster: &Roster, who: &[i64]) -> String {
    duties(&roster.people, who).into_iter().map(|one| one.name).collect::<Vec<_>>().join(", ")
}

fn person(roster: &Roster, window: &Window, turn: &Turn<i64>) -> Stripe {
    let gone = roster.plan.left.contains(&turn.who);
    let (why, fill) = if gone { ("can no longer sign in", Fill::Gap) } else { ("", Fill::Person) };
    window.stripe(turn.from, turn.to, &names(roster, &[turn.who]), why, fill)
}

fn last(roster: &Roster, window: &Window, piece: &Piece<i64>) -> Stripe {
    let planned = piece.taken.is_empty() && piece.gone.is_empty();
    match roster.gap(piece) {
        None => window.stripe(piece.from, piece.to, &names(roster, &piece.who), "", Fill::Person),
        Some(why) if planned => window.stripe(piece.from, piece.to, "Nobody", &why, Fill::Quiet),
        Some(why) => window.stripe(piece.from, piece.to, "Nobody", &why, Fill::Gap),
    }
}

#[cfg(test)]
mod tests {
    use maud::Render;

    use super::super::rota::tests::{HOSTILE, roster};
    use super::*;

    #[test]
    fn a_strip_has_a_row_for_each_rotation_and_says_where_nobody_is_on_call() {
        let roster = roster(HOSTILE, &[2]);
        let now = kernel::world::START.timestamp();
        let window = Window::at(&roster.zone, now, now);
        assert_eq!(window.date(0), "2026-03-02");
        assert_eq!(window.date(-14), "2026-02-16");
        let html = strips(&roster, &window).render().0;
        assert!(html.contains("Mon 2") && html.contains("Sun 15") && html.contains(">Rotation 1<"), "{html}");
        assert!(html.contains("class=\"gap\"") && html.contains("can no longer sign in"), "{html}");
        assert!(!html.contains("<script>"), "{html}");
    }
}
