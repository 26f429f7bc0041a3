//! The axis of time: instants on round times of the reader's zone.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

const DAY_S: i64 = 86_400;
/// Steps within a day, in seconds.
const STEPS_S: [i64; 16] = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200];
/// Steps of days.
const STEPS_DAYS: [i64; 7] = [1, 2, 7, 14, 30, 90, 365];
/// More labels would touch each other where charts stand side by side.
const TICKS_MAX: i64 = 7;

/// A label on the axis of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// How far along the axis, from 0 to 1.
    pub(super) share: f64,
    /// `14:05`, `14:05:30`, or `21 Nov` where a day begins.
    pub(super) text: String,
}

/// The labels between two instants, in milliseconds since 1970. Hours are those of the wall, also after clocks were changed.
pub(super) fn ticks(from_ms: i64, to_ms: i64, zone: &TimeZone) -> Vec<Tick> {
    let span_s = to_ms.saturating_sub(from_ms) / 1_000;
    let rough = span_s / TICKS_MAX;
    let in_day = STEPS_S.into_iter().find(|step| *step >= rough);
    let step_s = in_day.unwrap_or_else(|| {
        let days = STEPS_DAYS.into_iter().find(|days| days * DAY_S >= rough);
        days.unwrap_or(STEPS_DAYS.last().copied().unwrap_or(1) * (1 + rough / (365 * DAY_S))) * DAY_S
    });
    let Ok(start) = Timestamp::from_millisecond(from_ms) else { return Vec::new() };
    let midnight = start.to_zoned(zone.clone()).date().to_datetime(civil::Time::midnight());
    let mut out: Vec<Tick> = Vec::new();
    let most = (2 * DAY_S + span_s) / step_s + 2;
    for nth in 0..most {
        let Ok(wall) = midnight.checked_add(SignedDuration::from_secs(nth * step_s)) else { break };
        let Ok(at) = zone.to_timestamp(wall) else { break };
        let at_ms = at.as_millisecond();
        if at_ms > to_ms {
            break;
        }
        let share = share(at_ms, from_ms, to_ms);
        if at_ms >= from_ms && out.last().is_none_or(|last| last.share < share) {
            out.push(Tick { share, text: label(wall, step_s) });
        }
    }
    out
}

fn label(wall: civil::DateTime, step_s: i64) -> String {
    let pattern = match step_s {
        _ if step_s >= DAY_S || wall.time() == civil::Time::midnight() => "%-d %b",
        _ if step_s >= 60 => "%H:%M",
        _ => "%H:%M:%S",
    };
    wall.strftime(pattern).to_string()
}

/// How far an instant is from one end to the other.
#[expect(clippy::cast_precision_loss, reason = "a pixel is coarser than what is lost")]
pub(super) fn share(at_ms: i64, from_ms: i64, to_ms: i64) -> f64 {
    at_ms.saturating_sub(from_ms) as f64 / to_ms.saturating_sub(from_ms).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::ticks;
    use jiff::{Timestamp, tz::TimeZone};

    fn texts(from: &str, to: &str, zone: &str) -> Vec<String> {
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        ticks(ms(from), ms(to), &zone).into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn times_are_round_on_the_readers_clock() {
        let cases: [(&str, &str, &str, &[&str]); 6] = [
            (
                "2026-11-22T08:03:00Z",
                "2026-11-22T09:03:00Z",
                "UTC",
                &["08:10", "08:20", "08:30", "08:40", "08:50", "09:00"],
            ),
            (
                "2026-11-22T08:00:00Z",
                "2026-11-22T08:01:00Z",
                "UTC",
                &["08:00:00", "08:00:10", "08:00:20", "08:00:30", "08:00:40", "08:00:50", "08:01:00"],
            ),
            ("2026-11-21T14:30:00Z", "2026-11-22T14:30:00Z", "UTC", &["18:00", "22 Nov", "06:00", "12:00"]),
            (
                "2026-11-15T12:00:00Z",
                "2026-11-22T12:00:00Z",
                "UTC",
                &["16 Nov", "17 Nov", "18 Nov", "19 Nov", "20 Nov", "21 Nov", "22 Nov"],
            ),
            ("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", "Europe/Berlin", &["18:00", "25 Oct", "06:00", "12:00"]),
            (
                "2026-11-22T08:00:00Z",
                "2026-11-22T09:00:00Z",
                "Asia/Kathmandu",
                &["13:50", "14:00", "14:10", "14:20", "14:30", "14:40"],
            ),
        ];
        for (from, to, zone, expected) in cases {
            let got = texts(from, to, zone);
            assert_eq!(got, expected, "{from} {to} {zone}");
        }
    }

    #[test]
    fn any_span_has_a_few_labels_and_none_outside() {
        for span_s in [1, 30, 600, 86_400, 3 * 86_400, 400 * 86_400, 40 * 365 * 86_400_i64] {
            let all = ticks(1_795_248_000_123, 1_795_248_000_123 + span_s * 1_000, &TimeZone::UTC);
            assert!(all.len() <= 9, "{span_s}: {all:?}");
            assert!(all.iter().all(|tick| (0.0..=1.0).contains(&tick.share)));
        }
        assert!(ticks(i64::MIN, i64::MAX, &TimeZone::UTC).is_empty());
        assert!(ticks(5, 5, &TimeZone::UTC).len() <= 1);
    }
}
