//! The HTTP probe: GET, a few redirects, a status and perhaps a text. Each hop's address is judged anew.

use std::time::Instant;

use super::{Seen, millis};
use crate::http::{Request, Target, exchange};

const REDIRECTS_MAX: u8 = 10;

pub(super) async fn look(url: &str, expect_status: &[u16], contains: Option<&str>, max_redirects: u8) -> Seen {
    let start = Instant::now();
    let mut target = match Target::parse(url) {
        Ok(target) => target,
        Err(e) => return Seen::error(e),
    };
    let mut hops_left = max_redirects.min(REDIRECTS_MAX);
    let response = loop {
        let request = Request { method: "GET", headers: &[], body: "" };
        let response = match exchange(&target, &request).await {
            Ok(response) => response,
            Err(e) => return Seen::fail(None, e),
        };
        let wanted = expect_status.contains(&response.status);
        let location = match (&response.location, response.status) {
            (Some(location), 301 | 302 | 303 | 307 | 308) if !wanted && hops_left > 0 => location,
            _ => break response,
        };
        hops_left -= 1;
        target = match target.redirected(location) {
            Ok(target) => target,
            Err(e) => return Seen::fail(None, format!("redirected to nowhere: {e}")),
        };
    };
    let took = millis(start);
    if !is_expected(expect_status, response.status) {
        return Seen::fail(Some(took), format!("status {} from {url}: {}", response.status, opening(&response.body)));
    }
    match contains {
        Some(text) if !holds(&response.body, text.as_bytes()) => {
            Seen::fail(Some(took), format!("status {}, but the answer does not contain {text:?}", response.status))
        }
        _ => Seen::ok(took, format!("status {} from {url}", response.status)),
    }
}

/// Is this status good? An empty list stands for 200 to 299.
pub(crate) fn is_expected(expected: &[u16], status: u16) -> bool {
    if expected.is_empty() { (200..300).contains(&status) } else { expected.contains(&status) }
}

fn holds(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

/// The first words of a body, as evidence.
fn opening(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..200).unwrap_or(body)).into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_proto::CheckState;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Serves the answers in turn, one per connection, and returns its address.
    async fn serve(answers: Vec<&'static str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 2048];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        address
    }

    async fn check(answers: Vec<&'static str>, contains: Option<&str>, state: CheckState, part: &str) {
        let seen = look(&serve(answers).await, &[], contains, 3).await;
        assert_eq!(seen.state, state, "{}", seen.evidence);
        assert!(seen.evidence.contains(part), "{}", seen.evidence);
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n5\r\n good\r\n0\r\n\r\n";
    const AGAIN: &str = "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";

    #[tokio::test]
    async fn an_answer_is_good_when_status_and_text_are() {
        check(vec![OK], Some("all good"), CheckState::Ok, "status 200").await;
        check(vec![OK], Some("all bad"), CheckState::Fail, "does not contain").await;
        check(vec!["HTTP/1.1 500 No\r\n\r\noops"], None, CheckState::Fail, "status 500").await;
        check(vec!["SSH-2.0\r\n\r\n"], None, CheckState::Fail, "not HTTP").await;
        check(vec![""], None, CheckState::Fail, "closed without an answer").await;
    }

    #[tokio::test]
    async fn redirects_are_followed_up_to_a_limit() {
        check(vec![AGAIN, OK], Some("good"), CheckState::Ok, "status 200").await;
        check(vec![AGAIN, AGAIN, AGAIN, AGAIN], None, CheckState::Fail, "status 302").await;
    }

    #[tokio::test]
    async fn a_redirect_to_a_metadata_address_is_refused() {
        for url in ["http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[::ffff:a9fe:a9fe]/"] {
            let answer = format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\n\r\n");
            check(vec![Box::leak(answer.into_boxed_str())], None, CheckState::Fail, "link-local").await;
        }
        let file = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n";
        check(vec![file], None, CheckState::Fail, "redirected to nowhere").await;
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
        });
        assert_eq!(look(&address, &[], None, 0).await.state, CheckState::Ok);
    }
}
