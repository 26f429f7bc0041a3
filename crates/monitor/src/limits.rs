//! The limits and periods of checks, alerts and groups. What only one part knows (windows, rules, scrapes, remotes) stands at
//! the head of that part.

use std::time::Duration;

use kernel::time::{DAY, HOUR, MINUTE, SECOND};

/// Shortest interval of a check, in seconds.
pub(crate) const INTERVAL_S_MIN: i64 = 10;
/// Longest interval of a check, in seconds.
pub(crate) const INTERVAL_S_MAX: i64 = 3_600;
/// Interval of a check unless said otherwise, in seconds.
pub(crate) const INTERVAL_S_DEFAULT: i64 = 10;
/// Longest time a check may have to be bad before it is an alert, or be kept out after, in milliseconds.
pub(crate) const FOR_MS_MAX: i64 = 30 * 86_400_000;
/// Most silences that have not ended: all of them are asked for each alert.
pub(crate) const SILENCES_MAX: i64 = 1_000;
/// Most labels of a check.
pub(crate) const LABELS_MAX: usize = 20;
/// Most characters of a label's name.
pub(crate) const LABEL_NAME_CHARS_MAX: usize = 100;
/// Most characters of a label's value.
pub(crate) const LABEL_VALUE_CHARS_MAX: usize = 500;
/// Most results that "n of m" looks at, and the window in which flapping is counted.
pub(crate) const WINDOW: usize = 20;
/// This many changes between good and bad in the window: the check flaps.
pub(crate) const FLAP_ENTER: usize = 5;
/// This many results in a row that are the same: the check flaps no longer.
pub(crate) const FLAP_QUIET: usize = 12;
/// Intervals without a result after which there is no data.
pub(crate) const MISSED_INTERVALS: i64 = 3;
/// A result this much older than its arrival is history: kept as a series, not judged. In microseconds.
pub(crate) const LATE_MICROS: i64 = 10 * MINUTE;
/// When the own loop stood still this long, silence is ours, not the machines'. In microseconds.
pub(crate) const BLIND_MICROS: i64 = 30 * SECOND;
/// What was found and waits for the database longer than this: monitoring is behind. In microseconds.
pub(crate) const LAG_MICROS: i64 = 30 * SECOND;
/// It no longer is when nothing waits longer than this. In microseconds.
pub(crate) const LAG_OVER_MICROS: i64 = 5 * SECOND;
/// Seconds without a message after which a host counts as not heard from, unless the check says otherwise.
pub(crate) const SILENT_S_DEFAULT: i64 = 120;
/// How far up and down the relations a cause is looked for.
pub(crate) const HOPS_MAX: usize = 3;
/// Most things looked at when a cause is looked for.
pub(crate) const RELATED_MAX: usize = 200;
/// "What changed just before" reaches this far back, in microseconds.
pub(crate) const BEFORE_MICROS: i64 = 2 * HOUR;
/// Most entries of "what changed just before".
pub(crate) const BEFORE_MAX: i64 = 20;
/// Most checks that are run beside their rhythm at a time.
pub(crate) const AGAIN_MAX: usize = 1_000;
/// Most lines of evidence kept with a group.
pub(crate) const EVIDENCE_MAX: usize = 20;
/// Most characters of one line of evidence.
pub(crate) const EVIDENCE_CHARS_MAX: usize = 500;
/// Most checks that one agent runs.
pub(crate) const CHECKS_PER_AGENT_MAX: i64 = 500;
/// Most checks in all.
pub(crate) const CHECKS_MAX: i64 = 100_000;
/// Transitions that may wait for the database; past that results are refused until it keeps up.
pub(crate) const WAITING_MAX: usize = 20_000;
/// Transitions written in one transaction.
pub(crate) const SLICE: usize = 500;
/// How long transitions are kept, in microseconds.
pub(crate) const TRANSITIONS_MICROS: i64 = 90 * DAY;
/// How long recovered groups and ended silences are kept, in microseconds.
pub(crate) const HISTORY_MICROS: i64 = 730 * DAY;
/// Rows deleted at a time by the clean-up.
pub(crate) const CLEAN_ROWS: i64 = 500;
/// Most points of one series in an answer.
pub(crate) const POINTS_MAX: usize = 600;
/// Most series in an answer.
pub(crate) const SERIES_ANSWER_MAX: usize = 50;
/// Most samples that are in memory at a time while an answer is read; one series of the longest time fits, a sample
/// every ten seconds.
pub(crate) const SAMPLES_READ_MAX: usize = 4_000_000;
/// Longest time that one answer covers, in microseconds.
pub(crate) const RANGE_MICROS_MAX: i64 = 400 * DAY;
/// Series numbers that one agent may have registered at a time.
pub(crate) const REGISTER_MAX: usize = 20_000;
/// Longest silence, in microseconds.
pub(crate) const SILENCE_MICROS_MAX: i64 = 366 * DAY;
/// Most maintenance windows of which something is to come.
pub(crate) const WINDOWS_MAX: i64 = 500;
/// Longest occurrence of a maintenance window, in minutes.
pub(crate) const WINDOW_MINUTES_MAX: i64 = 7 * 24 * 60;
/// Most alerts that are looked at when a maintenance window ends.
pub(crate) const OUT_MAX: i64 = 5_000;
/// Alerts of one group that are each told by an event of their own when many fire or clear at once; the others are told with
/// their group.
pub(crate) const TOLD_ALONE_MAX: usize = 20;
/// Most alerts of one group that a page or an answer lists.
pub(crate) const GROUP_ALERTS_MAX: i64 = 200;
/// How long a question in PromQL may take that others' tools ask.
pub(crate) const QUERY_TIME: Duration = Duration::from_secs(60);
/// The same for an operation, which takes a turn of people's.
pub(crate) const QUERY_TIME_PEOPLE: Duration = Duration::from_secs(10);
/// Memory of one question, in bytes.
pub(crate) const QUERY_MEMORY_BYTES: usize = 256 << 20;
/// Memory of all questions together, in bytes, answers that are being written included.
pub(crate) const QUERY_MEMORY_SHARED_BYTES: usize = 512 << 20;
/// About how many bytes a point of an answer takes until it is written.
pub(crate) const ANSWER_POINT_BYTES: usize = 48;
/// Questions that are answered at the same time; others wait.
pub(crate) const QUERIES_AT_ONCE: usize = 4;
/// Most points of an answer.
pub(crate) const QUERY_POINTS_MAX: usize = 3_000_000;
/// The same of an operation's answer, which is made once more into JSON.
pub(crate) const QUERY_POINTS_PEOPLE_MAX: usize = 300_000;
/// Most selectors of one request for names.
pub(crate) const SELECTORS_MAX: usize = 32;
/// Most steps of a question over a span of time, as in Prometheus.
pub(crate) const QUERY_STEPS_MAX: usize = 11_000;
/// Most series that one selector may mean.
pub(crate) const QUERY_SERIES_MAX: usize = 500_000;
/// Most names or values of labels in an answer.
pub(crate) const NAME_VALUES_MAX: usize = 100_000;
/// Largest body of a question, in bytes.
pub(crate) const QUERY_BODY_BYTES_MAX: usize = 1 << 20;
/// Largest body of pushed samples, packed, in bytes.
pub(crate) const PUSH_BYTES_MAX: usize = 16 << 20;
/// The same unpacked.
pub(crate) const PUSH_UNPACKED_BYTES_MAX: usize = 64 << 20;
/// Series that were not pushed for so long do not count among the pushed ones, in milliseconds.
pub(crate) const PUSH_MEMORY_MS: i64 = 2 * 3_600_000;
/// Most metrics about which something is known.
pub(crate) const METADATA_MAX: usize = 20_000;
/// Most characters of what is known about a metric.
pub(crate) const METADATA_TEXT_MAX: usize = 500;
/// Most samples of one call of `monitor.metrics.write`.
pub(crate) const WRITE_SAMPLES_MAX: usize = 1_000;
/// Most lines of a figure of a question.
pub(crate) const CHART_LINES_MAX: usize = 20;
/// About how many points a line of it has.
pub(crate) const CHART_STEPS: i64 = 400;
/// Most rows of the table beside it.
pub(crate) const EXPLORE_ROWS_MAX: usize = 100;
/// From one evaluation of a group of rules to the next unless it says otherwise, in milliseconds.
pub(crate) const RULE_INTERVAL_MS: i64 = 30_000;
/// Shortest interval of a group of rules, in milliseconds.
pub(crate) const RULE_INTERVAL_MS_MIN: i64 = 1_000;
/// Longest interval of a group of rules, in milliseconds.
pub(crate) const RULE_INTERVAL_MS_MAX: i64 = 86_400_000;
/// Most rules.
pub(crate) const RULES_MAX: i64 = 20_000;
/// Most alerts of one rule at a time.
pub(crate) const RULE_ALERTS_MAX: u64 = 1_000;
/// Most series that one rule makes.
pub(crate) const RULE_SERIES_MAX: u64 = 10_000;
/// How long one rule may take to be evaluated.
pub(crate) const RULE_TIME: Duration = Duration::from_secs(10);
/// Memory for one rule, in bytes.
pub(crate) const RULE_MEMORY_BYTES: usize = 128 << 20;
/// Groups of rules that are evaluated at the same time, beside those that are slow.
pub(crate) const RULE_GROUPS_AT_ONCE: usize = 2;
/// A turn of a group that takes longer than this is slow: others do not wait for it.
pub(crate) const RULE_SLOW: Duration = Duration::from_secs(1);
/// Groups known to be slow that are evaluated at the same time.
pub(crate) const RULE_SLOW_AT_ONCE: usize = 2;
/// Most groups that are evaluated at the same time in all.
pub(crate) const RULE_LANES: usize = 8;
/// How long an alert of a rule is kept after it ended, in microseconds.
pub(crate) const RULE_ALERT_MICROS: i64 = DAY;
/// Most alerts of a rule in an answer.
pub(crate) const RULE_ALERTS_SHOWN: usize = 200;
/// Most series of a rule that a preview looks at.
pub(crate) const PREVIEW_SERIES_MAX: usize = 500;
/// Most targets in one answer in Prometheus' form.
pub(crate) const TARGETS_TOLD_MAX: usize = 5_000;
