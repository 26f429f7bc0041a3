//! Requests to another engine.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::fetch::{Answered, Request, fetch_up_to};
use kernel::{Actor, Kernel, Result};

use super::{Remote, secret_name};

/// Longest wait for a back-off that the other side asks for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// Posts a body. A status of any kind is an answer.
pub(super) fn post(
    kernel: &Kernel,
    remote: &Remote,
    url: &str,
    mut headers: Vec<(&str, String)>,
    body: &[u8],
    (timeout, answer_bytes_max): (Duration, u64),
) -> Result<Answered> {
    let actor = Actor::service("monitor", &["monitor.*"]);
    let secret = kernel.read_as(&actor, |cx| cx.secret(&secret_name(&remote.name)))?;
    headers.extend(authorization(&remote.user, secret.as_deref()).map(|value| ("Authorization", value)));
    let request = Request {
        method: "POST",
        url,
        headers: &headers,
        body,
        timeout,
        redirects: 0,
        allow_private: remote.allow_private,
    };
    fetch_up_to(&request, answer_bytes_max)
}

fn authorization(user: &str, secret: Option<&[u8]>) -> Option<String> {
    let secret = String::from_utf8_lossy(secret?).into_owned();
    Some(match user {
        "" => format!("Bearer {secret}"),
        user => format!("Basic {}", STANDARD.encode(format!("{user}:{secret}"))),
    })
}

/// How long `Retry-After` (RFC 9110, 10.2.3) asks to wait, bounded; of the two forms only the number of seconds.
pub(super) fn retry_after(value: Option<&str>) -> Option<Duration> {
    let seconds: u64 = value?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// The first line of what somebody answered, shortened, for people.
pub(super) fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line: String = text.trim().lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    kernel::text::shorten(&line, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_a_password_or_a_token() {
        assert_eq!(authorization("ada", Some(b"pw")).as_deref(), Some("Basic YWRhOnB3"));
        assert_eq!(authorization("", Some(b"t")).as_deref(), Some("Bearer t"));
        assert_eq!(authorization("ada", None), None);
    }

    #[test]
    fn a_wait_that_is_asked_for_is_bounded() {
        let seconds = |text| retry_after(Some(text)).map(|wait| wait.as_secs());
        assert_eq!(
            [seconds("7"), seconds("99999999"), seconds("-1"), seconds("Wed, 21 Oct")],
            [Some(7), Some(300), None, None]
        );
        assert_eq!(said(b"out of\x07 order\nmore"), "out of order");
    }
}
