//! Any text, read as a calendar: events with a reason for what is left out, never a panic, and nothing outside of the window.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (from, to) = (jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::from_second(400 * 86_400).unwrap_or_default());
    let found = people::rota::ical::read(text, &jiff::tz::TimeZone::UTC, from, to);
    assert!(found.taken.iter().all(|one| one.from < one.to && one.from < to && from < one.to));
});
