//! Every limit ends a query with an error that names it.

use crate::hostile::source;
use promql::{EvalError, MemorySource, Options, Selected, Selection, Source, SourceError, Value, When, query};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

const HOUR: When = When::Range { start_ms: 0, end_ms: 3_600_000, step_ms: 1_000 };

fn refused(text: &str, when: When, options: &Options) -> EvalError {
    query(text, &source(), when, options).unwrap_err()
}

#[test]
fn a_query_that_needs_too_much_memory_is_refused() {
    let options = Options { memory_bytes_max: 100_000, ..Options::default() };
    assert_eq!(refused("m_total + m_total", HOUR, &options), EvalError::Memory(100_000));
    assert_eq!(refused("sum(n[5m:] offset 1m)", HOUR, &options).to_string().split(':').next(), Some("1"));
    let error = refused("max_over_time(vector(1)[1000y:1ms])", When::Instant(0), &Options::default());
    assert!(error.to_string().contains("memory"), "{error}");
    let error = refused(
        "label_replace(label_replace(n,'x',\"${0}${0}\",'a','.*'),'y','$0','x','.*') + on(z) n",
        HOUR,
        &options,
    );
    assert_eq!(error, EvalError::Memory(100_000));
}

#[test]
fn a_query_past_its_deadline_is_refused() {
    let options = Options { deadline: Some(Instant::now()), ..Options::default() };
    assert_eq!(refused("n", HOUR, &options), EvalError::Deadline);
}

#[test]
fn long_windows_do_not_outlast_the_deadline() {
    let deadline = Some(Instant::now() + std::time::Duration::from_millis(300));
    let options = Options { deadline, threads: 1, ..Options::default() };
    let when = When::Range { start_ms: 0, end_ms: 10_000_000, step_ms: 1_000 };
    assert_eq!(refused("sum_over_time(vector(1)[30d:1s])", when, &options), EvalError::Deadline);
}

#[test]
fn a_cancelled_query_ends() {
    let options = Options { cancel: Some(Arc::new(AtomicBool::new(true))), ..Options::default() };
    assert_eq!(refused("n", HOUR, &options), EvalError::Cancelled);
}

#[test]
fn too_many_steps_are_refused() {
    let options = Options { steps_max: 3_600, ..Options::default() };
    assert_eq!(refused("n", HOUR, &options), EvalError::Steps(3_600));
    let backwards = When::Range { start_ms: 1, end_ms: 0, step_ms: 1 };
    assert!(refused("n", backwards, &options).to_string().contains("before start"));
    let still = When::Range { start_ms: 0, end_ms: 1, step_ms: 0 };
    assert!(refused("n", still, &options).to_string().contains("step"));
    for at in [i64::MAX, i64::MIN] {
        assert!(refused("n", When::Instant(at), &options).to_string().contains("time out of range"));
    }
}

#[test]
fn strings_and_range_vectors_have_no_range_query() {
    for (text, name) in [("'a'", "string"), ("n[5m]", "range vector")] {
        let message = format!("invalid expression type {name:?} for range query, must be Scalar or instant Vector");
        assert_eq!(refused(text, HOUR, &Options::default()), EvalError::Kind(message));
    }
}

/// Raises the flag once it is asked, as an impatient user might.
struct Impatient(Arc<AtomicBool>, MemorySource);

impl Source for Impatient {
    fn select(&self, selection: &Selection<'_>) -> Result<Selected, SourceError> {
        self.0.store(true, Ordering::Relaxed);
        assert!((selection.stop)());
        let mut selected = self.1.select(selection)?;
        selected.notes.push("raw".to_owned());
        Ok(selected)
    }
}

#[test]
fn a_flag_raised_while_the_source_reads_ends_the_query() {
    let flag = Arc::new(AtomicBool::new(false));
    let options = Options { cancel: Some(Arc::clone(&flag)), ..Options::default() };
    let answer = query("n", &Impatient(flag, source()), When::Instant(60_000), &options);
    assert_eq!(answer.unwrap_err(), EvalError::Cancelled);
}

/// A store with words of its own.
struct Wordy;

impl Source for Wordy {
    fn select(&self, selection: &Selection<'_>) -> Result<Selected, SourceError> {
        if selection.hint.function == "rate" {
            return Err(SourceError::Failed("the disk is gone".to_owned()));
        }
        assert_eq!((selection.hint.range_ms, selection.hint.step_ms), (0, 0));
        Ok(Selected {
            notes: vec!["5 min".to_owned()],
            warnings: vec!["a page is lost".to_owned()],
            ..Selected::default()
        })
    }
}

#[test]
fn what_the_source_says_is_part_of_the_answer() {
    let answer = query("n", &Wordy, When::Instant(0), &Options::default()).unwrap();
    assert_eq!(answer.value, Value::Vector(Vec::new()));
    assert_eq!((answer.stats.notes, answer.warnings), (vec!["5 min".to_owned()], vec!["a page is lost".to_owned()]));
    let error = query("rate(n[5m])", &Wordy, When::Instant(0), &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "the store could not answer: the disk is gone");
}

#[test]
fn an_answer_tells_what_it_took() {
    let answer = query("m_total", &source(), When::Instant(570_000), &Options::default()).unwrap();
    assert_eq!((answer.stats.series, answer.stats.samples), (2, 20));
    assert!(answer.stats.bytes_peak > 20 * 16);
}
