//! Time: the one reader of the wall clock, the server's time carried forward by the monotonic clock, and the detector
//! of jumps. Schedules run on the monotonic clock, so that a jump of the wall clock neither stops nor hurries them.

use std::time::{Duration, Instant};

/// A wall clock that moved this much more or less than the monotonic clock has jumped.
const JUMP_US: i64 = 2_000_000;
/// With clocks further apart than this, an approval's end cannot be judged.
pub(crate) const CLOCKS_APART_US_MAX: i64 = 300_000_000;

/// Microseconds of Unix time, by this machine's clock.
pub(crate) fn wall_us() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is the agent's one reader of the wall clock")]
    let now = std::time::SystemTime::now();
    match now.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => micros(after),
        Err(before) => -micros(before.duration()),
    }
}

/// Milliseconds of Unix time, by this machine's clock.
pub(crate) fn wall_ms() -> i64 {
    wall_us().div_euclid(1_000)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The server's clock as it was told, carried forward.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerTime {
    told_us: i64,
    at: Instant,
}

impl ServerTime {
    pub(crate) fn told(told_us: i64, at: Instant) -> Self {
        Self { told_us, at }
    }

    pub(crate) fn at(&self, now: Instant) -> i64 {
        self.told_us.saturating_add(micros(now.saturating_duration_since(self.at)))
    }
}

/// Notices when the wall clock jumps.
#[derive(Debug)]
pub(crate) struct JumpDetector {
    last: Option<(i64, Instant)>,
}

impl JumpDetector {
    pub(crate) fn new() -> Self {
        Self { last: None }
    }

    /// By how many microseconds the wall clock jumped since the last look, if it did.
    pub(crate) fn look(&mut self, wall_us: i64, now: Instant) -> Option<i64> {
        let (last_wall_us, last) = self.last.replace((wall_us, now))?;
        let jump = wall_us.saturating_sub(last_wall_us).saturating_sub(micros(now.saturating_duration_since(last)));
        (jump.saturating_abs() > JUMP_US).then_some(jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_time_goes_on_whatever_the_wall_clock_does() {
        let start = Instant::now();
        let time = ServerTime::told(1_000_000, start);
        assert_eq!(time.at(start + Duration::from_secs(2)), 3_000_000);
        assert_eq!(time.at(start), 1_000_000);
        assert_eq!(ServerTime::told(i64::MAX, start).at(start + Duration::from_secs(1)), i64::MAX);
    }

    #[test]
    fn a_jump_of_the_wall_clock_is_noticed_once_in_either_direction() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut detector = JumpDetector::new();
        assert_eq!(detector.look(100_000_000, at(0)), None, "nothing to compare with");
        assert_eq!(detector.look(115_000_100, at(15)), None, "a slow drift is no jump");
        assert_eq!(detector.look(3_730_000_100, at(30)), Some(3_600_000_000));
        assert_eq!(detector.look(3_745_000_100, at(45)), None);
        assert_eq!(detector.look(45_000_100, at(60)), Some(-3_715_000_000));
        assert_eq!(detector.look(60_000_100, at(75)), None);
    }
}
