//! A time-series store for metrics that knows nothing of IT departments.
//!
//! Samples arrive in batches: all series of one *source* at one moment. They go to the *head* in memory and to a *batch
//! log*; a *snapshot* of the head makes restarts quick. When a window (2 h) is over, the head is cut into an immutable
//! *block*. Reads merge blocks and head. README.md describes the files.
//!
//! The store starts no thread and reads no clock: its owner calls [`Store::maintain`] with the time, about once a second.
//!
//! ```
//! # fn main() -> tsdb::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! use tsdb::{Limits, Matcher, Options, Store};
//! let store = Store::open(dir.path(), Options::default(), 1_700_000_000_000)?;
//! let load = store.register("asset:417", &[("__name__", "load1"), ("asset", "asset:417")])?;
//! let appended = store.append("asset:417", 1_700_000_000_000, &[(load, 0.25)])?;
//! assert_eq!(appended.accepted, 1);
//! store.maintain(1_700_000_001_000)?;
//! let series = store.select(&[Matcher::metric("load1")], 0, i64::MAX, Limits::default())?;
//! assert_eq!(series[0].points, [(1_700_000_000_000, 0.25)]);
//! store.close()
//! # }
//! ```

mod bits;
mod block;
mod chunk;
mod codec;
mod columns;
mod cut;
mod error;
mod frames;
mod head;
mod labels;
mod log;
mod matcher;
mod options;
mod postings;
mod record;
mod rollup;
mod snapshot;
mod store;
mod wire;

pub use codec::Summary;
pub use columns::Columns;
pub use error::{Error, Result};
pub use head::{Appended, LateArrivals, Rejected, Sample, SeriesId};
pub use labels::{Labels, NAME_LABEL};
pub use matcher::{Matcher, Pattern, Test};
pub use options::{BATCH_SAMPLES_MAX, Class, Limits, Options, TIERS_MS};
pub use rollup::{Aggregate, Part, Rollup, STALE_BITS};
pub use store::{Rollups, Series, Stats, Store, Taken, TierStats};
