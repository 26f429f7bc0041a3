//! The series of one target, and how an answer becomes samples. A series is known by the text of its line, so that an
//! answer like the one before costs a comparison a line: no labels are read, nothing is hashed, and all samples go into
//! the store as one row. What was there and is not there any more ends with a staleness marker.

use std::collections::HashSet;

use metrics_proto::stale_marker;
use metrics_proto::text::{Entry, Format, Limits, Parser, Series};

use super::naming::{join, ours, reading, register, too_many};
use super::relabel::{Labels, Rule, apply};
use crate::metrics::{At, Known};

/// Entries that stand for nothing any more are cleared away beyond this many and as many as there are live ones.
const GONE_MAX: usize = 1_000;

/// What every scrape says about itself, in this order.
const REPORT: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// What becomes of a line.
#[derive(Clone, Copy)]
enum Fate {
    /// It is stored.
    Kept(tsdb::SeriesId),
    /// A rule drops it.
    Dropped,
    /// It breaks a limit of the store, alone.
    Refused,
}

#[derive(Clone, Copy)]
struct Mark {
    fate: Fate,
    /// The scrape in which it came last; 0 when it has ended.
    round: u32,
    /// Its samples have the time of the scrape, so that it ends when it is not there.
    ends: bool,
}

/// Whose series these are.
pub(super) struct Owner<'a> {
    /// What is sampled together.
    pub(super) source: &'a str,
    pub(super) labels: &'a Labels,
    pub(super) asset: Option<i64>,
    pub(super) rules: &'a [Rule],
    pub(super) honor_labels: bool,
    pub(super) honor_timestamps: bool,
    pub(super) sample_limit: usize,
    pub(super) label_limit: usize,
    pub(super) body_bytes_max: usize,
    /// So many new series may come; agents and checks keep the rest of the store.
    pub(super) room: usize,
}

/// What one answer brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Samples in the answer.
    pub(crate) scraped: usize,
    /// Samples that the rules left.
    pub(crate) kept: usize,
    /// Series that were not there in the scrape before.
    pub(crate) added: usize,
    /// Series and samples that were refused one by one.
    pub(crate) refused: usize,
    /// Why the first of them were.
    pub(crate) because: Option<String>,
}

/// The series of one target.
#[derive(Default)]
pub(super) struct Book {
    known: Known<Mark>,
    round: u32,
    /// Series that came in the scrape before and end when they are not there.
    live: usize,
    report: Option<[tsdb::SeriesId; 5]>,
    /// Why a line was refused.
    because: Option<String>,
    /// What was live when the rules changed: what does not come again ends.
    before: Vec<tsdb::SeriesId>,
    row: Vec<(tsdb::SeriesId, f64)>,
    each: Vec<tsdb::Sample>,
}

/// Why an answer was not taken.
enum Wrong {
    /// The answer, in words.
    Answer(String),
    /// Series that were known have been forgotten by the store: it has to be read again.
    Forgotten,
}

impl Book {
    /// How many series there are now.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Takes an answer; it counts as a whole or not at all. `say` hears what it says about metrics.
    ///
    /// # Errors
    /// In words; everything that was there has ended then.
    pub(super) fn take(
        &mut self,
        store: &tsdb::Store,
        owner: &Owner<'_>,
        at_ms: i64,
        (body, format): (&[u8], Format),
        mut say: impl FnMut(&Entry<'_>),
    ) -> Result<Taken, String> {
        for _ in 0..2 {
            match self.read(store, owner, at_ms, (body, format), &mut say) {
                Ok(taken) => return Ok(taken),
                Err(Wrong::Forgotten) => self.known.clear(),
                Err(Wrong::Answer(why)) => {
                    self.end(store, owner, at_ms);
                    return Err(why);
                }
            }
        }
        Err("its series come and go too quickly at this moment".to_owned())
    }

    /// Everything that was there ends at this time.
    pub(super) fn end(&mut self, store: &tsdb::Store, owner: &Owner<'_>, at_ms: i64) {
        self.row.clear();
        self.each.clear();
        self.round = self.round.saturating_add(1);
        self.mark_gone();
        let stale = stale_marker();
        self.row.extend(std::mem::take(&mut self.before).into_iter().map(|id| (id, stale)));
        // What the store refuses here has ended already.
        drop(self.append(store, owner, at_ms, &mut Taken::default()));
        self.live = 0;
        if self.known.len() > 2 * owner.sample_limit + GONE_MAX {
            // Lines that are new every time must not pile up, also when none of them is ever stored.
            self.known.clear();
        }
    }

    /// The rules are others: every line is read anew, and what does not come again ends then.
    pub(super) fn renew(&mut self) {
        let before = &mut self.before;
        self.known.each(|mark| {
            if let (true, true, Fate::Kept(id)) = (mark.round != 0, mark.ends, mark.fate) {
                before.push(id);
            }
        });
        self.known.clear();
        (self.live, self.report) = (0, None);
    }

    /// The target is gone: everything ends, what it said about itself too.
    pub(super) fn close(&mut self, store: &tsdb::Store, owner: &Owner<'_>, at_ms: i64) {
        self.end(store, owner, at_ms);
        if let Some(ids) = self.report.take() {
            let row = ids.map(|id| (id, stale_marker()));
            // What the store refuses here has ended already.
            drop(store.append(owner.source, at_ms, &row));
        }
    }

    /// Stores what a scrape says about itself.
    pub(super) fn report(
        &mut self,
        store: &tsdb::Store,
        owner: &Owner<'_>,
        at_ms: i64,
        values: [f64; 5],
    ) -> Result<(), String> {
        for _ in 0..2 {
            let ids = match self.report {
                Some(ids) => ids,
                None => self.register_report(store, owner)?,
            };
            let row: Vec<_> = ids.into_iter().zip(values).collect();
            let appended = store.append(owner.source, at_ms, &row).map_err(|error| error.to_string())?;
            if appended.unknown == 0 {
                return Ok(());
            }
            self.report = None;
        }
        Ok(())
    }

    fn register_report(&mut self, store: &tsdb::Store, owner: &Owner<'_>) -> Result<[tsdb::SeriesId; 5], String> {
        let mut ids = Vec::with_capacity(REPORT.len());
        for name in REPORT {
            let mut labels = owner.labels.clone();
            labels.insert(tsdb::NAME_LABEL.into(), name.into());
            ids.push(register(store, owner.source, owner.asset, &labels).map_err(|error| error.to_string())?);
        }
        let ids = <[tsdb::SeriesId; 5]>::try_from(ids).map_err(|_| "the report has another length".to_owned())?;
        self.report = Some(ids);
        Ok(ids)
    }

    fn read(
        &mut self,
        store: &tsdb::Store,
        owner: &Owner<'_>,
        at_ms: i64,
        (body, format): (&[u8], Format),
        say: &mut impl FnMut(&Entry<'_>),
    ) -> Result<Taken, Wrong> {
        let limits = Limits { body_bytes_max: owner.body_bytes_max, ..Limits::default() };
        let wrong = |error: metrics_proto::text::TextError| Wrong::Answer(error.to_string());
        let mut parser = Parser::new(body, format, limits).map_err(wrong)?;
        self.row.clear();
        self.each.clear();
        self.round = self.round.saturating_add(1);
        let (mut taken, mut at) = (Taken::default(), At::default());
        while let Some(entry) = parser.next_entry(self.known.bytes(self.known.after(at))).map_err(wrong)? {
            let sample = match &entry {
                Entry::Sample(sample) | Entry::Created(sample) => sample,
                _ => {
                    say(&entry);
                    continue;
                }
            };
            taken.scraped += 1;
            at = match self.known.find(at, sample.series.raw()) {
                Some(found) => found,
                None => {
                    let mark = self.meet(store, owner, &sample.series)?;
                    self.known.add(at, sample.series.raw(), mark)
                }
            };
            let Some(mark) = self.known.value(at) else { continue };
            let Fate::Kept(id) = mark.fate else {
                taken.refused += usize::from(matches!(mark.fate, Fate::Refused));
                continue;
            };
            taken.kept += 1;
            if taken.kept > owner.sample_limit {
                return Err(Wrong::Answer(too_many(owner.sample_limit)));
            }
            let own = sample.at_ms.filter(|_| owner.honor_timestamps);
            let before = self.round.checked_sub(1).filter(|round| *round > 0);
            taken.added += usize::from(mark.round != self.round && Some(mark.round) != before);
            self.known.set(at, Mark { round: self.round, ends: own.is_none(), ..mark });
            match own {
                None => self.row.push((id, sample.value)),
                Some(at_ms) => self.each.push(tsdb::Sample { id, at_ms, value: sample.value }),
            }
        }
        if taken.refused > 0 {
            taken.because.clone_from(&self.because);
        }
        self.finish(store, owner, at_ms, &mut taken)?;
        Ok(taken)
    }

    /// Stores what was read, with the ends of what is not there any more.
    fn finish(&mut self, store: &tsdb::Store, owner: &Owner<'_>, at_ms: i64, taken: &mut Taken) -> Result<(), Wrong> {
        let came = self.row.len();
        if came < self.live || taken.added > 0 {
            self.mark_gone();
        }
        if !self.before.is_empty() {
            let there: HashSet<tsdb::SeriesId> = self.row.iter().map(|(id, _)| *id).collect();
            let gone = std::mem::take(&mut self.before).into_iter().filter(|id| !there.contains(id));
            self.row.extend(gone.map(|id| (id, stale_marker())));
        }
        self.append(store, owner, at_ms, taken)?;
        self.live = came;
        if self.known.len() > 2 * taken.scraped + GONE_MAX {
            let round = self.round;
            self.known.keep(|mark| mark.round == round);
        }
        Ok(())
    }

    /// What came in the scrape before, had its time, and did not come now ends.
    fn mark_gone(&mut self) {
        let (round, row) = (self.round, &mut self.row);
        let stale = stale_marker();
        self.known.each(|mark| {
            if mark.round != round && mark.round != 0 {
                if let (true, Fate::Kept(id)) = (mark.ends, mark.fate) {
                    row.push((id, stale));
                }
                mark.round = 0;
            }
        });
    }

    fn append(&self, store: &tsdb::Store, owner: &Owner<'_>, at_ms: i64, taken: &mut Taken) -> Result<(), Wrong> {
        let wrong = |error: tsdb::Error| Wrong::Answer(error.to_string());
        let mut count = |appended: tsdb::Appended| {
            if appended.unknown > 0 {
                return Err(Wrong::Forgotten);
            }
            for (refused, why) in [
                (appended.out_of_order, "out of order: it is too much older than the newest one"),
                (appended.duplicate, "the same series is there twice with different values"),
                (appended.out_of_bounds, "its time is older than what is kept, or in the future"),
            ] {
                taken.refused += refused;
                if refused > 0 {
                    taken.because.get_or_insert_with(|| why.to_owned());
                }
            }
            Ok(())
        };
        for some in self.row.chunks(tsdb::BATCH_SAMPLES_MAX) {
            count(store.append(owner.source, at_ms, some).map_err(wrong)?)?;
        }
        for some in self.each.chunks(tsdb::BATCH_SAMPLES_MAX) {
            count(store.append_each(some).map_err(wrong)?)?;
        }
        Ok(())
    }

    /// A line that is new: its labels are read, rules applied, and the series registered.
    fn meet(&mut self, store: &tsdb::Store, owner: &Owner<'_>, series: &Series<'_>) -> Result<Mark, Wrong> {
        let mark = |fate| Mark { fate, round: 0, ends: true };
        let limits = reading(owner.label_limit);
        let mut read = Vec::new();
        series.labels_into(&limits, &mut read).map_err(|error| Wrong::Answer(error.to_string()))?;
        let mut labels = join(&read, owner.labels, owner.honor_labels);
        if !apply(owner.rules, &mut labels) {
            return Ok(mark(Fate::Dropped));
        }
        if self.row.len() + self.each.len() >= owner.room.saturating_add(self.live) {
            let why = "all scraped series together would be more than three quarters of series_max in the setting monitor.series";
            return Err(Wrong::Answer(why.to_owned()));
        }
        let Some(metric) = labels.get(tsdb::NAME_LABEL) else { return Ok(mark(Fate::Dropped)) };
        if let Some(why) = ours(metric) {
            self.because = Some(why);
            return Ok(mark(Fate::Refused));
        }
        match register(store, owner.source, owner.asset, &labels) {
            Ok(id) => Ok(mark(Fate::Kept(id))),
            Err(error @ tsdb::Error::BadLabels { .. }) => {
                self.because = Some(error.to_string());
                Ok(mark(Fate::Refused))
            }
            Err(error) => Err(Wrong::Answer(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scraped_series_leave_room_for_others_and_those_that_are_there_stay() {
        let folder = tempfile::tempdir().unwrap();
        let now = 1_700_000_000_000;
        let store = tsdb::Store::open(folder.path(), tsdb::Options::default(), now).unwrap();
        let (labels, mut book) = (Labels::new(), Book::default());
        let mut take = |room: usize, text: &str, at_ms: i64| {
            let owner = Owner {
                source: "scrape:1/x",
                labels: &labels,
                asset: Some(7),
                rules: &[],
                honor_labels: false,
                honor_timestamps: true,
                sample_limit: 10,
                label_limit: 10,
                body_bytes_max: 1_000,
                room,
            };
            book.take(&store, &owner, at_ms, (text.as_bytes(), Format::Prometheus), |_| {}).map(|taken| taken.added)
        };
        assert_eq!(take(2, "a 1\nb 2\n", now), Ok(2));
        assert_eq!(take(0, "b 2\na 1\n", now + 1_000), Ok(0));
        assert!(take(0, "a 1\nb 2\nc 3\n", now + 2_000).unwrap_err().contains("three quarters of series_max"));
        assert_eq!(take(1, "a 1\n", now + 3_000), Ok(1));
        let all = store.select(&[tsdb::Matcher::equal("asset", "7")], 0, i64::MAX, tsdb::Limits::default()).unwrap();
        let of = |metric| all.iter().find(|one| one.labels.metric() == metric).unwrap().points.len();
        assert_eq!((of("a"), of("b")), (4, 3), "an end is a sample, and it comes once");
    }
}
