//! Every limit of the kernel, named in one place.

use std::time::Duration;

/// Largest request input after decoding, in bytes of JSON text.
pub const INPUT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest text in one input field unless the operation says otherwise, in bytes.
pub const FIELD_BYTES_MAX: usize = 64 * 1024;
/// Deepest nesting of an input.
pub const INPUT_DEPTH_MAX: usize = 32;
/// Rows on one page of a list.
pub const PAGE_ROWS: usize = 50;
/// Most rows that one call may ask for.
pub const PAGE_ROWS_MAX: usize = 500;
/// Counts stop here and show as "999+".
pub const COUNT_MAX: i64 = 1_000;
/// Closures that may wait for the writer; past that callers are told to try again.
pub const WRITE_QUEUE_MAX: usize = 4_096;
/// Closures in one commit.
pub const WRITE_GROUP_MAX: usize = 256;
/// Time one write closure should take, in microseconds; longer ones are counted by name.
pub const WRITE_BUDGET_MICROS: u64 = 20_000;
/// Time after which the engine stops a write closure, in milliseconds.
pub const WRITE_HARD_MS: u64 = 2_000;
/// Time after which the engine stops a read, in milliseconds.
pub const READ_HARD_MS: u64 = 10_000;
/// Tries of a serialisable transaction before giving up.
pub const SERIALIZATION_TRIES: u32 = 24;
/// Tries of a reaction before its event becomes a dead letter.
pub const REACTION_TRIES: i64 = 8;
/// Tries of a job before it becomes a dead letter, unless the job says otherwise.
pub const JOB_TRIES: i64 = 10;
/// Longest pause after an error of the database itself, in microseconds.
pub const PASSING_MICROS: i64 = 30 * crate::time::SECOND;
/// How long a job may run before another worker may take it, in microseconds.
pub const JOB_LEASE_MICROS: i64 = 5 * crate::time::MINUTE;
/// Events that a subscriber takes in one batch.
pub const EVENT_BATCH: i64 = 200;
/// Statements that one PostgreSQL session keeps prepared.
pub const STATEMENTS_MAX: usize = 512;
/// How long an idempotency key is remembered, in microseconds.
pub const IDEMPOTENCY_MICROS: i64 = crate::time::DAY;
/// How old a proof of identity may be for a dangerous operation, in microseconds.
pub const PROOF_MICROS: i64 = 5 * crate::time::MINUTE;
/// How long an outgoing effect waits so that it can be undone, in microseconds.
pub const UNDO_MICROS: i64 = 10 * crate::time::SECOND;
/// Events that one operation may write.
pub const EVENTS_PER_CALL_MAX: usize = 200;
/// How long an approval waits unless whoever asks says otherwise, in microseconds.
pub const APPROVAL_MICROS: i64 = crate::time::DAY;
/// Largest blob, in bytes.
pub const BLOB_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Text of one document that is searched, in bytes.
pub const SEARCH_BYTES_MAX: usize = 16 * 1024;
/// Text of one search, in bytes.
pub const SEARCH_QUERY_BYTES_MAX: usize = 400;
/// Audit entries under one seal.
pub const SEAL_ENTRIES: usize = 2_000;
/// Seals that one verification looks at.
pub const SEALS_PER_VERIFY: usize = 50;
/// Rows that one step of a clean-up deletes.
pub const CLEAN_ROWS: i64 = 1_000;
/// Events that one step of a clean-up deletes, each with its subjects.
pub const CLEAN_EVENTS: i64 = 400;
/// Recipients of one message.
pub const RECIPIENTS_MAX: usize = 100;
/// Bytes of an answer from outside that are read.
pub const FETCH_BYTES_MAX: u64 = 256 * 1024;
/// Redirects that are followed.
pub const FETCH_REDIRECTS_MAX: u32 = 3;

/// From a round of the relay that found something to the next.
pub const RELAY_PAUSE: Duration = Duration::from_millis(5);
/// A commit of so many writes or more makes the writer wait a moment for as many again.
pub const GATHER_FROM: usize = 4;
/// How long it waits for them.
pub const GATHER_AT_MOST: Duration = Duration::from_micros(200);
