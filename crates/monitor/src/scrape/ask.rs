//! One question to one target: the request, the answer unpacked, and what its format is.

use std::time::{Duration, Instant};

use kernel::fetch::{Ask, Failure, Line, Scratch, Server, Tls, header_line};
use metrics_proto::inflate;
use metrics_proto::text::{ACCEPT, Format};

use super::target::Target;

/// Memory that one thread needs to ask, used again and again.
#[derive(Default)]
pub(super) struct Hands {
    scratch: Scratch,
    body: Vec<u8>,
    unpacked: Vec<u8>,
}

/// Beyond this the memory of a large answer is given back.
const KEPT_BYTES: usize = 4 << 20;

impl Hands {
    /// Gives back what an unusually large answer took.
    pub(super) fn rest(&mut self) {
        for bytes in [&mut self.body, &mut self.unpacked] {
            bytes.clear();
            bytes.shrink_to(KEPT_BYTES);
        }
    }
}

/// The header lines that every target of a job is sent, but those of the timeout.
pub(super) fn headers(authorization: Option<&str>) -> String {
    let mut lines = format!("Accept: {ACCEPT}\r\nAccept-Encoding: gzip\r\nUser-Agent: Mainstay\r\n");
    if let Some(line) = authorization.and_then(|value| header_line("Authorization", value)) {
        lines.push_str(&line);
    }
    lines
}

/// A line to a target, which connects when it is asked.
pub(super) fn line(target: &Target, tls: Option<&Tls>) -> Line {
    Line::new(Server { host: target.host.clone(), port: target.port, tls: tls.cloned() })
}

/// Asks, and answers the body unpacked with its format.
pub(super) fn ask<'a>(
    line: &mut Line,
    target: &Target,
    headers: &str,
    body_bytes_max: usize,
    hands: &'a mut Hands,
) -> Result<(&'a [u8], Format), Failure> {
    let timeout = Duration::from_millis(u64::try_from(target.timeout_ms).unwrap_or(0));
    let headers = format!("{headers}X-Prometheus-Scrape-Timeout-Seconds: {}\r\n", timeout.as_secs_f64());
    let ask = Ask { path: &target.path, headers: &headers, deadline: Instant::now() + timeout, body_bytes_max };
    let heard = line.get(&ask, &mut hands.scratch, &mut hands.body)?;
    let wrong = |words: String| Failure { slow: false, words };
    let body = match heard.encoding.as_deref() {
        None | Some("" | "identity") => &hands.body,
        Some("gzip" | "x-gzip") => {
            inflate::gzip(&hands.body, body_bytes_max, &mut hands.unpacked)
                .map_err(|error| wrong(format!("the answer cannot be unpacked: {error}")))?;
            &hands.unpacked
        }
        Some(other) => return Err(wrong(format!("the answer is packed as {other:?}, which was not asked for"))),
    };
    let format =
        Format::of_content_type(heard.content_type.as_deref(), None).map_err(|error| wrong(error.to_string()))?;
    Ok((body, format))
}
