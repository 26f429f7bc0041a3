//! Calendars as text (RFC 5545): shifts out, and events of other calendars in. Written by hand, since what is needed is small:
//! events with a beginning and an end, in UTC on the way out. On the way in, events that cannot be understood are left out
//! with a reason, and one bad event never spoils the others.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

mod lines;
mod read;
mod repeat;

pub use read::{Left, Read, Taken, read};

/// The longest line of a calendar, in bytes without its end.
const LINE_BYTES: usize = 75;

/// An event of a calendar that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Stays the same as long as it is the same event.
    pub uid: String,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// Its one line.
    pub summary: String,
    /// More about it; empty for nothing.
    pub description: String,
    /// When it was last changed.
    pub changed: Timestamp,
}

/// A calendar as text.
pub fn write(name: &str, events: &[Event]) -> String {
    let mut out = String::new();
    for (name, value) in [
        ("BEGIN", "VCALENDAR"),
        ("VERSION", "2.0"),
        ("PRODID", "-//Mainstay//On call//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
        ("NAME", &escaped(name)),
        ("X-WR-CALNAME", &escaped(name)),
        ("REFRESH-INTERVAL;VALUE=DURATION", "PT1H"),
        ("X-PUBLISHED-TTL", "PT1H"),
    ] {
        line(&mut out, name, value);
    }
    for event in events {
        line(&mut out, "BEGIN", "VEVENT");
        line(&mut out, "UID", &event.uid);
        line(&mut out, "DTSTAMP", &utc(event.changed));
        line(&mut out, "DTSTART", &utc(event.from));
        line(&mut out, "DTEND", &utc(event.to));
        line(&mut out, "SUMMARY", &escaped(&event.summary));
        if !event.description.is_empty() {
            line(&mut out, "DESCRIPTION", &escaped(&event.description));
        }
        line(&mut out, "TRANSP", "TRANSPARENT");
        line(&mut out, "END", "VEVENT");
    }
    line(&mut out, "END", "VCALENDAR");
    out
}

fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Text as a value: what has a meaning in calendars stands behind a backslash, other control characters are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push_str("\\n"),
            c if c.is_control() && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

/// One property, folded after 75 bytes and never inside a character.
fn line(out: &mut String, name: &str, value: &str) {
    let mut text = String::new();
    let _ = write!(text, "{name}:{value}");
    let mut used = 0;
    for c in text.chars() {
        if used + c.len_utf8() > LINE_BYTES {
            out.push_str("\r\n ");
            used = 1;
        }
        out.push(c);
        used += c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests;
