//! The words of a web request that are sealed like a password: the values of header lines, and the body. In the check
//! stands a mark in their place, which also says that they stay when the check is changed.

use kernel::{Cx, Error, Handle, Result};
use probes::exchange::Target;
use probes::http::{Http, header_lines};

use super::{Check, NewCheck};
use crate::live::Monitor;
use crate::probe::{Probe, SEALED, SealedRequest};
use crate::store;

/// Headers whose values hold no secret.
const OPEN: [&str; 12] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-type",
    "dnt",
    "origin",
    "pragma",
    "range",
    "referer",
    "user-agent",
];

/// The name under which the words of a check are sealed.
fn name(check: i64) -> String {
    format!("monitor.check.{check}.request")
}

/// What is sealed for a check.
pub(super) fn sealed(cx: &mut Cx, id: i64, probe: &Probe) -> Result<SealedRequest> {
    let marked = matches!(probe, Probe::Http(http) if has_marks(http));
    let bytes = if marked { cx.secret(&name(id))? } else { None };
    let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|e| Error::internal("sealed-request", e));
    bytes.map_or_else(|| Ok(SealedRequest::default()), read)
}

fn has_marks(http: &Http) -> bool {
    [&http.headers, &http.body].into_iter().flatten().any(|text| text.contains(SEALED))
}

/// Takes the secret words out of a check before anybody sees it. Marks stand for words of `current`, which stay as long
/// as the request goes to the same server.
pub(super) fn take_out(cx: &mut Cx, current: Option<&Check>, new: &mut NewCheck) -> Result<SealedRequest> {
    let Probe::Http(http) = &mut new.probe else { return Ok(SealedRequest::default()) };
    let before = match current {
        Some(check) => sealed(cx, check.id, &check.probe)?,
        None => SealedRequest::default(),
    };
    let (now, stays) = split(http, &before)?;
    let same = current.is_some_and(|check| check.vantage == new.vantage && goes(&check.probe) == goes(&new.probe));
    match stays {
        Some((field, what)) if !same => Err(Error::invalid(
            field,
            format!("The check looks elsewhere now. Give {what} that belongs there, or leave it out."),
        )),
        _ => Ok(now),
    }
}

/// Where a request goes, and how safely.
fn goes(probe: &Probe) -> Option<(Target, bool)> {
    let Probe::Http(http) = probe else { return None };
    let target = Target::parse(&http.url).ok()?;
    Some((Target { path: String::new(), ..target }, http.any_certificate))
}

/// A field, and what of it stays.
type Stays = Option<(&'static str, String)>;

/// Puts marks into a request and answers what they stand for; and the first of them that was sealed before.
fn split(http: &mut Http, before: &SealedRequest) -> Result<(SealedRequest, Stays)> {
    let (mut now, mut stays) = (SealedRequest::default(), None);
    if let Some(text) = &http.headers {
        let lines = header_lines(Some(text)).map_err(|message| Error::invalid("headers", message))?;
        let mut shown = Vec::with_capacity(lines.len());
        for (name, value) in lines {
            let lower = name.to_ascii_lowercase();
            if OPEN.contains(&lower.as_str()) || value.is_empty() {
                shown.push(format!("{name}: {value}"));
                continue;
            }
            let value = if value == SEALED {
                let earlier = now.headers.iter().filter(|(known, _)| *known == lower).count();
                let kept = before.headers.iter().filter(|(known, _)| *known == lower).nth(earlier);
                let (_, kept) = kept.ok_or_else(|| nothing("headers", &format!("the value of {name}")))?;
                stays.get_or_insert(("headers", format!("the value of {name}")));
                kept.clone()
            } else {
                value
            };
            now.headers.push((lower, value));
            shown.push(format!("{name}: {SEALED}"));
        }
        http.headers = Some(shown.join("\n"));
    }
    if let Some(text) = http.body.take() {
        now.body = if text.trim() == SEALED {
            stays.get_or_insert(("body", "the body".to_owned()));
            Some(before.body.clone().ok_or_else(|| nothing("body", "the body"))?)
        } else {
            Some(text)
        };
        http.body = Some(SEALED.to_owned());
    }
    Ok((now, stays))
}

fn nothing(field: &str, what: &str) -> Error {
    Error::invalid(field, format!("Give {what}: nothing is kept that {SEALED} could stand for."))
}

/// Seals what was taken out; answers whether it is other than before.
pub(super) fn keep(cx: &mut Cx, id: i64, now: &SealedRequest) -> Result<bool> {
    let name = name(id);
    let old = cx.secret(&name)?;
    if *now == SealedRequest::default() {
        return if old.is_some() { cx.drop_secret(&name).map(|()| true) } else { Ok(false) };
    }
    let bytes = serde_json::to_vec(now).map_err(|error| Error::internal("sealed-request", error))?;
    if old.as_ref() == Some(&bytes) {
        return Ok(false);
    }
    cx.put_secret(&name, &bytes)?;
    Ok(true)
}

pub(super) fn forget(cx: &mut Cx, id: i64) -> Result<()> {
    cx.drop_secret(&name(id))
}

/// True when secret words stand in the check itself, as they did in older versions.
fn is_open(probe: &Probe) -> bool {
    let Probe::Http(http) = probe else { return false };
    let body = http.body.as_deref().is_some_and(|body| body != SEALED);
    let secret = |(name, value): &(String, String)| {
        !value.is_empty() && value != SEALED && !OPEN.contains(&name.to_ascii_lowercase().as_str())
    };
    body || header_lines(http.headers.as_deref()).is_ok_and(|lines| lines.iter().any(secret))
}

/// Seals what older versions kept open. Harmless to repeat.
pub(crate) fn seal_open_ones(handle: &Handle) -> Result<()> {
    let mut open = Vec::new();
    handle.get::<Monitor>()?.each(|check| {
        if is_open(&check.probe) {
            open.push(check.id);
        }
    });
    for id in open {
        handle.write_as(kernel::Actor::service("monitor", &["monitor.*"]), "monitor.check.seal", move |cx| {
            let Some(check) = store::checks::by_id(cx.tx, &[id])?.into_iter().next() else { return Ok(()) };
            let mut new = NewCheck::of(&check);
            let words = take_out(cx, Some(&check), &mut new)?;
            keep(cx, id, &words)?;
            store::checks::put_probe(cx.tx, id, &new.probe)?;
            cx.touch(check.reference());
            Ok(())
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(headers: &str, body: Option<&str>) -> Http {
        Http {
            url: "https://a/".into(),
            headers: Some(headers.into()),
            body: body.map(str::to_owned),
            ..Http::default()
        }
    }

    #[test]
    fn secret_words_leave_a_mark_and_harmless_ones_stay() {
        let mut one =
            http("Accept: text/html\nAuthorization: Bearer k1\nX-Api-Key: k2\nCookie: a=1\nCookie: b=2", Some("pin=7"));
        let (now, stays) = split(&mut one, &SealedRequest::default()).unwrap();
        let shown = "Accept: text/html\nAuthorization: (set)\nX-Api-Key: (set)\nCookie: (set)\nCookie: (set)";
        assert_eq!((one.headers.as_deref(), one.body.as_deref(), &stays), (Some(shown), Some("(set)"), &None));
        assert!(!is_open(&Probe::Http(Box::new(one.clone()))));
        // Saved again as it is shown, all of it stays; with one value anew, only that one is another.
        let (again, stays) = split(&mut one, &now).unwrap();
        assert_eq!(again, now);
        assert_eq!(stays, Some(("headers", "the value of Authorization".to_owned())));
        let mut other = http("Cookie: (set)\nCookie: c=3\nAuthorization: (set)", None);
        let (other, _) = split(&mut other, &now).unwrap();
        let pairs: Vec<_> = other.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("cookie", "a=1"), ("cookie", "c=3"), ("authorization", "Bearer k1")]);
    }

    #[test]
    fn a_mark_that_stands_for_nothing_is_refused() {
        for (headers, body, field) in
            [("X-Token: (set)", None, "headers"), ("Accept: x", Some("(set)"), "body"), ("no colon", None, "headers")]
        {
            let error = split(&mut http(headers, body), &SealedRequest::default()).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{headers}");
        }
    }

    #[test]
    fn only_another_server_is_elsewhere() {
        let at = |url: &str, any_certificate| {
            goes(&Probe::Http(Box::new(Http { url: url.into(), any_certificate, ..Http::default() })))
        };
        assert_eq!(
            at("https://a/x", false),
            at("https://A:443/y?z", false).map(|(mut target, any)| {
                target.host = target.host.to_ascii_lowercase();
                (target, any)
            })
        );
        assert_ne!(at("https://a/", false), at("http://a/", false));
        assert_ne!(at("https://a/", false), at("https://a:8443/", false));
        assert_ne!(at("https://a/", false), at("https://b/", false));
        assert_ne!(at("https://a/", false), at("https://a/", true));
    }
}
