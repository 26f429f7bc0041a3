//! What the server tells about its scraping in `/metrics`: how much it asked for, what it took, what it refused.

use std::sync::atomic::{AtomicU64, Ordering};

use kernel::Handle;
use web::domain::Figure;

use super::seen::Seen;
use crate::live::Monitor;

/// Scrapes since the server started.
#[derive(Debug, Default)]
pub(super) struct Counters {
    scrapes: AtomicU64,
    failures: AtomicU64,
    samples: AtomicU64,
    refused: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    /// Counts a scrape that is over.
    pub(super) fn take(&self, seen: &Seen) {
        let add = |counter: &AtomicU64, more: usize| {
            counter.fetch_add(u64::try_from(more).unwrap_or(0), Ordering::Relaxed);
        };
        add(&self.scrapes, 1);
        add(&self.failures, usize::from(seen.error.is_some()));
        add(&self.samples, seen.kept);
        add(&self.refused, seen.refused);
        add(&self.bytes, seen.bytes);
    }
}

/// The figures of scraping.
pub(crate) fn all() -> Vec<Figure> {
    let counter = |name, help, read| Figure { kind: "counter", name, help, read };
    let gauge = |name, help, read| Figure { kind: "gauge", name, help, read };
    vec![
        gauge("mainstay_scrape_targets", "Targets that are scraped.", |of| Some(standing(of)?.0)),
        gauge("mainstay_scrape_targets_down", "Targets whose last scrape failed.", |of| Some(standing(of)?.1)),
        gauge("mainstay_scrape_series", "Series that all targets have now.", |of| {
            let monitor = of.get::<Monitor>().ok()?;
            u64::try_from(monitor.scraper.series()).ok()
        }),
        counter("mainstay_scrapes_total", "Scrapes that are over.", |of| read(of, |all| &all.scrapes)),
        counter("mainstay_scrape_failures_total", "Scrapes that failed.", |of| read(of, |all| &all.failures)),
        counter("mainstay_scrape_samples_total", "Samples that were kept.", |of| read(of, |all| &all.samples)),
        counter("mainstay_scrape_samples_refused_total", "Series and samples that were refused.", |of| {
            read(of, |all| &all.refused)
        }),
        counter("mainstay_scrape_bytes_total", "Bytes of answers, unpacked.", |of| read(of, |all| &all.bytes)),
    ]
}

fn read(handle: &Handle, of: fn(&Counters) -> &AtomicU64) -> Option<u64> {
    let monitor = handle.get::<Monitor>().ok()?;
    Some(of(&monitor.scraper.counters).load(Ordering::Relaxed))
}

/// How many targets there are, and how many of them are down.
fn standing(handle: &Handle) -> Option<(u64, u64)> {
    let (all, down) = handle.get::<Monitor>().ok()?.scraper.standing_of_all();
    Some((u64::try_from(all).ok()?, u64::try_from(down).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrapes_are_counted_with_what_they_brought() {
        let counters = Counters::default();
        counters.take(&Seen { kept: 5, refused: 2, bytes: 100, ..Seen::default() });
        counters.take(&Seen { error: Some("refused".into()), ..Seen::default() });
        let read = |one: &AtomicU64| one.load(Ordering::Relaxed);
        assert_eq!((read(&counters.scrapes), read(&counters.failures)), (2, 1));
        assert_eq!((read(&counters.samples), read(&counters.refused), read(&counters.bytes)), (5, 2, 100));
        let mut names: Vec<&str> = all().iter().map(|one| one.name).collect();
        assert!(all().iter().all(|one| (one.kind == "counter") == one.name.ends_with("_total")));
        names.dedup();
        assert_eq!(names.len(), 8);
    }
}
