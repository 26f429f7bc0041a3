//! What exporters answer to a scrape: Prometheus text 0.0.4 and OpenMetrics 1.0, with the UTF-8 names of Prometheus 3.
//!
//! ```
//! use metrics_proto::text::{Entry, Format, Limits, Parser};
//! let body = b"# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 1027\n";
//! let mut series = Vec::new();
//! for entry in Parser::new(body, Format::Prometheus, Limits::default())? {
//!     if let Entry::Sample(sample) = entry? {
//!         series.push((sample.series.raw(), sample.value));
//!     }
//! }
//! assert_eq!(series, [(br#"http_requests_total{code="200"}"#.as_slice(), 1027.0)]);
//! # Ok::<(), metrics_proto::text::TextError>(())
//! ```

mod error;
mod format;
mod metadata;
mod series;
mod syntax;
#[cfg(test)]
mod tests;

use memchr::memchr;

pub use error::TextError;
pub use format::{ACCEPT, Format, FormatError};
pub use series::Series;

use crate::{Kind, LabelLimits, number};
use std::borrow::Cow;
use syntax::Wrong;

/// How much one scrape may bring. Beyond a limit the whole scrape fails.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of the body, unpacked.
    pub body_bytes_max: usize,
    /// Most bytes of one line.
    pub line_bytes_max: usize,
    /// Most samples.
    pub samples_max: usize,
    /// What one series may have; the number of labels is checked while lines are read, lengths when labels are.
    pub labels: LabelLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 << 20,
            line_bytes_max: 64 << 10,
            samples_max: 500_000,
            labels: LabelLimits::default(),
        }
    }
}

/// One line that means something.
#[derive(Clone, Debug)]
pub enum Entry<'a> {
    /// A value.
    Sample(Sample<'a>),
    /// OpenMetrics: since when a counter, histogram or summary counts (`.._created`), in seconds since 1970 UTC. Keep it
    /// as a series or leave it out; Prometheus keeps it unless told otherwise.
    Created(Sample<'a>),
    /// `# TYPE`: the kind of a metric.
    Type {
        /// The metric's name.
        metric: Cow<'a, str>,
        /// Its kind.
        kind: Kind,
    },
    /// `# HELP`: what a metric means.
    Help {
        /// The metric's name.
        metric: Cow<'a, str>,
        /// The words.
        text: Cow<'a, str>,
    },
    /// OpenMetrics `# UNIT`: a metric's unit.
    Unit {
        /// The metric's name.
        metric: Cow<'a, str>,
        /// The unit.
        unit: &'a str,
    },
}

/// One value of one series.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Which series.
    pub series: Series<'a>,
    /// The value. A staleness marker cannot be written in text; every NaN is the ordinary one.
    pub value: f64,
    /// Milliseconds since 1970 UTC if the exporter said when, as it seldom does.
    pub at_ms: Option<i64>,
}

/// Reads a scrape line by line. After an error it is over, and what it gave before should be thrown away: a scrape counts
/// as a whole or not at all, as in Prometheus.
#[derive(Debug)]
pub struct Parser<'a> {
    rest: &'a str,
    format: Format,
    limits: Limits,
    line: u64,
    samples: usize,
    exemplars: usize,
    family: Option<Family<'a>>,
    /// The metric that the last comment was about: mostly the next one is, too.
    about: &'a str,
    ended: bool,
    failed: bool,
}

/// What the last `# TYPE` said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family<'a> {
    /// As written, without quotes but with escapes.
    pub(crate) name: &'a [u8],
    pub(crate) kind: Kind,
}

impl<'a> Parser<'a> {
    /// Looks at the body as a whole: its size, and whether it is UTF-8.
    ///
    /// # Errors
    /// A [`TextError`] that says which of the two is wrong.
    pub fn new(body: &'a [u8], format: Format, limits: Limits) -> Result<Self, TextError> {
        if body.len() > limits.body_bytes_max {
            return Err(TextError::Limit { line: 0, what: "bytes in the body", max: limits.body_bytes_max });
        }
        let text = std::str::from_utf8(body).map_err(|cause| {
            let before = body.get(..cause.valid_up_to()).unwrap_or_default();
            let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
            TextError::Syntax { line, expected: "UTF-8", found: "other bytes".to_owned() }
        })?;
        Ok(Self {
            rest: text,
            format,
            limits,
            line: 0,
            samples: 0,
            exemplars: 0,
            family: None,
            about: "",
            ended: false,
            failed: false,
        })
    }

    /// The next entry, or `None` at the end.
    ///
    /// `expected` is the raw text of the series that this place held in the scrape before, if the caller remembers: when
    /// it is there again, its labels are not looked at, and it is a sample, whatever it was before: an
    /// [`Entry::Created`] that is not wanted has no place.
    ///
    /// # Errors
    /// A [`TextError`] with the line; the parser is at its end then.
    #[inline]
    pub fn next_entry(&mut self, expected: Option<&[u8]>) -> Result<Option<Entry<'a>>, TextError> {
        if self.failed {
            return Ok(None);
        }
        let outcome = self.advance(expected);
        self.failed = outcome.is_err();
        outcome
    }

    /// How many exemplars were skipped so far.
    pub fn exemplars_skipped(&self) -> usize {
        self.exemplars
    }

    /// The line read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    fn advance(&mut self, expected: Option<&[u8]>) -> Result<Option<Entry<'a>>, TextError> {
        let strict = self.format == Format::OpenMetrics;
        while !self.rest.is_empty() {
            let line = self.take_line()?;
            let line = if strict { line } else { line.trim_start_matches([' ', '\t']) };
            match line.as_bytes().first() {
                Some(b'#') if strict && line == "# EOF" => self.ended = true,
                Some(b'#') => match metadata::comment(line, strict, &mut self.about, &mut self.family) {
                    Ok(None) => {}
                    Ok(entry) => return Ok(entry),
                    Err(wrong) => return Err(self.wrong(wrong)),
                },
                Some(_) => return self.sample(line.as_bytes(), expected, strict).map(Some),
                None if strict => {
                    return Err(self.wrong(Wrong::new("a metric, a comment or # EOF, not an empty line", b"")));
                }
                None => {}
            }
        }
        if strict && !self.ended {
            return Err(TextError::NotEnded { line: self.line });
        }
        Ok(None)
    }

    #[inline]
    fn take_line(&mut self) -> Result<&'a str, TextError> {
        self.line += 1;
        if self.ended {
            return Err(self.wrong(Wrong::new("nothing after # EOF", self.rest.as_bytes())));
        }
        let end = memchr(b'\n', self.rest.as_bytes()).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest.get(1..).unwrap_or_default();
        if line.len() > self.limits.line_bytes_max {
            return Err(self.limit("bytes in the line", self.limits.line_bytes_max));
        }
        Ok(line)
    }

    #[inline(always)]
    fn sample(&mut self, line: &'a [u8], expected: Option<&[u8]>, strict: bool) -> Result<Entry<'a>, TextError> {
        self.samples += 1;
        if self.samples > self.limits.samples_max {
            return Err(self.limit("samples", self.limits.samples_max));
        }
        let (rest, known) = match expected.and_then(|expected| syntax::known(line, expected, strict)) {
            Some(rest) => (rest, true),
            None => (self.unknown_series(line, strict)?, false),
        };
        let raw = line.get(..line.len() - rest.len()).unwrap_or_default();
        let (value, at_ms) = self.value_and_time(rest, strict).map_err(|wrong| self.wrong(wrong))?;
        let series = Series::new(raw, self.format, self.family);
        let sample = Sample { series, value, at_ms };
        let created = strict && !known && series.is_created();
        Ok(if created { Entry::Created(sample) } else { Entry::Sample(sample) })
    }

    /// Walks over name and labels and answers what follows them.
    fn unknown_series(&self, line: &'a [u8], strict: bool) -> Result<&'a [u8], TextError> {
        let mut labels = 0;
        let rest = syntax::series(line, strict, |_| labels += 1).map_err(|wrong| self.wrong(wrong))?;
        if labels > self.limits.labels.labels_max {
            return Err(self.limit("labels", self.limits.labels.labels_max));
        }
        Ok(rest)
    }

    #[inline]
    fn value_and_time(&mut self, rest: &'a [u8], strict: bool) -> Result<(f64, Option<i64>), Wrong<'a>> {
        let rest = syntax::gap(rest, strict)?;
        let (value, after) = number::leading_float(rest).ok_or(Wrong::new("a number as the value", rest))?;
        if after.is_empty() {
            return Ok((value, None));
        }
        let rest = syntax::gap(after, strict)?;
        if rest.is_empty() && !strict {
            return Ok((value, None));
        }
        if strict && rest.first() == Some(&b'#') {
            syntax::exemplar(rest)?;
            self.exemplars += 1;
            return Ok((value, None));
        }
        let (token, after) = syntax::token(rest);
        let at_ms = if strict { syntax::seconds(token) } else { syntax::milliseconds(token) };
        let at_ms = at_ms.ok_or(Wrong::new("a timestamp or the end of the line", rest))?;
        if strict && !after.is_empty() {
            syntax::exemplar(syntax::gap(after, strict)?)?;
            self.exemplars += 1;
        } else if !syntax::skip_blank(after).is_empty() {
            return Err(Wrong::new("the end of the line", after));
        }
        Ok((value, Some(at_ms)))
    }

    #[cold]
    fn wrong(&self, wrong: Wrong<'_>) -> TextError {
        TextError::Syntax { line: self.line, expected: wrong.expected, found: error::excerpt(wrong.at) }
    }

    #[cold]
    fn limit(&self, what: &'static str, max: usize) -> TextError {
        TextError::Limit { line: self.line, what, max }
    }
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Entry<'a>, TextError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_entry(None).transpose()
    }
}
