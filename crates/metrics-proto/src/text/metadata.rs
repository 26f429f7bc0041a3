//! Comment lines: `# TYPE`, `# HELP`, `# UNIT`, and words for people.

use std::borrow::Cow;

use super::series::unescaped;
use super::syntax::{Wrong, metric_name};
use super::{Entry, Family};
use crate::Kind;

/// What parts words in Prometheus text. OpenMetrics has one space.
const BLANK: [char; 2] = [' ', '\t'];

/// What a comment line says; `None` if it is words for people. `# TYPE` is remembered in `family`, every plain name in `last`.
#[inline(always)]
pub(super) fn comment<'a>(
    line: &'a str,
    strict: bool,
    last: &mut &'a str,
    family: &mut Option<Family<'a>>,
) -> Result<Option<Entry<'a>>, Wrong<'a>> {
    let Some((keyword, rest)) = keyword(line, strict) else { return unknown(line, strict) };
    match keyword {
        "TYPE" => {
            let About { metric, raw, rest } = metric(rest, last)?;
            let word = value(rest, strict)?;
            let kind = kind(word, strict).ok_or(Wrong::new("a metric type", word.as_bytes()))?;
            *family = Some(Family { name: raw.as_bytes(), kind });
            Ok(Some(Entry::Type { metric, kind }))
        }
        "HELP" => {
            let About { metric, rest, .. } = metric(rest, last)?;
            let words = if rest.is_empty() { rest } else { value(rest, strict)? };
            Ok(Some(Entry::Help { metric, text: unescaped(words, strict) }))
        }
        "UNIT" if strict => {
            let About { metric, rest, .. } = metric(rest, last)?;
            let unit = if rest.is_empty() { rest } else { value(rest, strict)? };
            let suffix = metric.strip_suffix(unit).is_some_and(|before| unit.is_empty() || before.ends_with('_'));
            if suffix {
                Ok(Some(Entry::Unit { metric, unit }))
            } else {
                Err(Wrong::new("a unit that the metric's name ends with", line.as_bytes()))
            }
        }
        _ => unknown(line, strict),
    }
}

#[cold]
fn unknown(line: &str, strict: bool) -> Result<Option<Entry<'_>>, Wrong<'_>> {
    if strict { Err(Wrong::new("# TYPE, # HELP, # UNIT or # EOF", line.as_bytes())) } else { Ok(None) }
}

/// The first word after `#` and a blank, and what follows it and its blank.
fn keyword(line: &str, strict: bool) -> Option<(&str, &str)> {
    // As every exporter writes it.
    if let Some((keyword, rest)) = line.strip_prefix("# ").and_then(|words| words.split_at_checked(4))
        && let Some(rest) = rest.strip_prefix(' ')
        && !keyword.contains(BLANK)
        && (strict || !rest.starts_with(BLANK))
    {
        return Some((keyword, rest));
    }
    if strict {
        return None;
    }
    let words = line.strip_prefix('#')?.strip_prefix(BLANK)?.trim_start_matches(BLANK);
    let (keyword, rest) = words.split_once(BLANK)?;
    Some((keyword, rest.trim_start_matches(BLANK)))
}

/// The metric a comment is about, and what follows it.
struct About<'a> {
    metric: Cow<'a, str>,
    /// The name as written, without quotes but with escapes.
    raw: &'a str,
    rest: &'a str,
}

/// A name, plain or in quotes.
#[inline(always)]
fn metric<'a>(line: &'a str, last: &mut &'a str) -> Result<About<'a>, Wrong<'a>> {
    if let Some(rest) = line.strip_prefix(*last)
        && rest.starts_with(' ')
        && !last.is_empty()
    {
        return Ok(About { metric: Cow::Borrowed(*last), raw: last, rest });
    }
    if let Some(inner) = line.strip_prefix('"') {
        let mut escaped = false;
        let end = inner.bytes().position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        let end = end.ok_or(Wrong::new("a closing quote", line.as_bytes()))?;
        let (raw, rest) = inner.split_at_checked(end).unwrap_or((inner, ""));
        return Ok(About { metric: unescaped(raw, true), raw, rest: rest.get(1..).unwrap_or_default() });
    }
    let length = metric_name(line.as_bytes()).map(|(name, _)| name.len());
    let split = length.and_then(|length| line.split_at_checked(length));
    let (raw, rest) = split.ok_or(Wrong::new("a metric name", line.as_bytes()))?;
    *last = raw;
    Ok(About { metric: Cow::Borrowed(raw), raw, rest })
}

/// The last part of the line; in Prometheus text, blanks before it do not count.
fn value(rest: &str, strict: bool) -> Result<&str, Wrong<'_>> {
    if strict {
        rest.strip_prefix(' ').ok_or(Wrong::new("one space", rest.as_bytes()))
    } else if rest.starts_with(BLANK) {
        Ok(rest.trim_start_matches(BLANK))
    } else {
        Err(Wrong::new("a blank and a word", rest.as_bytes()))
    }
}

fn kind(word: &str, strict: bool) -> Option<Kind> {
    let word = if strict { word } else { word.trim_ascii_end() };
    Some(match word {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "histogram" => Kind::Histogram,
        "summary" => Kind::Summary,
        "untyped" if !strict => Kind::Unknown,
        "unknown" => Kind::Unknown,
        "gaugehistogram" => Kind::GaugeHistogram,
        "info" => Kind::Info,
        "stateset" => Kind::StateSet,
        _ => return None,
    })
}
