//! Bytes as people read and copy them: hexadecimal digits.

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal of a known length; `None` when the text is anything else.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    unhex_any(text)?.try_into().ok()
}

/// Reads hexadecimal of any length; `None` when the text is anything else.
#[must_use]
pub fn unhex_any(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    if !digits.remainder().is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_back_and_anything_else_is_not() {
        assert_eq!(hex(&[0, 0xab, 0xff]), "00abff");
        assert_eq!(unhex::<3>("00abFF"), Some([0, 0xab, 0xff]));
        // "+f" is a number to who reads numbers, and no digits.
        for text in ["0", "0g00ff", "00abff00", "+f00ff", "00 bff", "\u{e9}\u{e9}\u{e9}"] {
            assert_eq!(unhex::<3>(text), None, "{text}");
        }
        assert_eq!(unhex_any(""), Some(Vec::new()));
    }
}
