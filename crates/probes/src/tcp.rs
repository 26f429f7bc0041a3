//! A TCP port takes connections; and if asked, answers what it is told to.

use serde::{Deserialize, Serialize};

use crate::talk::Talk;
use crate::text::{holds, ms, opening, too_slow};
use crate::{Around, Seen, guard};

/// Most bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A TCP port takes connections. Value: milliseconds to connect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Tcp {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// A text to send after connecting; `\r` and `\n` stand for the ends of lines.
    pub send: Option<String>,
    /// A text that must come.
    pub expect: Option<String>,
    /// Longest time to connect, in milliseconds.
    pub max_ms: Option<u32>,
}

/// Looks.
pub(crate) async fn look(tcp: &Tcp, around: &Around) -> Seen {
    let connected = match guard::connect(&tcp.host, tcp.port, around.allowed).await {
        Ok(connected) => connected,
        Err(e) => return Seen::bad(None, e),
    };
    let took = ms(connected.connected);
    let mut talk = Talk::plain(connected.stream);
    if let Some(send) = &tcp.send
        && let Err(e) = talk.say(unescape(send).as_bytes()).await
    {
        return Seen::bad(Some(took), e);
    }
    let came = match &tcp.expect {
        None => None,
        Some(expect) => Some(talk.until(ANSWER_BYTES_MAX, |bytes| holds(bytes, expect.as_bytes())).await),
    };
    judge(tcp, took, came.as_deref()).figure("dns_ms", ms(connected.resolved))
}

fn judge(tcp: &Tcp, took: f64, came: Option<&[u8]>) -> Seen {
    let wrong = match (&tcp.expect, came) {
        (Some(expect), Some(came)) if !holds(came, expect.as_bytes()) => {
            Some(format!("port {} of {} did not say {expect:?} but {:?}", tcp.port, tcp.host, opening(came)))
        }
        _ => too_slow("connecting", took, tcp.max_ms),
    };
    let fine = match came {
        Some(came) => format!("port {} of {} says {:?}", tcp.port, tcp.host, opening(came)),
        None => format!("port {} of {} takes connections", tcp.port, tcp.host),
    };
    Seen::judged(took, wrong, fine)
}

/// `\r`, `\n`, `\t` and `\\` as forms can carry them.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some(other)) => out.push(other),
            (c, _) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn ends_of_lines_can_be_written() {
        assert_eq!(unescape(r"PING\r\n\\x\"), "PING\r\n\\x\\");
    }

    #[test]
    fn a_port_is_judged_by_what_it_says_and_how_soon() {
        let tcp =
            Tcp { host: "a".into(), port: 6379, expect: Some("+PONG".into()), max_ms: Some(50), ..Tcp::default() };
        assert_eq!(judge(&tcp, 1.0, Some(b"+PONG\r\n")).outcome, Outcome::Good);
        assert!(judge(&tcp, 1.0, Some(b"-NOAUTH")).evidence.contains("did not say \"+PONG\" but \"-NOAUTH\""));
        assert!(judge(&tcp, 51.0, Some(b"+PONG\r\n")).evidence.contains("connecting took 51 ms"));
    }
}
