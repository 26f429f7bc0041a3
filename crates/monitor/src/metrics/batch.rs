//! Samples of one request on their way into the store, row by row.

/// A series, and the number of what it is sampled together with.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) id: tsdb::SeriesId,
    pub(super) source: u32,
}

/// Samples on their way into the store.
#[derive(Default)]
pub(super) struct Batch {
    /// Of series that have one sample in the request, row by row.
    pub(super) samples: Vec<(tsdb::SeriesId, f64)>,
    pub(super) rows: Vec<Row>,
    /// Of series that have several.
    pub(super) each: Vec<tsdb::Sample>,
}

/// Samples of one source at one moment.
pub(super) struct Row {
    pub(super) source: u32,
    pub(super) at_ms: i64,
    /// Where its samples end.
    pub(super) end: usize,
}

impl Batch {
    #[inline]
    pub(super) fn push(&mut self, place: Place, at_ms: i64, value: f64) {
        self.samples.push((place.id, value));
        let end = self.samples.len();
        match self.rows.last_mut() {
            Some(row) if row.source == place.source && row.at_ms == at_ms => row.end = end,
            _ => self.rows.push(Row { source: place.source, at_ms, end }),
        }
    }

    pub(super) fn clear(&mut self) {
        self.samples.clear();
        self.rows.clear();
        self.each.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.samples.len() + self.each.len()
    }

    /// Samples of sources that come mixed are put in order by the store instead.
    pub(super) fn mix(&mut self) {
        let mut from = 0;
        for row in self.rows.drain(..) {
            let of_row = self.samples.get(from..row.end).unwrap_or_default();
            self.each.extend(of_row.iter().map(|(id, value)| tsdb::Sample {
                id: *id,
                at_ms: row.at_ms,
                value: *value,
            }));
            from = row.end;
        }
        self.samples.clear();
    }
}
