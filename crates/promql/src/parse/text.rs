//! Quoted texts and their escapes.

use super::{Parser, Result};
use crate::expr::Text;
use crate::token::TokenKind;

impl Parser<'_> {
    /// Takes a quoted text.
    pub(super) fn quoted(&mut self) -> Result<Text> {
        if self.kind() != &TokenKind::Text {
            return Err(self.unexpected("", "string"));
        }
        let bytes = unquote(self.word()).map_err(|message| self.error(self.span(), message))?;
        self.advance();
        Ok(match String::from_utf8(bytes) {
            Ok(value) => Text { value, raw: None },
            Err(error) => {
                let raw = error.into_bytes();
                Text { value: String::from_utf8_lossy(&raw).into_owned(), raw: Some(raw) }
            }
        })
    }

    /// Takes a quoted text that must be UTF-8.
    pub(super) fn quoted_utf8(&mut self) -> Result<String> {
        let span = self.span();
        let text = self.quoted()?;
        match text.raw {
            None => Ok(text.value),
            Some(raw) => Err(self.error(span, format!("{} is not valid UTF-8", crate::number::quote_bytes(&raw)))),
        }
    }
}

/// What a text in quotes says, its escapes resolved.
fn unquote(text: &str) -> Result<Vec<u8>, String> {
    let quote = text.chars().next().unwrap_or('"');
    let body = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).unwrap_or_default();
    if quote == '`' {
        return Ok(body.replace('\r', "").into_bytes());
    }
    let mut out = Vec::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        escape(&mut chars, quote, &mut out).ok_or_else(|| format!("invalid escape sequence in {text}"))?;
    }
    Ok(out)
}

fn escape(chars: &mut std::str::Chars<'_>, quote: char, out: &mut Vec<u8>) -> Option<()> {
    let byte = match chars.next()? {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        c if c == quote => u8::try_from(c).ok()?,
        'x' => u8::try_from(number(chars, 2, 16)?).ok()?,
        'u' => return put(number(chars, 4, 16)?, out),
        'U' => return put(number(chars, 8, 16)?, out),
        first @ '0'..='3' => {
            let rest = number(chars, 2, 8)?;
            u8::try_from(first.to_digit(8)? * 64 + rest).ok()?
        }
        _ => return None,
    };
    out.push(byte);
    Some(())
}

fn number(chars: &mut std::str::Chars<'_>, digits: usize, base: u32) -> Option<u32> {
    (0..digits).try_fold(0u32, |value, _| value.checked_mul(base)?.checked_add(chars.next()?.to_digit(base)?))
}

fn put(code: u32, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::unquote;

    #[test]
    fn escapes_are_resolved() {
        let check = |text: &str, expected: &[u8]| assert_eq!(unquote(text).as_deref(), Ok(expected), "{text}");
        check(r#""a\n\x41\101\u00e9\"'""#, "a\nAA\u{e9}\"'".as_bytes());
        check(r"'a\'b'", b"a'b");
        check(r"`a\nb`", br"a\nb");
        check(r#""a\xc5z""#, b"a\xc5z");
        for text in [r#""\q""#, r#""\x4""#, r#""\ud800""#, r#""\'""#] {
            assert!(unquote(text).is_err(), "{text}");
        }
    }
}
