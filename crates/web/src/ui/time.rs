//! Times and durations: relative under seven days, absolute on hover, always as `<time datetime>`.

use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

/// A text with a moment in it, as evidence has it: `web-01: 2026-03-02 08:00:10 UTC: refused`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamped<'a> {
    /// What stands before it.
    pub before: &'a str,
    /// The moment.
    pub at: Timestamp,
    /// It is written to the minute only.
    pub minute: bool,
    rest: &'a str,
}

impl<'a> Stamped<'a> {
    /// What stands behind it.
    #[must_use]
    pub const fn rest(&self) -> &'a str {
        self.rest
    }

    /// What stands behind it, without the colon between.
    #[must_use]
    pub fn after(&self) -> &'a str {
        self.rest.strip_prefix(": ").unwrap_or(self.rest)
    }
}

/// The first moment in a text: `2026-03-02 08:00:10 UTC`, `2026-03-02 08:00 UTC` or `2026-03-02T08:00:10Z`.
#[must_use]
pub fn stamped(text: &str) -> Option<Stamped<'_>> {
    text.match_indices('-').find_map(|(dash, _)| {
        let (before, from) = text.split_at_checked(dash.checked_sub("2026".len())?)?;
        let whole = !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        let (at, minute, length) = whole.then(|| moment(from)).flatten()?;
        Some(Stamped { before, at, minute, rest: from.get(length..)? })
    })
}

/// The moment that a text begins with: when, whether to the minute only, and its length in bytes.
fn moment(text: &str) -> Option<(Timestamp, bool, usize)> {
    let civil = |length: usize, minute: bool| {
        let stamp = text.get(..length).filter(|_| text.get(length..).is_some_and(|rest| rest.starts_with(" UTC")))?;
        let at = stamp.parse::<jiff::civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
        Some((at, minute, length + " UTC".len()))
    };
    let rfc3339 = || {
        let end = text.bytes().take(32).position(|byte| byte == b'Z')? + 1;
        let stamp = text.get(..end).filter(|stamp| stamp.as_bytes().get(10) == Some(&b'T'))?;
        Some((stamp.parse().ok()?, false, end))
    };
    civil("2026-03-02 08:00:10".len(), false).or_else(|| civil("2026-03-02 08:00".len(), true)).or_else(rfc3339)
}

/// The reader's now and zone. Pages take it as a value; nothing here asks the machine for the time.
#[derive(Debug, Clone)]
pub struct Clock {
    now: Timestamp,
    zone: TimeZone,
}

impl Clock {
    /// A clock showing `now` in `zone`.
    #[must_use]
    pub const fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self { now, zone }
    }

    /// A clock showing UTC from microseconds since 1970, as stored in the database.
    #[must_use]
    pub fn utc_us(now_us: i64) -> Self {
        Self::new(Timestamp::from_microsecond(now_us).unwrap_or_default(), TimeZone::UTC)
    }

    /// The instant it shows.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The zone it shows times in.
    pub(crate) const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The zone's name as browsers know it; UTC for a zone without a name.
    pub(crate) fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    fn seconds_since(&self, at: Timestamp) -> i64 {
        self.now.as_second().saturating_sub(at.as_second())
    }

    fn format(&self, at: Timestamp, pattern: &str) -> String {
        at.to_zoned(self.zone.clone()).strftime(pattern).to_string()
    }

    /// `Sat 21 Nov 2026, 14:05:09 CET`: what the hover shows.
    #[must_use]
    pub fn absolute(&self, at: Timestamp) -> String {
        self.format(at, "%a %-d %b %Y, %H:%M:%S %Z")
    }

    /// `12 Nov`, with the year when it is another one.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> String {
        let same = self.format(at, "%Y") == self.format(self.now, "%Y");
        self.format(at, if same { "%-d %b" } else { "%-d %b %Y" })
    }

    /// `5 min ago`, `in 3 h`, `just now`; a date beyond seven days.
    #[must_use]
    pub fn relative(&self, at: Timestamp) -> String {
        let seconds = self.seconds_since(at);
        match seconds.abs() {
            0..45 => "just now".to_owned(),
            WEEK.. => self.date(at),
            size if seconds > 0 => format!("{} ago", rough(size)),
            size => format!("in {}", rough(size)),
        }
    }

    fn element(&self, at: Timestamp, text: &str) -> Markup {
        html! { time datetime=(at.to_string()) title=(self.absolute(at)) { (text) } }
    }

    /// [`Clock::relative`] as an element.
    #[must_use]
    pub fn ago(&self, at: Timestamp) -> Markup {
        self.element(at, &self.relative(at))
    }

    /// `5 min`, for columns that are headed "Updated" or "Age".
    #[must_use]
    pub fn short(&self, at: Timestamp) -> Markup {
        let size = self.seconds_since(at).abs();
        let text = if size >= WEEK {
            self.date(at)
        } else if size < 45 {
            "now".to_owned()
        } else {
            rough(size)
        };
        self.element(at, &text)
    }

    /// `08:51` today, `Fri 08:51` this week, `12 Nov` before: for timelines.
    #[must_use]
    pub fn when(&self, at: Timestamp) -> Markup {
        let today = self.format(at, "%F") == self.format(self.now, "%F");
        let text = match self.seconds_since(at).abs() {
            _ if today => self.format(at, "%H:%M"),
            WEEK.. => self.date(at),
            _ => self.format(at, "%a %H:%M"),
        };
        self.element(at, &text)
    }

    /// `08:51:07` today, `12 Nov 08:51:07` before: for what was seen.
    #[must_use]
    pub fn second(&self, at: Timestamp) -> Markup {
        self.element(at, &self.clocked(at, "%H:%M:%S"))
    }

    /// A time of today, with its day before and after.
    fn clocked(&self, at: Timestamp, pattern: &str) -> String {
        let today = self.format(at, "%F") == self.format(self.now, "%F");
        let time = self.format(at, pattern);
        if today { time } else { format!("{} {time}", self.date(at)) }
    }

    fn words(&self, found: &Stamped<'_>) -> String {
        self.clocked(found.at, if found.minute { "%H:%M" } else { "%H:%M:%S" })
    }

    /// A text whose moments stand in the reader's zone.
    #[must_use]
    pub fn spoken(&self, text: &str) -> Markup {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(found) = stamped(rest) {
            rest = found.rest;
            parts.push(found);
        }
        html! {
            @for found in &parts { (found.before) (self.element(found.at, &self.words(found))) }
            (rest)
        }
    }

    /// [`Clock::spoken`] without elements, for titles and labels.
    #[must_use]
    pub fn plain(&self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(found) = stamped(rest) {
            plain.push_str(found.before);
            plain.push_str(&self.words(&found));
            rest = found.rest;
        }
        plain.push_str(rest);
        plain
    }

    /// `Sat 21 Nov, 14:05`: for appointments and windows.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Markup {
        let same = self.format(at, "%Y") == self.format(self.now, "%Y");
        self.element(at, &self.format(at, if same { "%a %-d %b, %H:%M" } else { "%a %-d %b %Y, %H:%M" }))
    }
}

fn rough(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..DAY => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / DAY),
    }
}

/// A length of time in at most two units: `45 s`, `3 h 12 min`, `2 d 4 h`, `412 d`.
#[must_use]
pub fn duration(seconds: i64) -> String {
    let sign = if seconds < 0 { "−" } else { "" };
    let s = seconds.saturating_abs();
    let two = |big: i64, big_unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big} {big_unit}") } else { format!("{big} {big_unit} {small} {small_unit}") }
    };
    let text = match s {
        0..60 => format!("{s} s"),
        60..600 => two(s / 60, "min", s % 60, "s"),
        600..3600 => format!("{} min", s / 60),
        3600..DAY => two(s / 3600, "h", s % 3600 / 60, "min"),
        _ if s < 10 * DAY => two(s / DAY, "d", s % DAY / 3600, "h"),
        _ => format!("{} d", s / DAY),
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::{Clock, duration, stamped};
    use jiff::{Timestamp, tz::TimeZone};

    fn clock() -> Clock {
        Clock::new("2026-11-21T13:05:09Z".parse().unwrap(), TimeZone::fixed(jiff::tz::offset(1)))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_is_relative_for_a_week_and_a_date_after_it() {
        let cases = [
            ("2026-11-21T13:05:00Z", "just now"),
            ("2026-11-21T13:00:09Z", "5 min ago"),
            ("2026-11-21T16:06:09Z", "in 3 h"),
            ("2026-11-15T13:05:09Z", "6 d ago"),
            ("2026-11-12T13:05:09Z", "12 Nov"),
            ("2025-11-12T13:05:09Z", "12 Nov 2025"),
        ];
        for (input, expected) in cases {
            assert_eq!(clock().relative(at(input)), expected);
        }
    }

    #[test]
    fn the_hover_shows_the_absolute_time_in_the_readers_zone() {
        let html = clock().ago(at("2026-11-21T13:00:09Z")).0;
        assert!(html.contains("Sat 21 Nov 2026, 14:00:09 +01"), "{html}");
        assert!(html.contains(r#"datetime="2026-11-21T13:00:09Z""#));
    }

    #[test]
    fn a_timeline_shows_the_hour_today_and_the_day_before_that() {
        assert!(clock().when(at("2026-11-21T07:51:00Z")).0.contains(">08:51<"));
        assert!(clock().when(at("2026-11-20T07:51:00Z")).0.contains(">Fri 08:51<"));
        assert!(clock().when(at("2026-11-12T07:51:00Z")).0.contains(">12 Nov<"));
    }

    #[test]
    fn a_moment_in_a_text_stands_in_the_readers_zone() {
        let found = stamped("web, Site: 2026-11-21 07:51:09 UTC: 10.0.0.1:9: refused").unwrap();
        assert_eq!((found.before, found.after()), ("web, Site: ", "10.0.0.1:9: refused"));
        let html = clock().spoken("Due at 2026-11-21 07:51:09 UTC, and late; <b> since 2026-11-20 07:51:09 UTC.").0;
        assert!(html.contains("Due at <time") && html.contains(">08:51:09</time>, and late; &lt;b&gt;"), "{html}");
        assert!(html.contains(">20 Nov 08:51:09</time>."), "{html}");
        assert!(clock().spoken("2026-11-21 07:51:09 UTC: refused").0.ends_with("</time>: refused"));
        for text in [
            "",
            " UTC",
            "the UTC",
            "é026-11-21 07:51:09 UTC",
            "2026-13-21 07:51:09 UTC x",
            "2026-11-21T07:51",
            "v12026-11-21 07:51 UTC",
        ] {
            assert!(stamped(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_text_of_many_moments_is_spoken_without_end_of_the_stack() {
        let many = 20_000;
        let html = clock().spoken(&"2026-11-21 14:30 UTC<".repeat(many)).0;
        assert_eq!((html.matches(">15:30</time>&lt;").count(), html.ends_with("</time>&lt;")), (many, true));
    }

    #[test]
    fn moments_to_the_minute_and_of_machines_are_read_too_with_and_without_elements() {
        let text = "Until 2026-11-21 14:30 UTC: works; it began 2026-11-20T07:51:09.250Z, said 1-2-3 Z.";
        let html = clock().spoken(text).0;
        assert!(html.contains("Until <time") && html.contains(">15:30</time>: works; it began <time"), "{html}");
        assert_eq!(clock().plain(text), "Until 15:30: works; it began 20 Nov 08:51:09, said 1-2-3 Z.");
        assert_eq!(clock().plain("nothing"), "nothing");
    }

    #[test]
    fn a_duration_uses_at_most_two_units() {
        let cases = [
            (0, "0 s"),
            (90, "1 min 30 s"),
            (900, "15 min"),
            (11_520, "3 h 12 min"),
            (187_200, "2 d 4 h"),
            (35_596_800, "412 d"),
            (-3600, "−1 h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected);
        }
        assert!(duration(i64::MIN).starts_with('−'));
    }
}
