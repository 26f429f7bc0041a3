//! Reads an unpacked remote write request.

use std::fmt;

use super::{Version, histogram, metadata};
use crate::labels::put_label;
use crate::wire::{Reader, Value, WireError};
use crate::{Item, LabelBytes, Metadata, SeriesSamples};

/// How much one request may bring. (What its body may unpack to is the bound of [`inflate::snappy`](crate::inflate::snappy).)
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most series.
    pub series_max: usize,
    /// Most series after histograms were turned into series, and most metadata.
    pub given_max: u64,
    /// Most samples of one series.
    pub samples_per_series_max: usize,
    /// Most bytes of one series' names and values.
    pub label_bytes_max: usize,
    /// Most symbols of a 2.0 request.
    pub symbols_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            series_max: 100_000,
            given_max: 500_000,
            samples_per_series_max: 100_000,
            label_bytes_max: 16 << 10,
            symbols_max: 500_000,
        }
    }
}

/// What a request held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Series given to the caller, those made from histograms included.
    pub series: u64,
    /// Samples that were sent as samples.
    pub samples: u64,
    /// Native histograms turned into `_count`, `_sum` and `_bucket` series.
    pub histograms: u64,
    /// Native histograms refused.
    pub histograms_refused: u64,
    /// Samples of series that were refused, because their labels are too long; the others were given.
    pub samples_refused: u64,
    /// Why the first of what was refused was.
    pub refused_because: Option<String>,
    /// Exemplars, which are ignored.
    pub exemplars_ignored: u64,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The bytes are not the message.
    Damaged(WireError),
    /// A reference points outside the symbols, or a label has a name and no value.
    Symbols(&'static str),
    /// More than allowed.
    Limit {
        /// Of what there is too much.
        what: &'static str,
        /// The limit.
        max: usize,
    },
}

impl From<WireError> for WriteError {
    fn from(error: WireError) -> Self {
        Self::Damaged(error)
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(error) => write!(f, "the remote write request cannot be read: {error}"),
            Self::Symbols(what) => write!(f, "the remote write request cannot be read: {what}"),
            Self::Limit { what, max } => {
                write!(f, "the remote write request has more than {max} {what}: send smaller requests")
            }
        }
    }
}

impl std::error::Error for WriteError {}

/// Takes what a request holds.
pub trait Take {
    /// The label bytes of the series that probably comes next, as an earlier request had them; empty if nothing is known.
    fn expected(&self) -> &[u8] {
        &[]
    }

    /// Takes one thing.
    fn take(&mut self, item: Item<'_>);

    /// Takes samples (at least one) of the series whose label bytes are, byte by byte, what [`expected`](Self::expected)
    /// answered last.
    fn take_expected(&mut self, labels: LabelBytes<'_>, samples: &[(i64, f64)]) {
        self.take(Item::Series(SeriesSamples { labels, samples, metadata: None }));
    }
}

/// A function that expects nothing.
struct Each<F>(F);

impl<F: FnMut(Item<'_>)> Take for Each<F> {
    fn take(&mut self, item: Item<'_>) {
        (self.0)(item);
    }
}

/// Reads requests; one per connection or worker.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    counts: Counts,
    samples: Vec<(i64, f64)>,
    labels: Vec<u8>,
    derived: Vec<u8>,
    references: Vec<u32>,
}

/// What one series message held besides samples and labels, to be looked at later.
struct Rest<'a> {
    message: &'a [u8],
    /// The field that holds histograms, if there was one.
    histograms: Option<u32>,
    metadata: Option<Metadata<'a>>,
}

impl Decoder {
    /// A decoder with these limits.
    pub fn new(limits: Limits) -> Self {
        let counts = Counts::default();
        Self { limits, counts, samples: Vec::new(), labels: Vec::new(), derived: Vec::new(), references: Vec::new() }
    }

    /// Gives everything in `body`, which is unpacked already, to `take`, in order.
    ///
    /// # Errors
    /// A [`WriteError`]; what came before it was given, and [`counts`](Self::counts) says how much.
    pub fn read(&mut self, version: Version, body: &[u8], take: impl FnMut(Item<'_>)) -> Result<Counts, WriteError> {
        self.read_into(version, body, &mut Each(take))
    }

    /// The same, for a receiver that knows what comes next: labels that lie as it expects are not walked.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_into(&mut self, version: Version, body: &[u8], take: &mut impl Take) -> Result<Counts, WriteError> {
        self.counts = Counts::default();
        match version {
            Version::V1 => self.read_v1(body, take)?,
            Version::V2 => self.read_v2(body, take)?,
        }
        Ok(self.counts.clone())
    }

    /// What the request read last held, also if it ended in an error.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn read_v1(&mut self, body: &[u8], take: &mut impl Take) -> Result<(), WriteError> {
        let mut reader = Reader::new(body);
        let (mut series, mut metadata) = (0, 0);
        while let Some((field, value)) = reader.field()? {
            match field {
                1 => {
                    series = self.one_more(series)?;
                    self.series_v1(value.bytes()?, take)?;
                }
                3 => {
                    metadata += 1;
                    self.within(metadata)?;
                    take.take(Item::Metadata(metadata::v1(value.bytes()?)?));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn one_more(&self, series: usize) -> Result<usize, WriteError> {
        let max = self.limits.series_max;
        if series < max { Ok(series + 1) } else { Err(WriteError::Limit { what: "series", max }) }
    }

    fn within(&self, given: u64) -> Result<(), WriteError> {
        let max = self.limits.given_max;
        if given <= max {
            Ok(())
        } else {
            Err(WriteError::Limit { what: "series of histograms and metadata", max: max as usize })
        }
    }

    fn series_v1(&mut self, message: &[u8], take: &mut impl Take) -> Result<(), WriteError> {
        self.samples.clear();
        self.labels.clear();
        let mut rest = Rest { message, histograms: None, metadata: None };
        // Senders write the labels first and together, so their bytes are the key as they lie. Else they are copied.
        // What is expected is whole labels, so that what follows it is read like any other message.
        let expected = take.expected();
        let mut together: &[u8] = message.get(..expected.len()).filter(|there| *there == expected).unwrap_or_default();
        let mut reader = Reader::new(message.get(together.len()..).unwrap_or_default());
        let (mut scattered, known) = (false, together.len());
        loop {
            let before = message.len() - reader.rest().len();
            let Some((field, value)) = reader.field()? else { break };
            match field {
                1 => {
                    value.bytes()?;
                    let after = message.len() - reader.rest().len();
                    let piece = message.get(before..after).unwrap_or_default();
                    if before == together.len() {
                        together = message.get(..after).unwrap_or_default();
                    } else {
                        if !scattered {
                            self.labels.extend_from_slice(together);
                        }
                        scattered = true;
                        self.labels.extend_from_slice(piece);
                    }
                }
                2 => self.sample(value)?,
                3 => self.counts.exemplars_ignored += 1,
                4 => rest.histograms = Some(4),
                _ => {}
            }
        }
        let usual = known > 0 && known == together.len() && known <= self.limits.label_bytes_max;
        if usual && !scattered && !self.samples.is_empty() && rest.histograms.is_none() {
            take.take_expected(LabelBytes::new(together), &self.samples);
            self.counts.series += 1;
            self.counts.samples += self.samples.len() as u64;
            return Ok(());
        }
        let labels = if scattered { std::mem::take(&mut self.labels) } else { Vec::new() };
        let outcome = self.give(if scattered { &labels } else { together }, &rest, take);
        if scattered {
            self.labels = labels;
        }
        outcome
    }

    #[inline]
    fn sample(&mut self, value: Value<'_>) -> Result<(), WriteError> {
        if self.samples.len() >= self.limits.samples_per_series_max {
            return Err(WriteError::Limit { what: "samples of one series", max: self.limits.samples_per_series_max });
        }
        let message = value.bytes()?;
        if let Some(usual) = usual_sample(message) {
            self.samples.push(usual);
            return Ok(());
        }
        let (mut at_ms, mut number) = (0, 0.0);
        let mut reader = Reader::new(message);
        while let Some((field, value)) = reader.field()? {
            match field {
                1 => number = value.double()?,
                2 => at_ms = value.int()?,
                _ => {}
            }
        }
        self.samples.push((at_ms, number));
        Ok(())
    }

    /// Hands out what one series message held.
    fn give(&mut self, labels: &[u8], rest: &Rest<'_>, take: &mut impl Take) -> Result<(), WriteError> {
        if labels.len() > self.limits.label_bytes_max {
            self.refuse(rest);
            return Ok(());
        }
        if !self.samples.is_empty() {
            let labels = LabelBytes::new(labels);
            take.take(Item::Series(SeriesSamples { labels, samples: &self.samples, metadata: rest.metadata }));
            self.counts.series += 1;
            self.counts.samples += self.samples.len() as u64;
        }
        if let Some(field) = rest.histograms { self.give_histograms(labels, field, rest, take) } else { Ok(()) }
    }

    /// Leaves out a series whose labels are too long. A sender does not send a refused request again, so the others of
    /// the request are taken.
    fn refuse(&mut self, rest: &Rest<'_>) {
        self.counts.samples_refused += self.samples.len() as u64;
        self.counts.histograms_refused += u64::from(rest.histograms.is_some());
        self.counts.refused_because.get_or_insert_with(|| {
            format!("the series has more than {} bytes of labels: shorten or drop one", self.limits.label_bytes_max)
        });
    }

    fn give_histograms(
        &mut self,
        labels: &[u8],
        histograms: u32,
        rest: &Rest<'_>,
        take: &mut impl Take,
    ) -> Result<(), WriteError> {
        let mut reader = Reader::new(rest.message);
        while let Some((field, value)) = reader.field()? {
            if field != histograms {
                continue;
            }
            let read = histogram::read(value.bytes()?)?;
            match histogram::give(&read, LabelBytes::new(labels), rest.metadata, &mut self.derived, take) {
                Ok(series) => {
                    self.counts.histograms += 1;
                    self.counts.series += series;
                    self.within(self.counts.series)?;
                }
                Err(reason) => {
                    self.counts.histograms_refused += 1;
                    self.counts.refused_because.get_or_insert(reason);
                }
            }
        }
        Ok(())
    }

    fn read_v2(&mut self, body: &[u8], take: &mut impl Take) -> Result<(), WriteError> {
        let symbols = self.symbols(body)?;
        let mut reader = Reader::new(body);
        let mut series = 0;
        while let Some((field, value)) = reader.field()? {
            if field == 5 {
                series = self.one_more(series)?;
                self.series_v2(value.bytes()?, &symbols, take)?;
            }
        }
        Ok(())
    }

    fn symbols<'a>(&self, body: &'a [u8]) -> Result<Vec<&'a str>, WriteError> {
        let mut symbols = Vec::new();
        let mut reader = Reader::new(body);
        while let Some((field, value)) = reader.field()? {
            if field == 4 {
                if symbols.len() >= self.limits.symbols_max {
                    return Err(WriteError::Limit { what: "symbols", max: self.limits.symbols_max });
                }
                symbols.push(value.text()?);
            }
        }
        match symbols.first() {
            Some(first) if !first.is_empty() => Err(WriteError::Symbols("the first symbol is not empty")),
            _ => Ok(symbols),
        }
    }

    fn series_v2<'a>(
        &mut self,
        message: &'a [u8],
        symbols: &[&'a str],
        take: &mut impl Take,
    ) -> Result<(), WriteError> {
        self.samples.clear();
        self.references.clear();
        let mut rest = Rest { message, histograms: None, metadata: None };
        let mut reader = Reader::new(message);
        while let Some((field, value)) = reader.field()? {
            match field {
                1 => value.each_varint(|number| self.references.push(u32::try_from(number).unwrap_or(u32::MAX)))?,
                2 => self.sample(value)?,
                3 => rest.histograms = Some(3),
                4 => self.counts.exemplars_ignored += 1,
                5 => rest.metadata = Some(metadata::v2(value.bytes()?, symbols)?),
                _ => {}
            }
        }
        let mut labels = std::mem::take(&mut self.labels);
        labels.clear();
        let outcome = match self.resolve(symbols, &mut labels) {
            Ok(true) => self.give(&labels, &rest, take),
            Ok(false) => {
                self.refuse(&rest);
                Ok(())
            }
            Err(error) => Err(error),
        };
        self.labels = labels;
        outcome
    }

    /// Writes the labels that the references name, in the form of 1.0; false if they are too long.
    fn resolve(&self, symbols: &[&str], into: &mut Vec<u8>) -> Result<bool, WriteError> {
        let (pairs, odd) = self.references.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(WriteError::Symbols("a label has a name and no value"));
        }
        for [name, value] in pairs {
            let (name, value) = (metadata::symbol(symbols, *name)?, metadata::symbol(symbols, *value)?);
            // Looked at before it is copied: a few bytes may point at a long symbol again and again.
            if into.len() + name.len() + value.len() > self.limits.label_bytes_max {
                return Ok(false);
            }
            put_label(name, value, into);
        }
        Ok(true)
    }
}

/// A sample as every sender writes it: the value, then the time, nothing else.
#[inline]
fn usual_sample(message: &[u8]) -> Option<(i64, f64)> {
    let (bits, rest) = message.strip_prefix(&[0x09])?.split_first_chunk::<8>()?;
    let mut at_ms = 0_u64;
    let mut shift = 0;
    let (last, before) = rest.strip_prefix(&[0x10])?.split_last()?;
    // Up to six bytes are 2^42 ms, the year 2109; longer and damaged ones go the long way.
    if before.len() > 5 || *last >= 0x80 {
        return None;
    }
    for byte in before {
        if *byte < 0x80 {
            return None;
        }
        at_ms |= u64::from(byte & 0x7f) << shift;
        shift += 7;
    }
    at_ms |= u64::from(*last) << shift;
    Some((at_ms.cast_signed(), f64::from_bits(u64::from_le_bytes(*bits))))
}
