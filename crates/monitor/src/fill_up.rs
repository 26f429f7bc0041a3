//! When a file system will be full: a robust line through what it held in the last week, with a band around it. The line
//! is that of Theil and Sen (the median of the slopes between all pairs of points), which a nightly backup or one big
//! download does not bend; its band is Sen's 90 % interval (P. K. Sen, "Estimates of the Regression Coefficient Based on
//! Kendall's Tau", 1968). What was there before the last clean-up says nothing about what comes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use kernel::Time;
use kernel::time::DAY;
use tsdb::{Limits, Matcher};

use crate::heartbeat::Verdict;
use crate::live::lock;
use crate::machine::Outcome;

/// How far back the line looks, in microseconds.
const BACK_MICROS: i64 = 7 * DAY;
/// Points that the line goes through: one an hour over a week.
const POINTS: i64 = 168;
/// Shortest distance of two points, in milliseconds.
const STEP_MS_MIN: i64 = 5 * 60_000;
/// Fewest points of a line.
const POINTS_MIN: usize = 6;
/// A fall by this share of the size is a clean-up: the line begins anew.
const CLEANED: f64 = 0.05;
/// Full in more than this is as good as never, in hours: a year.
const FAR_H: f64 = 8_760.0;
/// Figures that are older than this say nothing about now, in milliseconds.
const FRESH_MS: i64 = 30 * 60_000;
/// The share of the normal distribution that lies within this many deviations is 90 %.
const DEVIATIONS: f64 = 1.645;

/// How full a file system is and how it fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trend {
    /// Bytes of it.
    pub(crate) size: f64,
    /// Bytes that are left.
    pub(crate) left: f64,
    /// Bytes an hour, and the band: the slowest and the fastest that fit. Nothing when there are too few points.
    pub(crate) rate: Option<(f64, f64, f64)>,
}

/// The trend of a file system, from points of time in milliseconds, size and room left, in order of time.
pub(crate) fn trend(points: &[(i64, f64, f64)]) -> Option<Trend> {
    let &(_, size, left) = points.last()?;
    let (first, last) = (points.first()?.0, points.last()?.0);
    let step = ((last - first) / POINTS).max(STEP_MS_MIN);
    // The last point of each step, in hours and bytes in use.
    let mut thinned: Vec<(f64, f64)> = Vec::new();
    let mut bucket = i64::MIN;
    for (at, size, left) in points {
        let point = (*at as f64 / 3_600_000.0, size - left);
        if at.div_euclid(step) == bucket {
            if let Some(there) = thinned.last_mut() {
                *there = point;
            }
        } else {
            bucket = at.div_euclid(step);
            thinned.push(point);
        }
    }
    let falls = thinned.iter().zip(thinned.iter().skip(1)).rposition(|(a, b)| a.1 - b.1 > CLEANED * size);
    let kept = thinned.get(falls.map_or(0, |at| at + 1)..).unwrap_or_default();
    Some(Trend { size, left, rate: slope(kept) })
}

/// The median of all slopes, and the least and greatest that fit.
fn slope(points: &[(f64, f64)]) -> Option<(f64, f64, f64)> {
    if points.len() < POINTS_MIN {
        return None;
    }
    let mut slopes: Vec<f64> = Vec::with_capacity(points.len() * points.len() / 2);
    for (at, (x, y)) in points.iter().enumerate() {
        slopes.extend(points.iter().skip(at + 1).filter(|(other, _)| other > x).map(|(x2, y2)| (y2 - y) / (x2 - x)));
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let (n, count) = (points.len() as f64, slopes.len() as f64);
    let reach = DEVIATIONS * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let nth = |at: f64| slopes.get(at.clamp(0.0, count - 1.0) as usize).copied();
    Some((nth(count / 2.0)?, nth((count - reach) / 2.0)?, nth((count + reach) / 2.0)?))
}

impl Trend {
    /// Hours until it is full, and the soonest and latest that fit; nothing when it does not fill, or not surely.
    pub(crate) fn full_in_h(&self) -> Option<(f64, f64, f64)> {
        let (rate, slow, fast) = self.rate.filter(|(_, slow, _)| *slow > 0.0)?;
        let hours = self.left / rate;
        (hours <= FAR_H).then(|| (hours, self.left / fast, self.left / slow))
    }

    /// Percent in use.
    fn used(&self) -> f64 {
        100.0 * (1.0 - self.left / self.size.max(1.0))
    }

    /// When it will be full, as a line of evidence goes on.
    pub(crate) fn words(&self) -> String {
        let Some((_, _, _)) = self.rate else { return "too little is known yet to say how it fills".into() };
        match (self.full_in_h(), self.rate) {
            (Some((hours, soon, late)), Some((rate, ..))) => format!(
                "it fills by {} a day and will be full in {} ({} to {})",
                size(rate * 24.0),
                long(hours),
                long(soon),
                if late > FAR_H { "never".into() } else { long(late) }
            ),
            _ => "it is not filling".into(),
        }
    }
}

fn long(hours: f64) -> String {
    web::ui::duration((hours * 3_600.0).clamp(0.0, 1e10) as i64)
}

fn size(bytes: f64) -> String {
    web::ui::bytes(bytes.clamp(0.0, 1e18) as u64)
}

/// Judges the room of a mount point against the hours that must be left.
pub(crate) fn judge(series: &tsdb::Store, asset: i64, mount: &str, full_within_h: f64, now: Time) -> Verdict {
    let Some(trend) = read(series, asset, mount, now) else {
        return (Outcome::Unknown, None, format!("The agent sent no figures of {mount} lately."));
    };
    verdict(&trend, mount, full_within_h)
}

fn verdict(trend: &Trend, mount: &str, full_within_h: f64) -> Verdict {
    let text = format!("{mount} is {:.1} % full; {}.", trend.used(), trend.words());
    let full = trend.left < 0.001 * trend.size;
    match trend.full_in_h() {
        _ if full => (Outcome::Bad, Some(0.0), format!("{mount} is full.")),
        Some((hours, ..)) if hours < full_within_h => (Outcome::Bad, Some(hours), text),
        Some((hours, ..)) => (Outcome::Good, Some(hours), text),
        None if trend.rate.is_none() => (Outcome::Unknown, None, text),
        None => (Outcome::Good, None, text),
    }
}

/// What root keeps back, by the newest of what is free and what others may use: neither used nor free, as `df` counts and
/// as the check of a file system does.
pub(crate) fn reserve(free: &[(i64, f64)], left: &[(i64, f64)]) -> f64 {
    let newest = |points: &[(i64, f64)]| points.last().map(|(_, bytes)| *bytes);
    newest(free).zip(newest(left)).map_or(0.0, |(free, left)| (free - left).max(0.0))
}

/// The trend of an asset's mount point, from the series that its agent sends.
pub(crate) fn read(series: &tsdb::Store, asset: i64, mount: &str, now: Time) -> Option<Trend> {
    let asset = asset.to_string();
    let read = |metric: &str| {
        let matchers = [Matcher::metric(metric), Matcher::equal("asset", &asset), Matcher::equal("mountpoint", mount)];
        let span = (now.plus(-BACK_MICROS).millis(), now.millis());
        // A mount point that was on other devices before has several series; the newest is the one of now.
        let found = series.select(&matchers, span.0, span.1, Limits { series: 20, ..Limits::default() }).ok()?;
        found.into_iter().max_by_key(|one| one.points.last().map(|(at, _)| *at))
    };
    let (sizes, left) = (read("node_filesystem_size_bytes")?, read("node_filesystem_avail_bytes")?);
    if now.millis() - left.points.last()?.0 > FRESH_MS {
        return None;
    }
    let free = read("node_filesystem_free_bytes");
    let reserve = reserve(free.as_ref().map_or(&[], |one| &one.points), &left.points);
    let mut sizes_in_order = sizes.points.iter().peekable();
    let mut size = sizes_in_order.peek().map(|(_, size)| *size)?;
    let points: Vec<(i64, f64, f64)> = left
        .points
        .iter()
        .map(|(at, left)| {
            while let Some((_, known)) = sizes_in_order.next_if(|(known_at, _)| known_at <= at) {
                size = *known;
            }
            (*at, size - reserve, *left)
        })
        .collect();
    trend(&points)
}

/// What is said of the file systems that checks look at: made anew every few minutes, and added to their evidence.
#[derive(Default)]
pub(crate) struct Forecasts(Mutex<HashMap<i64, String>>);

impl Forecasts {
    /// What is said about the file system of a check.
    pub(crate) fn of(&self, check: i64) -> Option<String> {
        lock(&self.0).get(&check).cloned()
    }

    /// Puts down what is said, or that nothing is.
    pub(crate) fn put(&self, check: i64, said: Option<String>) {
        let mut all = lock(&self.0);
        match said {
            Some(said) => drop(all.insert(check, said)),
            None => drop(all.remove(&check)),
        }
    }

    /// Forgets all but these.
    pub(crate) fn keep(&self, checks: &BTreeSet<i64>) {
        lock(&self.0).retain(|check, _| checks.contains(check));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: f64 = 1_073_741_824.0;

    /// Points every quarter of an hour: of 100 GiB, so many are in use at an hour.
    fn over(hours: i64, used_gib: impl Fn(f64) -> f64) -> Vec<(i64, f64, f64)> {
        let at = |quarter: i64| (quarter * 900_000, 100.0 * GIB, (100.0 - used_gib(quarter as f64 / 4.0)) * GIB);
        (0..hours * 4).map(at).collect()
    }

    fn check(points: &[(i64, f64, f64)], within_h: f64, outcome: Outcome, part: &str) -> Option<f64> {
        let (found, value, text) = verdict(&trend(points).unwrap(), "/var", within_h);
        assert_eq!(found, outcome, "{text}");
        assert!(text.contains(part), "{text}");
        value
    }

    #[test]
    fn a_steady_fill_is_told_with_its_end() {
        let hours = check(&over(100, |hour| 50.0 + 0.2 * hour), 48.0, Outcome::Good, "will be full in 6 d");
        assert!((hours.unwrap() - 150.0).abs() < 2.0, "{hours:?}");
        check(
            &over(100, |hour| 75.0 + 0.2 * hour),
            48.0,
            Outcome::Bad,
            "it fills by 4.8 GiB a day and will be full in 1 d",
        );
    }

    #[test]
    fn what_rises_and_falls_with_the_day_or_jumps_once_is_not_filling() {
        let daily = |hour: f64| 60.0 + 2.0 * (hour / 24.0 * std::f64::consts::TAU).sin();
        check(&over(168, daily), 48.0, Outcome::Good, "not filling");
        let jump = |hour: f64| if hour > 90.0 { 70.0 } else { 60.0 };
        check(&over(100, jump), 48.0, Outcome::Good, "not filling");
        check(&over(100, |_| 60.0), 48.0, Outcome::Good, "not filling");
        check(&over(100, |hour| 60.0 - 0.1 * hour), 48.0, Outcome::Good, "not filling");
    }

    #[test]
    fn outliers_do_not_bend_the_line() {
        let spiky = |hour: f64| 50.0 + 0.2 * hour + if (hour % 24.0) < 1.0 { 4.0 } else { 0.0 };
        let hours = check(&over(100, spiky), 48.0, Outcome::Good, "will be full in 6 d").unwrap();
        assert!((hours - 150.0).abs() < 10.0, "{hours}");
    }

    #[test]
    fn what_was_before_a_clean_up_does_not_count() {
        let cleaned = |hour: f64| if hour < 60.0 { 30.0 + hour } else { 20.0 + 0.5 * (hour - 60.0) };
        let hours = check(&over(100, cleaned), 48.0, Outcome::Good, "will be full in").unwrap();
        assert!((hours - 120.0).abs() < 5.0, "{hours}");
    }

    #[test]
    fn too_little_is_unknown_and_full_is_full() {
        check(&over(1, |hour| 50.0 + hour)[..2], 48.0, Outcome::Unknown, "too little is known");
        assert_eq!(check(&over(1, |_| 100.0)[..1], 48.0, Outcome::Bad, "/var is full"), Some(0.0));
        assert_eq!(trend(&[]), None);
    }
}
