//! Once a day: forget failed sign-ins, networks, sessions and overrides of rotas that are long over. In small steps, so that nobody waits for it.
//! Running it twice forgets nothing more.

use kernel::db::{Priority, Tx};
use kernel::job::{JobEntry, Running, Schedule};
use kernel::time::DAY;
use kernel::{Result, Time};

use crate::{attempts, rota, sessions};

const KIND: &str = "people.sweep";
/// How long a session stays after it ended, in microseconds.
const SESSIONS_KEPT: i64 = 30 * DAY;
/// How long a network stays known after the last sign-in from there, in microseconds.
const SOURCES_KEPT: i64 = 180 * DAY;
/// How long an override stays after its end, and a feed after it was revoked, in microseconds.
const ROTAS_KEPT: i64 = 400 * DAY;

pub(crate) const JOB: JobEntry = JobEntry { kind: KIND, run };
pub(crate) const SCHEDULE: Schedule = Schedule { kind: KIND, every: DAY };

fn run(running: &Running<'_>) -> Result<()> {
    let now = running.kernel.now();
    in_steps(running, now.plus(-DAY), attempts::store::sweep)?;
    in_steps(running, now.plus(-SOURCES_KEPT), attempts::store::sweep_sources)?;
    in_steps(running, now.plus(-SESSIONS_KEPT), sessions::store::sweep)?;
    in_steps(running, now.plus(-ROTAS_KEPT), rota::store::sweep)?;
    in_steps(running, now.plus(-ROTAS_KEPT), rota::store::sweep_feeds)
}

fn in_steps(running: &Running<'_>, before: Time, step: fn(&mut Tx<'_>, Time) -> Result<u64>) -> Result<()> {
    let kernel = running.kernel;
    while kernel.db.write(KIND, Priority::Background, move |tx| step(tx, before))? > 0 {
        if kernel.stopping() {
            break;
        }
    }
    Ok(())
}
