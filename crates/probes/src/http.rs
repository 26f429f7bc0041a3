//! A web address answers as expected: status, content, headers, redirect, and how long it takes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exchange::{Request, Response, Target, Times, exchange};
use crate::text::{self, holds, ms, opening, too_slow};
use crate::{Around, Seen, json};

/// Most redirects that are followed.
pub const REDIRECTS_MAX: u8 = 10;

/// A web address answers as expected. Value: milliseconds to the end of the answer, redirects included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Http {
    /// The address.
    pub url: String,
    /// The method.
    pub method: String,
    /// Header lines to send, `Name: value`, one a line.
    pub headers: Option<String>,
    /// The body to send.
    pub body: Option<String>,
    /// Status codes that are good; empty means 200 to 299.
    pub expect_status: Vec<u16>,
    /// A text that the answer must hold.
    pub contains: Option<String>,
    /// A text that the answer must not hold.
    pub not_contains: Option<String>,
    /// A regular expression that the answer must match.
    pub matches: Option<String>,
    /// A value in an answer in JSON that must be there, such as `data.items[0].name`.
    pub json_path: Option<String>,
    /// What that value must be.
    pub json_equals: Option<String>,
    /// Header lines that the answer must have: `Name`, or `Name: a text in its value`, one a line.
    pub expect_headers: Option<String>,
    /// Redirects to follow; 0 to judge the redirect itself.
    pub max_redirects: u8,
    /// The address that the answer must redirect to.
    pub expect_location: Option<String>,
    /// Longest time to resolve the name, in milliseconds.
    pub max_dns_ms: Option<u32>,
    /// Longest time to connect, in milliseconds.
    pub max_connect_ms: Option<u32>,
    /// Longest time to secure the connection, in milliseconds.
    pub max_tls_ms: Option<u32>,
    /// Longest time from the request to the first part of the answer, in milliseconds.
    pub max_first_byte_ms: Option<u32>,
    /// Longest time of all, in milliseconds.
    pub max_ms: Option<u32>,
    /// Any certificate will do.
    pub any_certificate: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            url: String::new(),
            method: "GET".into(),
            headers: None,
            body: None,
            expect_status: Vec::new(),
            contains: None,
            not_contains: None,
            matches: None,
            json_path: None,
            json_equals: None,
            expect_headers: None,
            max_redirects: 5,
            expect_location: None,
            max_dns_ms: None,
            max_connect_ms: None,
            max_tls_ms: None,
            max_first_byte_ms: None,
            max_ms: None,
            any_certificate: false,
        }
    }
}

/// The header lines to send, by name.
///
/// # Errors
/// The line that is none.
pub fn header_lines(text: Option<&str>) -> Result<Vec<(String, String)>, String> {
    let line = |line: &str| {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("{line:?} is no header line. Write it like Accept: text/html"))?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    text::lines(text.unwrap_or_default()).map(line).collect()
}

/// Refuses a path that [`Http::json_path`] cannot follow.
///
/// # Errors
/// What would fit.
pub fn check_json_path(path: &str) -> Result<(), String> {
    json::check(path)
}

/// Asks and judges. Each hop's address is judged anew.
pub(crate) async fn look(http: &Http, around: &Around) -> Seen {
    let mut target = match Target::parse(&http.url) {
        Ok(target) => target,
        Err(e) => return Seen::unknown(e),
    };
    let headers = match header_lines(http.headers.as_deref()) {
        Ok(headers) => headers,
        Err(e) => return Seen::unknown(e),
    };
    let mut left = http.max_redirects.min(REDIRECTS_MAX);
    let (mut method, mut body) = (http.method.as_str(), http.body.as_deref().unwrap_or_default());
    let mut headers = headers.as_slice();
    let mut total = Duration::ZERO;
    let response = loop {
        let request = Request {
            method,
            headers,
            body,
            any_certificate: http.any_certificate,
            agent: "mainstay-check",
            allowed: around.allowed,
        };
        let response = match exchange(&target, &request).await {
            Ok(response) => response,
            Err(e) => return Seen::bad(None, e),
        };
        total = total.saturating_add(response.times.total);
        let wanted = http.expect_status.contains(&response.status);
        let location = match (response.header("location"), response.status) {
            (Some(location), 301 | 302 | 303 | 307 | 308) if !wanted && left > 0 => location,
            _ => break response,
        };
        left = left.saturating_sub(1);
        let next = match target.redirected(location) {
            Ok(next) => next,
            Err(e) => return Seen::bad(None, format!("redirected to nowhere: {e}")),
        };
        // RFC 9110, section 15.4: after 303 the next request is a GET. Headers and body, which may hold a key, stay at home.
        if response.status == 303 || (method == "POST" && matches!(response.status, 301 | 302)) {
            (method, body) = ("GET", "");
        }
        if (&next.host, next.port, next.tls) != (&target.host, target.port, target.tls) {
            (headers, body) = (&[], "");
        }
        target = next;
    };
    let mut seen = judge(http, &response, total, around.now_s);
    if let Some(words) = in_vain(http, &response).filter(|_| seen.outcome == crate::Outcome::Bad) {
        seen.evidence = words;
    }
    seen
}

/// Words for an answer that redirects once more than redirects are followed.
fn in_vain(http: &Http, response: &Response) -> Option<String> {
    let followed = http.max_redirects.min(REDIRECTS_MAX);
    let again = matches!(response.status, 301 | 302 | 303 | 307 | 308) && http.expect_location.is_none();
    let to = response.header("location").filter(|_| again && followed > 0)?;
    if http.expect_status.contains(&response.status) {
        return None;
    }
    let times = if followed == 1 { "1 redirect was".to_owned() } else { format!("{followed} redirects were") };
    Some(format!(
        "{times} followed from {} and the answer redirects again, with status {} to {}: a loop, or more of them than are \
         followed",
        http.url,
        response.status,
        text::shorten(to, 200)
    ))
}

/// Judges an answer.
pub(crate) fn judge(http: &Http, response: &Response, total: Duration, now_s: i64) -> Seen {
    let took = ms(total);
    let wrong = status(http, response)
        .or_else(|| headers(http, response))
        .or_else(|| content(http, response))
        .or_else(|| times(http, &response.times, took));
    let fine = format!("status {} from {} in {took:.0} ms", response.status, http.url);
    let part = |time: Duration| ms(time);
    let mut seen = Seen::judged(took, wrong, fine)
        .figure("status", f64::from(response.status))
        .figure("dns_ms", part(response.times.resolved))
        .figure("connect_ms", part(response.times.connected))
        .figure("first_byte_ms", part(response.times.first_byte))
        .figure("size_bytes", response.body.len() as f64);
    if let Some(ends) = response.certificate_ends_s {
        seen = seen.figure("tls_ms", part(response.times.secured));
        seen = seen.figure("certificate_days", ends.saturating_sub(now_s) as f64 / 86_400.0);
    }
    seen
}

/// Is this status good? An empty list stands for 200 to 299.
pub fn is_expected(expected: &[u16], status: u16) -> bool {
    if expected.is_empty() { (200..300).contains(&status) } else { expected.contains(&status) }
}

fn status(http: &Http, response: &Response) -> Option<String> {
    // A redirect that is asked for by its target is good whatever the list says, unless there is a list.
    let redirect =
        http.expect_location.is_some() && http.expect_status.is_empty() && (300..400).contains(&response.status);
    if redirect || is_expected(&http.expect_status, response.status) {
        return None;
    }
    Some(format!("status {} from {}: {}", response.status, http.url, opening(&response.body)))
}

fn headers(http: &Http, response: &Response) -> Option<String> {
    if let Some(wanted) = &http.expect_location {
        let found = response.header("location").unwrap_or("nowhere");
        if !found.starts_with(wanted.as_str()) {
            return Some(format!("it redirects to {}, not to {wanted}", text::shorten(found, 200)));
        }
    }
    for line in text::lines(http.expect_headers.as_deref().unwrap_or_default()) {
        let (name, part) = line.split_once(':').map_or((line, ""), |(name, part)| (name.trim(), part.trim()));
        let lower = name.to_ascii_lowercase();
        let mut values =
            response.headers.iter().filter(|(known, _)| *known == lower).map(|(_, value)| value).peekable();
        if values.peek().is_none() {
            return Some(format!("the answer has no header {name}"));
        }
        if !values.clone().any(|value| value.contains(part)) {
            let value = values.next().map(String::as_str).unwrap_or_default();
            return Some(format!("the header {name} is {:?}, without {part:?}", text::shorten(value, 150)));
        }
    }
    None
}

fn content(http: &Http, response: &Response) -> Option<String> {
    let (body, status) = (&response.body, response.status);
    if let Some(text) = http.contains.as_deref().filter(|text| !holds(body, text.as_bytes())) {
        return Some(format!("status {status}, but the answer does not contain {text:?}"));
    }
    if let Some(text) = http.not_contains.as_deref().filter(|text| holds(body, text.as_bytes())) {
        return Some(format!("status {status}, but the answer contains {text:?}"));
    }
    if let Some(matches) = &http.matches {
        match text::pattern(matches) {
            Err(e) => return Some(e),
            Ok(pattern) if !pattern.is_match(&String::from_utf8_lossy(body)) => {
                return Some(format!("status {status}, but the answer does not match {matches:?}"));
            }
            Ok(_) => {}
        }
    }
    let path = http.json_path.as_deref()?;
    match (json::at(body, path), http.json_equals.as_deref()) {
        (Err(e), _) => Some(e),
        (Ok(serde_json::Value::Null), None) => Some(format!("{path} is null")),
        (Ok(_), None) => None,
        (Ok(value), Some(wanted)) => {
            let found = json::plain(&value);
            (found != wanted).then(|| format!("{path} is {:?}, not {wanted:?}", text::shorten(&found, 150)))
        }
    }
}

fn times(http: &Http, times: &Times, total_ms: f64) -> Option<String> {
    too_slow("resolving the name", ms(times.resolved), http.max_dns_ms)
        .or_else(|| too_slow("connecting", ms(times.connected), http.max_connect_ms))
        .or_else(|| too_slow("securing the connection", ms(times.secured), http.max_tls_ms))
        .or_else(|| too_slow("the first byte", ms(times.first_byte), http.max_first_byte_ms))
        .or_else(|| too_slow("the whole answer", total_ms, http.max_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    fn answer(status: u16, body: &str) -> Response {
        let times =
            Times { connected: Duration::from_millis(30), first_byte: Duration::from_millis(200), ..Times::default() };
        let headers =
            vec![("content-type".into(), "application/json".into()), ("location".into(), "https://b/login?x".into())];
        Response { status, headers, body: body.into(), times, certificate_ends_s: Some(86_400 * 40) }
    }

    fn check(change: impl FnOnce(&mut Http), status: u16, body: &str, expected: Result<(), &str>) {
        let mut http = Http { url: "http://a/".into(), ..Http::default() };
        change(&mut http);
        let seen = judge(&http, &answer(status, body), Duration::from_millis(250), 86_400 * 10);
        match expected {
            Ok(()) => assert_eq!(seen.outcome, Outcome::Good, "{}", seen.evidence),
            Err(part) => {
                assert_eq!(seen.outcome, Outcome::Bad);
                assert!(seen.evidence.contains(part), "{}", seen.evidence);
            }
        }
        assert!(seen.figures.iter().any(|one| one.name == "certificate_days" && one.value == 30.0));
    }

    #[test]
    fn a_redirect_after_the_last_that_is_followed_is_told_as_one() {
        let said = |change: fn(&mut Http), status: u16| {
            let mut http = Http { url: "http://a/".into(), ..Http::default() };
            change(&mut http);
            in_vain(&http, &answer(status, ""))
        };
        let words = said(|_| {}, 302).unwrap();
        assert!(words.starts_with("5 redirects were followed from http://a/") && words.contains("https://b/login?x"));
        assert_eq!(said(|_| {}, 200), None);
        assert_eq!(said(|http| http.max_redirects = 0, 302), None, "none is to be followed");
        assert_eq!(said(|http| http.expect_status = vec![302], 302), None);
        assert_eq!(said(|http| http.expect_location = Some("https://c/".into()), 302), None);
    }

    #[test]
    fn an_answer_is_judged_by_status_content_headers_redirect_and_time() {
        let body = r#"{"status":"ok","n":3}"#;
        check(|_| {}, 200, body, Ok(()));
        check(|_| {}, 500, "oops", Err("status 500 from http://a/: oops"));
        check(|http| http.expect_status = vec![500], 500, body, Ok(()));
        check(|http| http.contains = Some("ok".into()), 200, body, Ok(()));
        check(|http| http.contains = Some("up".into()), 200, body, Err("does not contain \"up\""));
        check(|http| http.not_contains = Some("ok".into()), 200, body, Err("contains \"ok\""));
        check(|http| http.matches = Some("n\":[0-9]".into()), 200, body, Ok(()));
        check(|http| http.matches = Some("n\":[a-z]".into()), 200, body, Err("does not match"));
        check(|http| http.json_path = Some("status".into()), 200, body, Ok(()));
        check(|http| (http.json_path, http.json_equals) = (Some("n".into()), Some("3".into())), 200, body, Ok(()));
        check(
            |http| (http.json_path, http.json_equals) = (Some("n".into()), Some("4".into())),
            200,
            body,
            Err("n is \"3\""),
        );
        check(|http| http.json_path = Some("gone".into()), 200, body, Err("nothing at gone"));
        check(|http| http.expect_headers = Some("Content-Type: json\nLocation".into()), 200, body, Ok(()));
        check(|http| http.expect_headers = Some("Content-Type: html".into()), 200, body, Err("without \"html\""));
        check(|http| http.expect_headers = Some("X-Gone".into()), 200, body, Err("no header X-Gone"));
        check(|http| http.expect_location = Some("https://b/login".into()), 302, "", Ok(()));
        check(
            |http| http.expect_location = Some("https://c/".into()),
            302,
            "",
            Err("it redirects to https://b/login?x"),
        );
        check(|http| http.max_ms = Some(250), 200, body, Ok(()));
        check(|http| http.max_ms = Some(249), 200, body, Err("the whole answer took 250 ms"));
        check(|http| http.max_first_byte_ms = Some(100), 200, body, Err("the first byte took 200 ms"));
        check(|http| http.max_connect_ms = Some(10), 200, body, Err("connecting took 30 ms"));
    }
}
