//! Addresses of the web: values from outside are percent-encoded, so that they cannot leave their place in one.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the characters that are never reserved (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What cannot stand in the first line of a request.
const UNSPEAKABLE: &AsciiSet = &CONTROLS.add(b' ').add(b'#');

/// A value as a part of a path, of a query or of a form.
pub fn percent(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A path as somebody wrote it: what is encoded already stays as it is, what no request can say is encoded.
pub fn sayable(path: &str) -> String {
    utf8_percent_encode(path, UNSPEAKABLE).to_string()
}

/// A path with a query; empty values are left out.
pub fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let mut whole = path.to_owned();
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        whole.push(if whole.contains('?') { '&' } else { '?' });
        whole.push_str(name);
        whole.push('=');
        whole.extend(utf8_percent_encode(value, RESERVED));
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_place_in_an_address() {
        assert_eq!(percent("a/../?b=%00&ø~-_."), "a%2F..%2F%3Fb%3D%2500%26%C3%B8~-_.");
        assert_eq!(sayable("/a b?c=%20#\n\u{7f}ø"), "/a%20b?c=%20%23%0A%7F%C3%B8");
        assert_eq!(with_query("/a", &[("q", "x&y=z #å"), ("empty", "")]), "/a?q=x%26y%3Dz%20%23%C3%A5");
        assert_eq!(with_query("/a?b=1", &[("c", "2"), ("d", "3")]), "/a?b=1&c=2&d=3");
        assert_eq!(with_query("/a", &[]), "/a");
    }
}
