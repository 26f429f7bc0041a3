//! Once a day: forget failed sign-ins and sessions that are long over. Running it twice forgets nothing more.

use kernel::Result;
use kernel::db::Priority;
use kernel::job::{JobEntry, Running, Schedule};
use kernel::time::DAY;

use crate::{attempts, sessions};

const KIND: &str = "people.sweep";
/// How long a session stays after it ended, in microseconds.
const SESSIONS_KEPT: i64 = 30 * DAY;

pub(crate) const JOB: JobEntry = JobEntry { kind: KIND, run };
pub(crate) const SCHEDULE: Schedule = Schedule { kind: KIND, every: DAY };

fn run(running: &Running<'_>) -> Result<()> {
    let now = running.kernel.now();
    running.kernel.db.write(KIND, Priority::Background, move |tx| {
        attempts::store::sweep(tx, now.plus(-DAY))?;
        sessions::store::sweep(tx, now.plus(-SESSIONS_KEPT))
    })
}
