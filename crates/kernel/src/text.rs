//! Text from outside: bounded, cleaned, cut at character borders.

use crate::error::{Error, Result};

/// Cuts at `max` characters and marks the cut with an ellipsis.
pub fn shorten(text: &str, max: usize) -> String {
    // A text has no more characters than bytes: most need no counting.
    let end = if text.len() <= max { None } else { text.char_indices().nth(max) };
    match end.and_then(|(end, _)| text.get(..end)) {
        Some(kept) => format!("{kept}…"),
        None => text.to_owned(),
    }
}

/// Trims a one-line text and refuses what is empty, too long, or has control characters.
pub fn line(field: &str, text: &str, max_chars: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, "This cannot be empty."));
    }
    if text.chars().count() > max_chars {
        return Err(Error::invalid(field, format!("This is longer than {max_chars} characters. Shorten it.")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "This must be one line without control characters."));
    }
    Ok(text.to_owned())
}

/// Trims a text of several lines and refuses what is empty or too long.
pub fn body(field: &str, text: &str, max_chars: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, "This cannot be empty."));
    }
    if text.chars().count() > max_chars {
        return Err(Error::invalid(
            field,
            format!("This is longer than {max_chars} characters. Shorten it or attach a file."),
        ));
    }
    Ok(text.replace("\r\n", "\n"))
}

/// A short machine-friendly name: lower case letters, digits, `-`, `_` and `.`.
pub fn slug(field: &str, text: &str, max: usize) -> Result<String> {
    let ok = !text.is_empty()
        && text.len() <= max
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
    if ok {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid(field, format!("Use 1 to {max} lower case letters, digits, dots, dashes or underscores.")))
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes written as hexadecimal digits; `None` when the text is something else.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2)).collect()
}

/// SHA-256 as lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_refuses_control_characters_and_length_and_keeps_the_rest() {
        assert_eq!(line("name", "  Åse <b> 🙂 ", 20).unwrap(), "Åse <b> 🙂");
        assert!(line("name", "a\u{202e}b", 20).is_ok(), "direction marks are text; the page isolates them");
        assert!(line("name", "a\nb", 20).is_err());
        assert!(line("name", "   ", 20).is_err());
        assert!(line("name", &"x".repeat(21), 20).is_err());
    }

    #[test]
    fn shortening_never_cuts_inside_a_character() {
        assert_eq!(shorten("ååå", 2), "åå…");
        assert_eq!(shorten("ab", 2), "ab");
    }
}
