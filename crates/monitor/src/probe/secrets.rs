//! The secrets of a look: kept apart from it, and put into it for who looks.

use probes::http::header_lines;
use probes::{Look, Secret};
use serde::{Deserialize, Serialize};

/// What stands in a check for a word that is sealed.
pub(crate) const SEALED: &str = "(set)";

/// The sealed words of a web request.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedRequest {
    /// Values of header lines by name in small letters, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Option<String>,
}

/// Names only: what is sealed is never printed.
impl std::fmt::Debug for SealedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.headers.iter().map(|(name, _)| name)).finish()
    }
}

/// The secrets of one check.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    /// Of the account that signs in; empty for none.
    pub(crate) password: String,
    pub(crate) request: SealedRequest,
}

impl Secrets {
    /// The look with its secrets, where it takes some.
    pub(crate) fn put_into(&self, mut look: Look) -> Look {
        match &mut look {
            Look::Smtp(mail) | Look::Imap(mail) => mail.password = Secret::new(&self.password),
            Look::Postgres(database) | Look::Mysql(database) => database.password = Secret::new(&self.password),
            Look::Http(http) => {
                http.headers = http.headers.take().map(|text| self.headers(&text));
                if http.body.as_deref() == Some(SEALED) {
                    http.body.clone_from(&self.request.body);
                }
            }
            _ => {}
        }
        look
    }

    fn headers(&self, shown: &str) -> String {
        let mut left: Vec<&(String, String)> = self.request.headers.iter().collect();
        let mut lines = Vec::new();
        for (name, value) in header_lines(Some(shown)).unwrap_or_default() {
            let same = |known: &&(String, String)| known.0.eq_ignore_ascii_case(&name);
            let sealed = (value == SEALED).then(|| left.iter().position(same)).flatten();
            let value = sealed.map(|at| left.remove(at).1.clone()).unwrap_or(value);
            lines.push(format!("{name}: {value}"));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use probes::http::Http;

    #[test]
    fn who_looks_gets_the_words_behind_the_marks_in_their_order() {
        let pairs = [("cookie", "a=1"), ("x-key", "k"), ("cookie", "b=2")];
        let headers = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let request = SealedRequest { headers, body: Some("pin=7".into()) };
        assert!(!format!("{request:?}").contains("a=1"));
        let secrets = Secrets { password: String::new(), request };
        let shown = "Cookie: (set)\nAccept: x\nCookie: (set)\nX-Key: (set)";
        let http = Http { headers: Some(shown.into()), body: Some("(set)".into()), ..Http::default() };
        let Look::Http(http) = secrets.put_into(Look::Http(http)) else { panic!("another look") };
        assert_eq!(http.headers.as_deref(), Some("Cookie: a=1\nAccept: x\nCookie: b=2\nX-Key: k"));
        assert_eq!(http.body.as_deref(), Some("pin=7"));
    }
}
