//! What monitoring says about itself at `/metrics`: what was taken, and each way in which something was refused.

use kernel::{Figure, Handle};
use std::sync::atomic::Ordering;

use crate::live::Monitor;

const REFUSED: &str = "mainstay_samples_refused_total";
const REFUSED_HELP: &str = "Samples that were not stored, by reason.";

/// Everything, names together.
pub(crate) fn all(handle: &Handle) -> Vec<Figure> {
    let Ok(monitor) = handle.get::<Monitor>() else { return Vec::new() };
    let taken = monitor.series.taken();
    let rejected = taken.rejected;
    let refused =
        |reason: &'static str, value: u64| Figure::counter(REFUSED, REFUSED_HELP, value).with("reason", reason);
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    vec![
        Figure::gauge("mainstay_series", "Series that took a sample lately.", count(taken.active_series)),
        Figure::counter("mainstay_samples_total", "Samples stored, those found at the start included.", taken.samples),
        Figure::counter(
            "mainstay_samples_late_total",
            "Stored samples that were older than others.",
            taken.late_samples,
        ),
        Figure::counter("mainstay_samples_repeated_total", "Samples that were there already.", taken.repeated),
        refused("out_of_order", rejected.out_of_order),
        refused("duplicate", rejected.duplicate),
        refused("out_of_bounds", rejected.out_of_bounds),
        refused("forgotten_series", rejected.unknown),
        refused("pushed_series", monitor.sink.refused_samples.load(Ordering::Relaxed)),
        Figure::counter(
            "mainstay_series_over_limit_total",
            "Series refused because of a limit.",
            rejected.series_limit,
        ),
        Figure::counter(
            "mainstay_series_bad_labels_total",
            "Series refused because of their labels.",
            rejected.bad_labels,
        ),
        Figure::counter(
            "mainstay_pushes_refused_total",
            "Requests with samples that could not be read: damaged, or larger than allowed.",
            monitor.sink.refused_requests.load(Ordering::Relaxed),
        ),
        Figure::counter(
            "mainstay_queries_refused_total",
            "Questions that took too much memory or time.",
            monitor.questions.refused.load(Ordering::Relaxed),
        ),
        Figure::counter("mainstay_store_damaged_total", "Damaged places met in the store of series.", taken.damaged),
    ]
}
