//! The series a line is about: its raw text, and its labels when somebody asks.

use std::borrow::Cow;

use super::syntax::{self, Part};
use super::{Family, Format};
use crate::{Kind, LabelError, LabelLimits, NAME_LABEL, labels, number};

/// Name and labels of a series as the exporter wrote them.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    raw: &'a [u8],
    format: Format,
    family: Option<Family<'a>>,
}

impl<'a> Series<'a> {
    pub(super) fn new(raw: &'a [u8], format: Format, family: Option<Family<'a>>) -> Self {
        Self { raw, format, family }
    }

    /// The bytes of name and labels. An exporter writes a series the same way every time, so these are the key by which
    /// a scraper finds what it stored; a series written in another way is only a second key for it.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Reads the labels into `into` (which is cleared): sorted by name, `__name__` among them, escapes undone, empty
    /// values left out. `le` of a histogram and `quantile` of a summary become canonical numbers (`1` is `1.0`), as in
    /// Prometheus 3.
    ///
    /// # Errors
    /// A [`LabelError`] if the labels break a rule; the scrape should fail then.
    pub fn labels_into(
        &self,
        limits: &LabelLimits,
        into: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
    ) -> Result<(), LabelError> {
        into.clear();
        let strict = self.format == Format::OpenMetrics;
        let number_label = self.number_label();
        // The raw text was walked when the line was read.
        let _ = syntax::series(self.raw, strict, |part| {
            into.push(match part {
                Part::Name(name) => (Cow::Borrowed(NAME_LABEL), Cow::Borrowed(text(name))),
                Part::QuotedName(name) => (Cow::Borrowed(NAME_LABEL), unescaped(text(name), true)),
                Part::Label { name, quoted, value } => {
                    let name = if quoted { unescaped(text(name), true) } else { Cow::Borrowed(text(name)) };
                    let value = match number::float(value).filter(|_| number_label == Some(&*name)) {
                        Some(bound) => Cow::Owned(number::canonical(bound)),
                        None => unescaped(text(value), true),
                    };
                    (name, value)
                }
            });
        });
        labels::settle(into, limits).inspect_err(|_| into.clear())
    }

    /// The label that holds a number, by the kind of the metric this series belongs to.
    fn number_label(&self) -> Option<&'static str> {
        match (self.suffix()?, self.family?.kind) {
            (b"_bucket", Kind::Histogram | Kind::GaugeHistogram) => Some("le"),
            (b"", Kind::Summary) => Some("quantile"),
            _ => None,
        }
    }

    pub(super) fn is_created(&self) -> bool {
        let counts = |family: Family<'_>| matches!(family.kind, Kind::Counter | Kind::Histogram | Kind::Summary);
        // Few names hold the word, and it is found sooner than the name is walked.
        let perhaps = memchr::memmem::find(self.raw, b"_created").is_some();
        perhaps && self.family.is_some_and(counts) && self.suffix() == Some(b"_created")
    }

    /// What this series' name adds to the name of the metric that was announced last; `None` if it is another metric.
    fn suffix(&self) -> Option<&'a [u8]> {
        let family = self.family?;
        let mut suffix = None;
        let _ = syntax::series(self.raw, self.format == Format::OpenMetrics, |part| {
            if let Part::Name(name) | Part::QuotedName(name) = part {
                suffix = name.strip_prefix(family.name);
            }
        });
        suffix
    }
}

/// The body is known to be UTF-8, and pieces of it end at ASCII bytes.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// Undoes `\\`, `\n` and, where quotes are escaped, `\"`; other backslashes stay, as in Prometheus.
pub(super) fn unescaped(raw: &str, quotes: bool) -> Cow<'_, str> {
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut plain = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut chars = after.chars();
        rest = match chars.next() {
            Some('n') => {
                plain.push('\n');
                chars.as_str()
            }
            Some('\\') => {
                plain.push('\\');
                chars.as_str()
            }
            Some('"') if quotes => {
                plain.push('"');
                chars.as_str()
            }
            _ => {
                plain.push('\\');
                after
            }
        };
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}
