//! The pieces of a line. Each function takes what is left of the line and answers what is left after it.

use crate::number;

/// What should have been there, and the place where it is not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrong<'a> {
    pub(super) expected: &'static str,
    pub(super) at: &'a [u8],
}

impl<'a> Wrong<'a> {
    pub(super) fn new(expected: &'static str, at: &'a [u8]) -> Self {
        Self { expected, at }
    }
}

/// What name and labels are made of.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// The metric's name before the braces.
    Name(&'a [u8]),
    /// The metric's name as a quoted text inside the braces, escapes included.
    QuotedName(&'a [u8]),
    /// A label; value and a quoted name with their escapes.
    Label { name: &'a [u8], quoted: bool, value: &'a [u8] },
}

const NAME_START: u8 = 1;
const NAME: u8 = 2;
const LABEL_START: u8 = 4;
const LABEL: u8 = 8;

/// For each byte, in which names it may stand (Prometheus, "Metric names and labels").
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let letter = (byte as u8).is_ascii_alphabetic() || byte as u8 == b'_';
        let digit = (byte as u8).is_ascii_digit();
        let colon = byte as u8 == b':';
        #[expect(clippy::indexing_slicing, reason = "computed by the compiler, which checks it")]
        {
            classes[byte] = if letter {
                NAME_START | NAME | LABEL_START | LABEL
            } else if digit {
                NAME | LABEL
            } else if colon {
                NAME_START | NAME
            } else {
                0
            };
        }
        byte += 1;
    }
    classes
};

#[inline]
fn is(byte: u8, class: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

/// Splits a name off: its first byte in `start`, the others in `rest`.
#[inline]
fn name(line: &[u8], start: u8, rest: u8) -> Option<(&[u8], &[u8])> {
    let first = *line.first()?;
    if !is(first, start) {
        return None;
    }
    let end = line.iter().position(|byte| !is(*byte, rest)).unwrap_or(line.len());
    line.split_at_checked(end)
}

/// A metric's name as `# TYPE` and the others write it.
pub(super) fn metric_name(line: &[u8]) -> Option<(&[u8], &[u8])> {
    name(line, NAME_START, NAME)
}

#[inline]
pub(super) fn skip_blank(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    line.get(end..).unwrap_or_default()
}

/// The space between two parts of a sample: one space in OpenMetrics, any blanks (also none) in Prometheus text.
#[inline]
pub(super) fn gap<'a>(line: &'a [u8], strict: bool) -> Result<&'a [u8], Wrong<'a>> {
    if strict { line.strip_prefix(b" ").ok_or(Wrong::new("one space", line)) } else { Ok(skip_blank(line)) }
}

/// What lies before the next blank.
#[inline]
pub(super) fn token(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    line.split_at_checked(end).unwrap_or((line, &[]))
}

/// If the line begins with just this series, what follows it. In Prometheus text, labels may follow a name after blanks.
#[inline]
pub(super) fn known<'a>(line: &'a [u8], expected: &[u8], strict: bool) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(expected)?;
    if !matches!(rest.first(), Some(b' ' | b'\t')) {
        return None;
    }
    let labels_follow = !strict && !expected.ends_with(b"}") && skip_blank(rest).first() == Some(&b'{');
    (!labels_follow).then_some(rest)
}

/// A text in quotes, escapes included; what follows is after the closing quote.
#[inline]
fn quoted<'a>(line: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Wrong<'a>> {
    let inner = line.strip_prefix(b"\"").ok_or(Wrong::new("a text in quotes", line))?;
    let mut from = 0;
    loop {
        let rest = inner.get(from..).unwrap_or_default();
        // Values are short: a call to memchr takes longer than looking at each byte.
        match rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
            Some(at) if rest.get(at) == Some(&b'"') => {
                let (text, rest) = inner.split_at_checked(from + at).unwrap_or((inner, &[]));
                return Ok((text, rest.get(1..).unwrap_or_default()));
            }
            Some(at) => from += at + 2,
            None => return Err(Wrong::new("a closing quote", line)),
        }
    }
}

/// Name and labels; `each` gets their parts in order. There is exactly one metric name.
#[inline]
pub(super) fn series<'a>(line: &'a [u8], strict: bool, mut each: impl FnMut(Part<'a>)) -> Result<&'a [u8], Wrong<'a>> {
    let mut rest = line;
    let mut named = false;
    if let Some((name, after)) = metric_name(line) {
        each(Part::Name(name));
        named = true;
        rest = after;
        let brace = if strict { after } else { skip_blank(after) };
        if brace.first() != Some(&b'{') {
            return Ok(rest);
        }
        rest = brace;
    } else if line.first() != Some(&b'{') {
        return Err(Wrong::new("a metric name", line));
    }
    let rest = labels(rest, strict, |part| {
        let name = match part {
            Part::Label { name, .. } => name == crate::NAME_LABEL.as_bytes(),
            Part::Name(_) | Part::QuotedName(_) => true,
        };
        let fine = !(named && name);
        named |= name;
        each(part);
        fine
    })?;
    if named { Ok(rest) } else { Err(Wrong::new("a metric name", line)) }
}

/// `{..}`; `each` answers whether the part may stand there.
fn labels<'a>(line: &'a [u8], strict: bool, mut each: impl FnMut(Part<'a>) -> bool) -> Result<&'a [u8], Wrong<'a>> {
    let blank = |line: &'a [u8]| if strict { line } else { skip_blank(line) };
    let mut rest = blank(line.strip_prefix(b"{").ok_or(Wrong::new("{", line))?);
    loop {
        if let Some(after) = rest.strip_prefix(b"}") {
            return Ok(after);
        }
        let (name, after) = if rest.first() == Some(&b'"') {
            quoted(rest)?
        } else {
            name(rest, LABEL_START, LABEL).ok_or(Wrong::new("a label name or }", rest))?
        };
        let is_quoted = rest.first() == Some(&b'"');
        let after = blank(after);
        let part;
        (part, rest) = match after.strip_prefix(b"=") {
            Some(value) => {
                let (value, after) = quoted(blank(value))?;
                (Part::Label { name, quoted: is_quoted, value }, blank(after))
            }
            None if is_quoted => (Part::QuotedName(name), after),
            None => return Err(Wrong::new("= after the label name", after)),
        };
        if !each(part) {
            return Err(Wrong::new("one metric name only", name));
        }
        rest = match rest.first() {
            Some(b',') => blank(rest.get(1..).unwrap_or_default()),
            Some(b'}') => rest,
            _ => return Err(Wrong::new(", or }", rest)),
        };
    }
}

/// An OpenMetrics exemplar, `# {labels} value [timestamp]`, to the end of the line.
pub(super) fn exemplar(line: &[u8]) -> Result<(), Wrong<'_>> {
    let rest = line.strip_prefix(b"# ").ok_or(Wrong::new("an exemplar or the end of the line", line))?;
    let rest = labels(rest, true, |part| matches!(part, Part::Label { .. }))?;
    let rest = gap(rest, true)?;
    let (value, after) = token(rest);
    number::float(value).ok_or(Wrong::new("a number as the exemplar's value", rest))?;
    if after.is_empty() {
        return Ok(());
    }
    let rest = gap(after, true)?;
    let (at, after) = token(rest);
    seconds(at).ok_or(Wrong::new("the exemplar's timestamp", rest))?;
    if after.is_empty() { Ok(()) } else { Err(Wrong::new("the end of the line", after)) }
}

/// A timestamp of Prometheus text: milliseconds.
pub(super) fn milliseconds(token: &[u8]) -> Option<i64> {
    std::str::from_utf8(token).ok()?.parse().ok()
}

/// A timestamp of OpenMetrics: seconds with a fraction, answered in milliseconds.
pub(super) fn seconds(token: &[u8]) -> Option<i64> {
    let ms = (number::float(token)? * 1_000.0).round();
    // Beyond 2^53 ms neighbours cannot be told apart; no clock is there.
    (ms.is_finite() && ms.abs() < 9.0e15).then_some(ms as i64)
}
