//! Addresses with a query: values from outside are percent-encoded (RFC 3986, unreserved characters stay).

use std::fmt::Write as _;

/// A path with a query; empty values are left out.
pub fn address(path: &str, query: &[(&str, &str)]) -> String {
    let mut whole = path.to_owned();
    let mut sign = if path.contains('?') { '&' } else { '?' };
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        whole.push(sign);
        whole.push_str(name);
        whole.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                whole.push(char::from(byte));
            } else {
                let _ = write!(whole, "%{byte:02X}");
            }
        }
        sign = '&';
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn values_cannot_leave_their_place_in_a_query() {
        assert_eq!(address("/a", &[("q", "x&y=z #å"), ("empty", "")]), "/a?q=x%26y%3Dz%20%23%C3%A5");
        assert_eq!(address("/a?b=1", &[("c", "2")]), "/a?b=1&c=2");
        assert_eq!(address("/a", &[]), "/a");
    }
}
