//! What a monitored house measures, made up: ten kinds of series in equal parts, the same numbers in every run.

#[path = "values.rs"]
mod values;

use values::{KINDS, Random, Values};

/// The step between two samples of a series.
pub(crate) const STEP_MS: i64 = 15_000;

/// Midnight of a day in 2023.
pub(crate) const START_MS: i64 = 1_700_006_400_000;

/// Sources of `each` series with their ids, registered in a store.
///
/// # Errors
/// As [`tsdb::Store::register`].
pub(crate) fn register(store: &tsdb::Store, sources: usize, each: usize) -> tsdb::Result<Vec<House>> {
    let mut houses = Vec::with_capacity(sources);
    for source in 0..sources {
        let name = format!("asset:{source}");
        let mut series = Vec::with_capacity(each);
        for number in 0..each {
            let kind = KINDS.get(number % KINDS.len()).copied().unwrap_or_default();
            let (device, site) = (format!("device-{}", number / KINDS.len()), format!("site-{}", source % 20));
            let labels = [("__name__", kind), ("asset", &name), ("device", &device), ("site", &site), ("job", "agent")];
            series.push((store.register(&name, &labels)?, Values::new(number % KINDS.len(), source * each + number)));
        }
        houses.push(House { name, series, random: Random::new(source as u64) });
    }
    Ok(houses)
}

/// A source and its series.
#[derive(Debug)]
pub(crate) struct House {
    name: String,
    series: Vec<(tsdb::SeriesId, Values)>,
    random: Random,
}

impl House {
    /// The next sample of every series, into `batch`; answers the time: a step later, up to three milliseconds off.
    pub(crate) fn next_batch(&mut self, row: i64, batch: &mut Vec<(tsdb::SeriesId, f64)>) -> (&str, i64) {
        batch.clear();
        batch.extend(self.series.iter_mut().map(|(id, series)| (*id, series.step())));
        (&self.name, START_MS + row * STEP_MS + (self.random.unit() * 3.0) as i64)
    }
}
