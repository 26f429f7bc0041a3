//! Marks in the place of secret words: which parts of a look are secret, and what a mark stands for. Nothing here knows where
//! the words are kept.

use kernel::{Error, Result};
use probes::http::header_lines;
use serde_json::Value;

use crate::probe::{Probe, SEALED, SealedRequest, arguments};

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

/// A field, and what of it stays.
pub(super) type Stays = Option<(&'static str, String)>;

/// Words under their names, in order.
type Named = [(String, String)];

fn is_open_header(name: &str, value: &str) -> bool {
    value.is_empty() || OPEN.contains(&name.to_ascii_lowercase().as_str())
}

pub(super) fn has_marks(probe: &Probe) -> bool {
    let (one, other) = match probe {
        Probe::Http(http) => (&http.headers, &http.body),
        Probe::Tcp(tcp) => (&tcp.send, &None),
        Probe::Plugin(plugin) => (&plugin.arguments, &None),
        _ => return false,
    };
    [one, other].into_iter().flatten().any(|text| text.contains(SEALED))
}

/// Puts marks into a look and answers what they stand for; and the first of them that was sealed before.
pub(super) fn split(probe: &mut Probe, before: &SealedRequest) -> Result<(SealedRequest, Stays)> {
    let (mut now, mut stays) = (SealedRequest::default(), None);
    match probe {
        Probe::Http(http) => {
            if let Some(text) = &http.headers {
                http.headers = Some(headers(text, before, &mut now, &mut stays)?);
            }
            now.body = whole("body", "the body", &mut http.body, &before.body, &mut stays)?;
        }
        Probe::Tcp(tcp) => now.send = whole("send", "the text to send", &mut tcp.send, &before.send, &mut stays)?,
        Probe::Plugin(plugin) => {
            if let Some(text) = &plugin.arguments {
                plugin.arguments = Some(marked_arguments(text, before, &mut now, &mut stays)?);
            }
        }
        _ => {}
    }
    Ok((now, stays))
}

fn headers(text: &str, before: &SealedRequest, now: &mut SealedRequest, stays: &mut Stays) -> Result<String> {
    let lines = header_lines(Some(text)).map_err(|message| Error::invalid("headers", message))?;
    let mut shown = Vec::with_capacity(lines.len());
    for (name, value) in lines {
        if is_open_header(&name, &value) {
            shown.push(format!("{name}: {value}"));
            continue;
        }
        let what = format!("the value of {name}");
        let word = named("headers", &what, &name.to_ascii_lowercase(), &value, (&before.headers, &now.headers), stays)?;
        now.headers.push(word);
        shown.push(format!("{name}: {SEALED}"));
    }
    Ok(shown.join("\n"))
}

fn marked_arguments(text: &str, before: &SealedRequest, now: &mut SealedRequest, stays: &mut Stays) -> Result<String> {
    let mut shown = Vec::new();
    for one in arguments::read(text) {
        if one.is_open() {
            shown.push(format!("{}{}", one.start, one.value));
            continue;
        }
        let what = if one.key.is_empty() { "the argument".to_owned() } else { format!("the value of {}", one.key) };
        let word = named("arguments", &what, one.key, one.value, (&before.arguments, &now.arguments), stays)?;
        now.arguments.push(word);
        shown.push(format!("{}{SEALED}", one.start));
    }
    Ok(shown.join("\n"))
}

/// A word under its name: as it is given, or what its mark stands for, which is the next one of that name.
fn named(
    field: &'static str,
    what: &str,
    name: &str,
    value: &str,
    (before, now): (&Named, &Named),
    stays: &mut Stays,
) -> Result<(String, String)> {
    if value != SEALED {
        return Ok((name.to_owned(), value.to_owned()));
    }
    let earlier = now.iter().filter(|(known, _)| known == name).count();
    let kept = before.iter().filter(|(known, _)| known == name).nth(earlier);
    let kept = kept.ok_or_else(|| nothing(field, what))?;
    stays.get_or_insert((field, what.to_owned()));
    Ok(kept.clone())
}

/// A text that is sealed whole.
fn whole(
    field: &'static str,
    what: &str,
    text: &mut Option<String>,
    before: &Option<String>,
    stays: &mut Stays,
) -> Result<Option<String>> {
    let Some(given) = text.take() else { return Ok(None) };
    *text = Some(SEALED.to_owned());
    if given.trim() != SEALED {
        return Ok(Some(given));
    }
    stays.get_or_insert((field, what.to_owned()));
    before.clone().map(Some).ok_or_else(|| nothing(field, what))
}

fn nothing(field: &str, what: &str) -> Error {
    Error::invalid(field, format!("Give {what}: nothing is kept that {SEALED} could stand for."))
}

/// True when secret words stand in the look itself, as they did in older versions.
pub(super) fn is_open(probe: &Probe) -> bool {
    serde_json::to_value(probe).is_ok_and(|mut probe| blank(&mut probe))
}

/// Puts marks into a look as it is written down; true when there was something to hide. What cannot be read is hidden whole.
pub(crate) fn blank(probe: &mut Value) -> bool {
    let mut any = false;
    for field in ["headers", "body", "send", "arguments"] {
        let Some(Value::String(text)) = probe.get_mut(field) else { continue };
        let shown = match field {
            "headers" => header_lines(Some(text)).map_or_else(
                |_| SEALED.to_owned(),
                |lines| {
                    let shown = |(name, value): &(String, String)| {
                        let value = if is_open_header(name, value) { value } else { SEALED };
                        format!("{name}: {value}")
                    };
                    lines.iter().map(shown).collect::<Vec<_>>().join("\n")
                },
            ),
            "arguments" => {
                let lines = arguments::read(text);
                let shown = lines.iter().map(|one| {
                    let value = if one.is_open() { one.value } else { SEALED };
                    format!("{}{value}", one.start)
                });
                shown.collect::<Vec<_>>().join("\n")
            }
            _ if text.is_empty() => continue,
            _ => SEALED.to_owned(),
        };
        // Lines that are only written otherwise hide nothing.
        if shown.contains(SEALED) && shown != *text {
            *text = shown;
            any = true;
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use probes::http::Http;
    use serde_json::json;

    use super::*;

    fn http(headers: &str, body: Option<&str>) -> Probe {
        Probe::Http(Box::new(Http {
            url: "https://a/".into(),
            headers: Some(headers.into()),
            body: body.map(str::to_owned),
            ..Http::default()
        }))
    }

    fn field(probe: &Probe, name: &str) -> Value {
        serde_json::to_value(probe).unwrap()[name].clone()
    }

    #[test]
    fn secret_words_leave_a_mark_and_harmless_ones_stay() {
        let mut one =
            http("Accept: text/html\nAuthorization: Bearer k1\nX-Api-Key: k2\nCookie: a=1\nCookie: b=2", Some("pin=7"));
        assert!(is_open(&one));
        let (now, stays) = split(&mut one, &SealedRequest::default()).unwrap();
        let shown = "Accept: text/html\nAuthorization: (set)\nX-Api-Key: (set)\nCookie: (set)\nCookie: (set)";
        assert_eq!((field(&one, "headers"), field(&one, "body"), &stays), (json!(shown), json!("(set)"), &None));
        assert!(!is_open(&one));
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
    fn texts_to_send_and_arguments_leave_marks_too() {
        let mut tcp = Probe::Tcp(probes::tcp::Tcp { send: Some("AUTH hunter2".into()), ..Default::default() });
        assert!(is_open(&tcp) && !has_marks(&tcp));
        let (now, _) = split(&mut tcp, &SealedRequest::default()).unwrap();
        assert_eq!((field(&tcp, "send"), now.send.as_deref()), (json!("(set)"), Some("AUTH hunter2")));
        assert!(!is_open(&tcp) && has_marks(&tcp));
        let plugin = |arguments: &str| {
            Probe::Plugin(probes::plugin::Plugin { arguments: Some(arguments.into()), ..Default::default() })
        };
        let mut one = plugin("-w\n5\n-p\nhunter2\n--token=k1\nword");
        let (now, _) = split(&mut one, &SealedRequest::default()).unwrap();
        assert_eq!(field(&one, "arguments"), "-w\n5\n-p\n(set)\n--token=(set)\n(set)");
        let mut less = plugin("-w\n7\n--token=(set)");
        let (less, stays) = split(&mut less, &now).unwrap();
        assert_eq!(less.arguments, [("--token".to_owned(), "k1".to_owned())]);
        assert_eq!(stays, Some(("arguments", "the value of --token".to_owned())));
        let error = split(&mut plugin("-u\n(set)"), &now).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("arguments"));
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
    fn what_was_written_down_is_hidden_once() {
        for (before, after) in [
            (
                json!({"kind": "http", "headers": "A: b", "body": ""}),
                Some(json!({"kind": "http", "headers": "A: (set)", "body": ""})),
            ),
            (json!({"kind": "http", "headers": "no colon"}), Some(json!({"kind": "http", "headers": "(set)"}))),
            (json!({"kind": "http", "headers": "accept:x"}), None),
            (json!({"kind": "tcp", "send": "AUTH x"}), Some(json!({"kind": "tcp", "send": "(set)"}))),
            (
                json!({"kind": "plugin", "arguments": "-p\nx"}),
                Some(json!({"kind": "plugin", "arguments": "-p\n(set)"})),
            ),
            (json!({"kind": "plugin", "arguments": "-w\n5"}), None),
            (json!({"kind": "icmp", "host": "a"}), None),
            (Value::Null, None),
        ] {
            let mut value = before.clone();
            assert_eq!(blank(&mut value), after.is_some(), "{before}");
            assert_eq!(value, after.unwrap_or(before));
            assert!(!blank(&mut value));
        }
    }
}
