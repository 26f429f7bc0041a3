//! The alerts that an answer makes: their labels and annotations written out, and not too many of them.

use std::collections::{BTreeMap, BTreeSet};

use promql::{Labels, Sample};

use super::basis::Tie;
use super::{Active, Ask, Phase, Watched};
use crate::template::{Data, Template};

/// Refuses more alerts than there may be, and names the label that makes them so many.
pub(super) fn within(limit: Option<u64>, vector: &[Sample]) -> Result<(), String> {
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| vector.len() > *limit) else {
        return Ok(());
    };
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in vector.iter().flat_map(|one| one.labels.iter()) {
        values.entry(name).or_default().insert(value);
    }
    let most = values.iter().max_by_key(|(_, values)| values.len());
    let offender = most.map(|(name, values)| format!("; the label \"{name}\" has {} values", values.len()));
    Err(format!("exceeded limit of {limit} with {} alerts{}", vector.len(), offender.unwrap_or_default()))
}

/// The alerts that the samples make.
pub(super) fn found(
    rule: &Watched<'_>,
    vector: Vec<Sample>,
    (at_ms, asked_ms): (i64, i64),
    ask: &Ask<'_>,
) -> Result<BTreeMap<Labels, Active>, String> {
    let query = |text: &str| ask(text, at_ms);
    let mut found = BTreeMap::new();
    for sample in vector {
        let data = Data {
            labels: &sample.labels,
            value: sample.value,
            external_labels: rule.external_labels,
            external_url: rule.external_url,
            now_ms: at_ms,
            query: &query,
        };
        let source = sample.labels.without_name();
        let own = rule.labels.iter().map(|(name, text)| (name.clone(), Template::expanded(text, &data)));
        let named = std::iter::once(("alertname".to_owned(), rule.name.to_owned()));
        let kept = source.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let labels = Labels::from_pairs(kept.chain(own).chain(named));
        let annotations = rule.annotations.iter().filter(|(name, _)| !name.starts_with(crate::PREFIX));
        let annotations = annotations.map(|(name, text)| (name.as_str(), Template::expanded(text, &data)));
        let alert = Active {
            labels: labels.clone(),
            annotations: Labels::from_pairs(annotations),
            source,
            value: sample.value,
            phase: Phase::Pending,
            active_at_ms: at_ms,
            fired_at_ms: None,
            keeping_since_ms: None,
            unknown: false,
            tie: Tie::at(asked_ms),
        };
        if found.insert(labels, alert).is_some() {
            return Err("vector contains metrics with the same labelset after applying alert labels".to_owned());
        }
    }
    Ok(found)
}
