//! The labels under which a scraped series is known: those of its line and its target, and what the house says itself.

use std::borrow::Cow;

use metrics_proto::LabelLimits;

use super::relabel::Labels;

/// Labels that say what the house knows itself.
const OURS: [&str; 2] = ["asset", "check"];
/// Metrics that only the house writes.
const OUR_METRICS: &str = "mainstay_check_";

/// How labels are read. What is too long for the store is its own matter, once rules had the chance to drop it: it costs
/// that series alone.
pub(super) fn reading(label_limit: usize) -> LabelLimits {
    LabelLimits { labels_max: label_limit, name_bytes_max: usize::MAX, value_bytes_max: usize::MAX }
}

/// Why a metric of this name is not taken from others.
pub(super) fn ours(metric: &str) -> Option<String> {
    metric.starts_with(OUR_METRICS).then(|| format!("the metric {metric:?} is one of Mainstay's own"))
}

/// Why an answer with more samples than the job takes is refused.
pub(super) fn too_many(sample_limit: usize) -> String {
    format!("it has more than {sample_limit} samples, the limit of the job")
}

/// Why a series of a metric would be refused by itself; nothing if it would be taken.
pub(super) fn refusal(
    store: &tsdb::Store,
    source: &str,
    asset: Option<i64>,
    (metric, labels): (&str, &Labels),
) -> Option<String> {
    let asset = asset.map(|asset| asset.to_string());
    let taken = store.would_take(source, &borrowed(&stamped(labels, asset.as_deref())));
    ours(metric).or_else(|| taken.err().map(|error| error.to_string()))
}

/// Registers a series, stamped with its asset.
pub(super) fn register(
    store: &tsdb::Store,
    source: &str,
    asset: Option<i64>,
    labels: &Labels,
) -> tsdb::Result<tsdb::SeriesId> {
    let asset = asset.map(|asset| asset.to_string());
    store.register(source, &borrowed(&stamped(labels, asset.as_deref())))
}

fn stamped<'a>(labels: &'a Labels, asset: Option<&'a str>) -> Vec<(Cow<'a, str>, &'a str)> {
    let mut pairs: Vec<(Cow<'_, str>, &str)> = Vec::with_capacity(labels.len() + 1);
    for (name, value) in labels {
        // Which thing a series is about is what the house says itself.
        let name = if OURS.contains(&name.as_str()) { format!("exported_{name}").into() } else { name.as_str().into() };
        pairs.push((name, value));
    }
    pairs.extend(asset.map(|asset| (Cow::Borrowed("asset"), asset)));
    pairs
}

fn borrowed<'a>(pairs: &'a [(Cow<'_, str>, &'a str)]) -> Vec<(&'a str, &'a str)> {
    pairs.iter().map(|(name, value)| (name.as_ref(), *value)).collect()
}

/// The labels of a line with those of its target. Where both have a label, the target wins and the line's is kept beside
/// as `exported_..`; with `honor_labels` the line wins.
pub(super) fn join(read: &[(Cow<'_, str>, Cow<'_, str>)], of_target: &Labels, honor_labels: bool) -> Labels {
    let mut labels: Labels = read.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    for (name, value) in of_target {
        match labels.get(name).cloned() {
            Some(_) if honor_labels => {}
            Some(there) => {
                let mut beside = format!("exported_{name}");
                while labels.contains_key(&beside) || of_target.contains_key(&beside) {
                    beside.insert_str(0, "exported_");
                }
                labels.insert(beside, there);
                labels.insert(name.clone(), value.clone());
            }
            None => {
                labels.insert(name.clone(), value.clone());
            }
        }
    }
    labels
}
