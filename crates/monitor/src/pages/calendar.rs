//! The calendar of maintenance and silences: a week, two or a month, each window and silence a row.

use kernel::address::with_query;
use kernel::time::DAY;
use kernel::{Result, Time};
use maud::{Markup, html};
use web::page::PageCx;
use web::ui::{Card, Clock, Fill, Stripe, Strips};

use crate::maintenance::Window;
use crate::maintenance::list::ListWindows;
use crate::silence::{ListSilences, Silence};

/// How many days it shows.
const SPANS: [(i64, &str); 3] = [(7, "Week"), (14, "Two weeks"), (31, "Month")];
/// Windows and silences that are read for it.
const READ_MAX: usize = 200;
/// Rows that are drawn.
const ROWS_MAX: usize = 40;
/// Occurrences of one window that are drawn.
const TIMES_MAX: usize = 62;

/// What the calendar shows.
pub(super) struct Calendar {
    clock: Clock,
    zone: jiff::tz::TimeZone,
    now: Time,
    today: jiff::civil::Date,
    first: jiff::civil::Date,
    days: i64,
    windows: Vec<Window>,
    silences: Vec<Silence>,
}

/// Reads what the calendar of an address shows: `days` from `from` on.
pub(super) fn read(page: &mut PageCx) -> Result<Calendar> {
    let today = page.zone.to_datetime(page.cx.now.timestamp()).date();
    let first = page.param("from").and_then(|text| text.parse().ok()).unwrap_or(today);
    let asked = page.param("days").and_then(|text| text.parse::<i64>().ok());
    let days = asked.filter(|asked| SPANS.iter().any(|(days, _)| days == asked)).unwrap_or(14);
    let past = first < today;
    let limit = Some(READ_MAX);
    let windows = page.cx.call(&ListWindows { over: past, limit, ..ListWindows::default() })?.items;
    let silences = if page.cx.may(ListSilences::OPERATION) {
        page.cx.call(&ListSilences { ended: past, limit, ..ListSilences::default() })?.items
    } else {
        Vec::new()
    };
    let (clock, zone, now) = (page.clock(), page.zone.clone(), page.cx.now);
    Ok(Calendar { clock, zone, now, today, first, days, windows, silences })
}

impl Calendar {
    fn moment(&self, day: i64) -> Time {
        let date = self.first.saturating_add(jiff::Span::new().days(day.clamp(-1_000, 1_000)));
        let at = self.zone.to_timestamp(date.at(0, 0, 0, 0)).map(jiff::Timestamp::as_microsecond);
        at.map_or(self.now, Time)
    }

    /// A moment as a share of what is shown.
    fn share(&self, at: Time) -> f64 {
        let seconds = |micros: i64| i32::try_from(micros / kernel::time::SECOND).map_or(f64::from(i32::MAX), f64::from);
        seconds(at.since(self.moment(0))) / seconds(self.moment(self.days).since(self.moment(0))).max(1.0)
    }

    fn stripe(&self, (from, until): (Time, Time), text: &str, fill: Fill) -> Stripe {
        let (begin, end) = (self.clock.absolute(from.timestamp()), self.clock.absolute(until.timestamp()));
        Stripe {
            from: self.share(from).max(0.0),
            to: self.share(until).min(1.0),
            text: text.to_owned(),
            title: format!("{text}: {begin} to {end}"),
            fill,
        }
    }

    fn rows(&self) -> Vec<(String, Vec<Stripe>)> {
        let (from, to) = (self.moment(0), self.moment(self.days));
        let windows = self.windows.iter().map(|window| {
            let times = window.spans(from, to, TIMES_MAX);
            let stripes = times.into_iter().map(|span| self.stripe(span, &window.name, Fill::Planned)).collect();
            (window.name.clone(), stripes)
        });
        let silences = self.silences.iter().filter(|one| one.until > from && one.from < to).map(|one| {
            (format!("Silence: {}", one.reason), vec![self.stripe((one.from, one.until), &one.reason, Fill::Silenced)])
        });
        let all = windows.chain(silences).filter(|(_, stripes): &(String, Vec<Stripe>)| !stripes.is_empty());
        all.take(ROWS_MAX).collect()
    }

    fn href(&self, days: i64, from: jiff::civil::Date) -> String {
        let from = if from == self.today { String::new() } else { from.to_string() };
        with_query("/monitoring/maintenance", &[("days", &days.to_string()), ("from", &from)])
    }

    fn moves(&self) -> Markup {
        let shifted = |days: i64| self.first.saturating_add(jiff::Span::new().days(days));
        let (days, last) = (self.days, shifted(self.days - 1));
        html! {
            nav.range aria-label="Span of the calendar" {
                span.words {
                    @for (span, word) in SPANS {
                        a href=(self.href(span, self.first)) aria-current=[(span == days).then_some("true")] data-swap="#calendar" { (word) }
                    }
                }
                span.moves {
                    a class="btn small" href=(self.href(days, shifted(-days))) data-swap="#calendar" { "Earlier" }
                    @if self.first != self.today { a class="btn small" href=(self.href(days, self.today)) data-swap="#calendar" { "Today" } }
                    a class="btn small" href=(self.href(days, shifted(days))) data-swap="#calendar" { "Later" }
                }
                span.shown { (self.first.strftime("%-d %b")) " to " (last.strftime("%-d %b %Y")) }
            }
        }
    }
}

/// The card of the calendar.
pub(super) fn card(calendar: &Calendar) -> Markup {
    let marks = (0..calendar.days).map(|day| {
        let at = calendar.moment(day);
        let noon = calendar.zone.to_datetime(at.plus(DAY / 2).timestamp());
        let text = noon.strftime("%a %-d").to_string();
        // A month has room for the first letter alone.
        let short =
            text.split_once(' ').map(|(name, day)| format!("{} {day}", name.chars().take(1).collect::<String>()));
        (calendar.share(at), if calendar.days > 14 { short.unwrap_or(text) } else { text })
    });
    let mut strips = Strips::new("Maintenance and silences").marks(marks);
    let now = calendar.share(calendar.now);
    if (0.0..=1.0).contains(&now) {
        strips = strips.now(now);
    }
    let rows = calendar.rows();
    let none = rows.is_empty();
    for (name, stripes) in rows {
        strips = strips.row(name, stripes);
    }
    let zone = calendar.zone.iana_name().unwrap_or("UTC").to_owned();
    html! {
        (Card::new("Calendar").id("calendar").note(html! { "in " (zone) }).body(html! {
            (calendar.moves())
            @if none { p.muted { "Neither maintenance nor a silence in this time." } } @else { (strips) }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;

    fn drawn(first: &str, days: i64, windows: Vec<Window>, silences: Vec<Silence>) -> String {
        let now = Time::parse("2026-03-10T12:00:00Z").unwrap();
        let zone = jiff::tz::TimeZone::UTC;
        let (clock, today) = (Clock::utc_us(now.0), "2026-03-10".parse().unwrap());
        card(&Calendar { clock, zone, now, today, first: first.parse().unwrap(), days, windows, silences })
            .into_string()
    }

    #[test]
    fn the_calendar_shows_what_lies_in_its_span_and_leads_to_others() {
        let two = drawn("2026-03-10", 14, vec![Window::sample("Patch night")], vec![]);
        assert!(two.contains("Patch night: ") && two.contains("10 Mar to 23 Mar 2026"), "{two}");
        assert!(two.contains("days=14&amp;from=2026-02-24") && two.contains("days=14&amp;from=2026-03-24"));
        assert!(two.contains("Tue") && !two.contains(">Today<") && two.contains("line class=\"now\""));
        let week = drawn("2026-03-01", 7, vec![Window::sample("Patch night")], vec![]);
        assert!(week.contains("Neither maintenance nor a silence") && week.contains(">Today<"));
        let now = Time::parse("2026-03-10T12:00:00Z").unwrap();
        let silence = || Silence { from: now, until: now.plus(DAY), ..Silence::sample(HOSTILE) };
        let month = drawn("2026-03-01", 31, vec![Window::sample(HOSTILE); 50], vec![silence(); 50]);
        assert!(month.len() < 200_000 && !month.contains("<script>alert") && month.contains("1 Mar to 31 Mar 2026"));
    }
}
