//! The secrets of a look: kept apart from it, and put into it for who looks.

use probes::http::header_lines;
use probes::{Look, Secret};
use serde::{Deserialize, Serialize};

use super::arguments;

/// What stands in a check for a word that is sealed.
pub(crate) const SEALED: &str = "(set)";

/// The sealed words of a look.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedRequest {
    /// Values of header lines by name in small letters, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Option<String>,
    /// The text that is sent to a port.
    #[serde(default)]
    pub(crate) send: Option<String>,
    /// Arguments of a plugin by the option they belong to, in order.
    #[serde(default)]
    pub(crate) arguments: Vec<(String, String)>,
}

/// Names only: what is sealed is never printed.
impl std::fmt::Debug for SealedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.headers.iter().chain(&self.arguments).map(|(name, _)| name)).finish()
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
            Look::Tcp(tcp) if tcp.send.as_deref() == Some(SEALED) => tcp.send.clone_from(&self.request.send),
            Look::Plugin(plugin) => plugin.arguments = plugin.arguments.take().map(|text| self.arguments(&text)),
            _ => {}
        }
        look
    }

    fn arguments(&self, shown: &str) -> String {
        let mut left: Vec<&(String, String)> = self.request.arguments.iter().collect();
        let mut lines = Vec::new();
        for one in arguments::read(shown) {
            let at = left.iter().position(|known| one.value == SEALED && known.0 == one.key);
            let value = at.map_or(one.value, |at| left.remove(at).1.as_str());
            lines.push(format!("{}{value}", one.start));
        }
        lines.join("\n")
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
        let request = SealedRequest { headers, body: Some("pin=7".into()), ..SealedRequest::default() };
        assert!(!format!("{request:?}").contains("a=1"));
        let secrets = Secrets { password: String::new(), request };
        let shown = "Cookie: (set)\nAccept: x\nCookie: (set)\nX-Key: (set)";
        let http = Http { headers: Some(shown.into()), body: Some("(set)".into()), ..Http::default() };
        let Look::Http(http) = secrets.put_into(Look::Http(http)) else { panic!("another look") };
        assert_eq!(http.headers.as_deref(), Some("Cookie: a=1\nAccept: x\nCookie: b=2\nX-Key: k"));
        assert_eq!(http.body.as_deref(), Some("pin=7"));
    }

    #[test]
    fn a_port_is_told_its_text_and_a_plugin_its_arguments() {
        let pairs =
            [("-p", "k1"), ("", "word"), ("--token", "k2")].map(|(key, word)| (key.to_owned(), word.to_owned()));
        let request =
            SealedRequest { send: Some("AUTH k".into()), arguments: pairs.to_vec(), ..SealedRequest::default() };
        assert!(!format!("{request:?}").contains("k1"));
        let secrets = Secrets { password: String::new(), request };
        let tcp = probes::tcp::Tcp { send: Some("(set)".into()), ..Default::default() };
        let Look::Tcp(tcp) = secrets.put_into(Look::Tcp(tcp)) else { panic!("another look") };
        assert_eq!(tcp.send.as_deref(), Some("AUTH k"));
        let shown = "-w\n5\n-p\n(set)\n(set)\n--token=(set)";
        let plugin = probes::plugin::Plugin { arguments: Some(shown.into()), ..Default::default() };
        let Look::Plugin(plugin) = secrets.put_into(Look::Plugin(plugin)) else { panic!("another look") };
        assert_eq!(plugin.arguments.as_deref(), Some("-w\n5\n-p\nk1\nword\n--token=k2"));
    }
}
