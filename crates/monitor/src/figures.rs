//! What monitoring says about itself at `/metrics`: what was taken, and each way in which something was refused.

use std::sync::atomic::Ordering;

use kernel::Handle;
use web::domain::Figure;

use crate::live::Monitor;

fn taken(handle: &Handle) -> Option<tsdb::Taken> {
    Some(handle.get::<Monitor>().ok()?.series.taken())
}

fn counter(name: &'static str, help: &'static str, read: fn(&Handle) -> Option<u64>) -> Figure {
    Figure { kind: "counter", name, help, read }
}

/// Everything.
pub(crate) fn all() -> Vec<Figure> {
    let series = Figure {
        kind: "gauge",
        name: "mainstay_series_active",
        help: "Series that took a sample lately.",
        read: |handle| u64::try_from(taken(handle)?.active_series).ok(),
    };
    [series].into_iter().chain(samples()).chain(refused()).collect()
}

fn samples() -> [Figure; 3] {
    [
        counter("mainstay_samples_total", "Samples stored, those found at the start included.", |handle| {
            Some(taken(handle)?.samples)
        }),
        counter("mainstay_samples_late_total", "Stored samples that were older than others.", |handle| {
            Some(taken(handle)?.late_samples)
        }),
        counter("mainstay_samples_repeated_total", "Samples that were there already.", |handle| {
            Some(taken(handle)?.repeated)
        }),
    ]
}

fn refused() -> [Figure; 11] {
    [
        counter("mainstay_samples_out_of_order_total", "Samples refused: too much older than others.", |handle| {
            Some(taken(handle)?.rejected.out_of_order)
        }),
        counter("mainstay_samples_duplicate_total", "Samples refused: another value is there.", |handle| {
            Some(taken(handle)?.rejected.duplicate)
        }),
        counter("mainstay_samples_out_of_bounds_total", "Samples refused: too old, or too far ahead.", |handle| {
            Some(taken(handle)?.rejected.out_of_bounds)
        }),
        counter("mainstay_samples_without_series_total", "Pushed samples whose series was refused.", |handle| {
            Some(handle.get::<Monitor>().ok()?.sink.refused_samples.load(Ordering::Relaxed))
        }),
        counter("mainstay_histograms_refused_total", "Histograms of remote write that were refused.", |handle| {
            Some(handle.get::<Monitor>().ok()?.sink.refused_histograms.load(Ordering::Relaxed))
        }),
        counter("mainstay_otlp_points_refused_total", "Points of OTLP refused for what they are.", |handle| {
            Some(handle.get::<Monitor>().ok()?.sink.refused_points.load(Ordering::Relaxed))
        }),
        counter("mainstay_series_over_limit_total", "Series refused because of a limit.", |handle| {
            Some(taken(handle)?.rejected.series_limit)
        }),
        counter("mainstay_series_bad_labels_total", "Series refused because of their labels.", |handle| {
            Some(taken(handle)?.rejected.bad_labels)
        }),
        counter("mainstay_pushes_refused_total", "Requests with samples that could not be read.", |handle| {
            Some(handle.get::<Monitor>().ok()?.sink.refused_requests.load(Ordering::Relaxed))
        }),
        counter("mainstay_queries_refused_total", "Questions that took too much memory or time.", |handle| {
            Some(handle.get::<Monitor>().ok()?.questions.refused.load(Ordering::Relaxed))
        }),
        counter("mainstay_store_damaged_total", "Damaged places met in the store of series.", |handle| {
            Some(taken(handle)?.damaged)
        }),
    ]
}
