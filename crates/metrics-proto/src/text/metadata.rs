//! Comment lines: `# TYPE`, `# HELP`, `# UNIT`, `# EOF`, and words for people.

use std::borrow::Cow;

use super::series::{text, unescaped};
use super::syntax::{Wrong, metric_name, skip_blank};
use super::{Entry, Family, Format};
use crate::Kind;

/// What a comment line says.
pub(super) enum Comment<'a> {
    /// Words for people.
    Nothing,
    /// `# EOF` of OpenMetrics.
    End,
    /// `# TYPE`, with the name unescaped.
    Type(Family<'a>, Cow<'a, str>),
    /// `# HELP` or `# UNIT`.
    Other(Entry<'a>),
}

pub(super) fn comment(line: &[u8], format: Format) -> Result<Comment<'_>, Wrong<'_>> {
    let strict = format == Format::OpenMetrics;
    if strict && line == b"# EOF" {
        return Ok(Comment::End);
    }
    let after = line.strip_prefix(b"#").unwrap_or(line);
    let words = if strict { after.strip_prefix(b" ").unwrap_or_default() } else { skip_blank(after) };
    let Some((keyword, rest)) = split_word(words, strict).filter(|_| words.len() < after.len()) else {
        return unknown(line, strict);
    };
    match keyword {
        b"TYPE" => {
            let About { metric, raw, rest } = metric(rest)?;
            let word = value(rest, strict)?;
            let kind = kind(word, strict).ok_or(Wrong::new("a metric type", word))?;
            Ok(Comment::Type(Family { name: raw, kind }, metric))
        }
        b"HELP" => {
            let About { metric, rest, .. } = metric(rest)?;
            let words = if rest.is_empty() { rest } else { value(rest, strict)? };
            Ok(Comment::Other(Entry::Help { metric, text: unescaped(words, strict) }))
        }
        b"UNIT" if strict => {
            let About { metric, rest, .. } = metric(rest)?;
            let unit = text(if rest.is_empty() { rest } else { value(rest, strict)? });
            let suffix = metric.strip_suffix(unit).is_some_and(|before| unit.is_empty() || before.ends_with('_'));
            if suffix {
                Ok(Comment::Other(Entry::Unit { metric, unit }))
            } else {
                Err(Wrong::new("a unit that the metric's name ends with", line))
            }
        }
        _ => unknown(line, strict),
    }
}

fn unknown(line: &[u8], strict: bool) -> Result<Comment<'_>, Wrong<'_>> {
    if strict { Err(Wrong::new("# TYPE, # HELP, # UNIT or # EOF", line)) } else { Ok(Comment::Nothing) }
}

/// The keyword and what follows the blank after it.
fn split_word(words: &[u8], strict: bool) -> Option<(&[u8], &[u8])> {
    let end = words.iter().position(|byte| matches!(byte, b' ' | b'\t'))?;
    let (word, rest) = words.split_at_checked(end)?;
    Some((word, if strict { rest.strip_prefix(b" ")? } else { skip_blank(rest) }))
}

/// The metric a comment is about, and what follows it.
struct About<'a> {
    metric: Cow<'a, str>,
    /// The name as written, without quotes but with escapes.
    raw: &'a [u8],
    rest: &'a [u8],
}

/// A name, plain or in quotes.
fn metric(line: &[u8]) -> Result<About<'_>, Wrong<'_>> {
    if let Some(inner) = line.strip_prefix(b"\"") {
        let mut escaped = false;
        let end = inner.iter().position(|byte| {
            let closes = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            closes
        });
        let end = end.ok_or(Wrong::new("a closing quote", line))?;
        let (raw, rest) = inner.split_at_checked(end).unwrap_or((inner, &[]));
        return Ok(About { metric: unescaped(raw, true), raw, rest: rest.get(1..).unwrap_or_default() });
    }
    let (raw, rest) = metric_name(line).ok_or(Wrong::new("a metric name", line))?;
    Ok(About { metric: Cow::Borrowed(text(raw)), raw, rest })
}

/// The last part of the line; in Prometheus text, blanks around it do not count.
fn value<'a>(rest: &'a [u8], strict: bool) -> Result<&'a [u8], Wrong<'a>> {
    if strict {
        return rest.strip_prefix(b" ").ok_or(Wrong::new("one space", rest));
    }
    if matches!(rest.first(), Some(b' ' | b'\t')) {
        Ok(skip_blank(rest))
    } else {
        Err(Wrong::new("a blank and a word", rest))
    }
}

fn kind(word: &[u8], strict: bool) -> Option<Kind> {
    let word = if strict { word } else { word.trim_ascii_end() };
    Some(match word {
        b"counter" => Kind::Counter,
        b"gauge" => Kind::Gauge,
        b"histogram" => Kind::Histogram,
        b"summary" => Kind::Summary,
        b"untyped" if !strict => Kind::Unknown,
        b"unknown" => Kind::Unknown,
        b"gaugehistogram" => Kind::GaugeHistogram,
        b"info" => Kind::Info,
        b"stateset" => Kind::StateSet,
        _ => return None,
    })
}
