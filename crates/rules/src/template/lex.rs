//! From text to pieces: plain text, and what stands between `{{` and `}}` as tokens.

use crate::mistake::Mistake;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Action(Vec<Token>),
}

/// A part of an action.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    /// `.Name`; `.` alone is empty. True when it stands right behind what is before it.
    Field(String, bool),
    /// Without its `$`.
    Variable(String),
    Text(String),
    Int(i64),
    Float(f64),
    Sign(&'static str),
}

/// A template is no longer than this, in bytes.
const BYTES_MAX: usize = 64 << 10;

pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Mistake> {
    if text.len() > BYTES_MAX {
        return Err(Mistake::new(format!("the template is longer than {} KiB", BYTES_MAX >> 10)));
    }
    let mut out = Vec::new();
    let (mut rest, mut trim) = (text, false);
    while let Some((before, after)) = rest.split_once("{{") {
        let inside = after.strip_prefix('-').filter(|body| body.starts_with(char::is_whitespace));
        push(&mut out, before, trim, inside.is_some());
        let body = inside.unwrap_or(after);
        let end = end_of(body).ok_or_else(|| Mistake::new(format!("unclosed action: {{{{{}", shorten(body))))?;
        let (action, tail) = body.split_at_checked(end).unwrap_or((body, ""));
        rest = tail.strip_prefix("}}").unwrap_or(tail);
        trim = action.ends_with('-') && action.trim_end_matches('-').ends_with(char::is_whitespace);
        let action = if trim { action.strip_suffix('-').unwrap_or(action) } else { action };
        if !action.trim().starts_with("/*") {
            out.push(Piece::Action(tokens(action)?));
        }
    }
    push(&mut out, rest, trim, false);
    Ok(out)
}

fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

fn push(out: &mut Vec<Piece>, text: &str, start: bool, end: bool) {
    let text = if start { text.trim_start() } else { text };
    let text = if end { text.trim_end() } else { text };
    if !text.is_empty() {
        out.push(Piece::Text(text.to_owned()));
    }
}

/// Where an action ends: at the first `}}` that is not in quotes or in a comment.
fn end_of(body: &str) -> Option<usize> {
    if body.trim_start().starts_with("/*") {
        let comment = body.find("*/")?;
        return body.get(comment..)?.find("}}").map(|at| comment + at);
    }
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in body.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(q), '\\') if q != '`' => escaped = true,
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`' | '\'') => quote = Some(c),
            (None, '}') if body.get(at..).is_some_and(|rest| rest.starts_with("}}")) => return Some(at),
            _ => {}
        }
    }
    None
}

fn tokens(action: &str) -> Result<Vec<Token>, Mistake> {
    let mut out = Vec::new();
    let mut rest = action;
    let mut glued = false;
    while let Some(c) = rest.chars().next() {
        let (token, tail) = match c {
            c if c.is_whitespace() => {
                glued = false;
                rest = rest.trim_start();
                continue;
            }
            '"' => quoted(rest)?,
            '`' => raw(rest)?,
            '\'' => character(rest)?,
            '.' if !rest.get(1..).is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit())) => {
                let (name, tail) = word(rest.get(1..).unwrap_or_default());
                (Token::Field(name.to_owned(), glued), tail)
            }
            '$' => {
                let (name, tail) = word(rest.get(1..).unwrap_or_default());
                (Token::Variable(name.to_owned()), tail)
            }
            c if c.is_alphabetic() || c == '_' => {
                let (name, tail) = word(rest);
                (Token::Word(name.to_owned()), tail)
            }
            c if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') => number(rest)?,
            _ => sign(rest)?,
        };
        out.push(token);
        (rest, glued) = (tail, true);
    }
    Ok(out)
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn sign(text: &str) -> Result<(Token, &str), Mistake> {
    for sign in [":=", "=", "|", "(", ")", ","] {
        if let Some(tail) = text.strip_prefix(sign) {
            return Ok((Token::Sign(sign), tail));
        }
    }
    Err(Mistake::new(format!("unexpected {:?} in {{{{ .. }}}}", text.chars().next().unwrap_or(' '))))
}

fn number(text: &str) -> Result<(Token, &str), Mistake> {
    let mut before = ' ';
    let end = text.find(|c: char| {
        let inside = c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
        let signed = matches!(c, '+' | '-') && (before == ' ' || matches!(before, 'e' | 'E'));
        before = c;
        !(inside || signed)
    });
    let (digits, tail) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, ""));
    if let Ok(whole) = digits.trim_start_matches('+').replace('_', "").parse::<i64>() {
        return Ok((Token::Int(whole), tail));
    }
    let value = promql::parse_float(digits).filter(|value| value.is_finite());
    let value = value.ok_or_else(|| Mistake::new(format!("bad number syntax: \"{digits}\"")))?;
    let is_whole = digits.contains(['x', 'X', 'b', 'o']) && value.fract() == 0.0 && value.abs() < 9e15;
    Ok((if is_whole { Token::Int(value as i64) } else { Token::Float(value) }, tail))
}

fn raw(text: &str) -> Result<(Token, &str), Mistake> {
    let body = text.get(1..).unwrap_or_default();
    let (inside, tail) = body.split_once('`').ok_or_else(|| Mistake::new("unterminated raw quoted string"))?;
    Ok((Token::Text(inside.to_owned()), tail))
}

fn quoted(text: &str) -> Result<(Token, &str), Mistake> {
    let mut out = String::new();
    let mut chars = text.get(1..).unwrap_or_default().chars();
    loop {
        match chars.next() {
            None | Some('\n') => return Err(Mistake::new("unterminated quoted string")),
            Some('"') => return Ok((Token::Text(out), chars.as_str())),
            Some('\\') => out.push(escape(&mut chars)?),
            Some(c) => out.push(c),
        }
    }
}

/// `'x'` is the number of the character.
fn character(text: &str) -> Result<(Token, &str), Mistake> {
    let wrong = || Mistake::new("malformed character constant");
    let mut chars = text.get(1..).unwrap_or_default().chars();
    let c = match chars.next().ok_or_else(wrong)? {
        '\\' => escape(&mut chars)?,
        c => c,
    };
    let tail = chars.as_str().strip_prefix('\'').ok_or_else(wrong)?;
    Ok((Token::Int(i64::from(u32::from(c))), tail))
}

fn escape(chars: &mut std::str::Chars<'_>) -> Result<char, Mistake> {
    let wrong = || Mistake::new("unknown escape in a quoted string");
    let digits = match chars.next().ok_or_else(wrong)? {
        'n' => return Ok('\n'),
        't' => return Ok('\t'),
        'r' => return Ok('\r'),
        'a' => return Ok('\u{7}'),
        'b' => return Ok('\u{8}'),
        'f' => return Ok('\u{c}'),
        'v' => return Ok('\u{b}'),
        c @ ('\\' | '"' | '\'') => return Ok(c),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return Err(wrong()),
    };
    let text: String = chars.by_ref().take(digits).collect();
    u32::from_str_radix(&text, 16).ok().and_then(char::from_u32).ok_or_else(wrong)
}
