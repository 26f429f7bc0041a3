//! The templates of an HTTP gateway for text messages: `{to}`, `{text}` and `{token}` in address, headers and body, each
//! written so that it cannot leave its place.

use kernel::address::percent;
use kernel::{Error, Result};

use super::payload::{Note, Prepared};
use super::{Config, Secrets};

/// Most headers.
const HEADERS_MAX: usize = 20;

/// As it stands inside of a JSON string.
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// The names that are filled, in one pass: what is filled in is not looked at again.
fn fill(template: &str, values: [(&str, &str); 3], escape: fn(&str) -> String) -> String {
    let (mut out, mut rest) = (String::with_capacity(template.len()), template);
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        let found = values.iter().find(|(name, _)| from.starts_with(name));
        match found {
            Some((name, value)) => {
                out.push_str(&escape(value));
                rest = from.get(name.len()..).unwrap_or_default();
            }
            None => {
                out.push('{');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// The headers of a template, names in small letters.
pub(crate) fn headers(text: &str) -> Result<Vec<(String, String)>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let all: Vec<(String, String)> = lines
        .map(|line| {
            let wrong = || Error::invalid("headers", "Write one header a line, as in Authorization: Bearer {token}.");
            let (name, value) = line.split_once(':').ok_or_else(wrong)?;
            let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if named { Ok((name.to_ascii_lowercase(), value.trim().to_owned())) } else { Err(wrong()) }
        })
        .collect::<Result<_>>()?;
    if all.len() > HEADERS_MAX {
        return Err(Error::over_limit(format!("At most {HEADERS_MAX} headers fit here.")).at("headers"));
    }
    Ok(all)
}

/// The names of the headers of a template, one a line, as they were written.
pub(crate) fn names(text: &str) -> String {
    let names: Vec<&str> = text.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim()).collect();
    names.join("\n")
}

/// The request that a gateway gets.
pub(crate) fn request(config: &Config, secrets: &Secrets, to: &str, note: &Note) -> Result<Prepared> {
    let text = note.short();
    let values = [("{to}", to), ("{text}", text.as_str()), ("{token}", secrets.token.as_str())];
    let mut named = headers(&secrets.headers)?;
    for (_, value) in &mut named {
        *value = fill(value, values, one_line);
    }
    let kind = named.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
    let escape: fn(&str) -> String = match kind.as_deref() {
        Some(kind) if kind.contains("xml") => xml,
        Some(kind) if kind.contains("x-www-form-urlencoded") => percent,
        Some(kind) if kind.contains("json") => json,
        None if secrets.body.trim_start().starts_with(['{', '[']) => json,
        None => percent,
        Some(_) => one_line,
    };
    if kind.is_none() && !secrets.body.is_empty() {
        let guessed = if secrets.body.trim_start().starts_with(['{', '[']) {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        named.push(("content-type".to_owned(), guessed.to_owned()));
    }
    let method = match config.method.as_str() {
        "GET" => "GET",
        "PUT" => "PUT",
        _ => "POST",
    };
    Ok(Prepared {
        method,
        url: fill(&secrets.url, values, percent),
        headers: named,
        body: fill(&secrets.body, values, escape),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_cannot_leave_its_place() {
        let values = [("{to}", "+47&admin=1"), ("{text}", "a\"b{token}\r\nX: y"), ("{token}", "k")];
        assert_eq!(
            fill("u?to={to}&t={text}", values, percent),
            "u?to=%2B47%26admin%3D1&t=a%22b%7Btoken%7D%0D%0AX%3A%20y"
        );
        assert_eq!(fill("{\"t\":\"{text}\"}", values, json), "{\"t\":\"a\\\"b{token}\\r\\nX: y\"}");
        assert_eq!(fill("<t>{text}</t>", values, xml), "<t>a&quot;b{token}\r\nX: y</t>");
        assert_eq!(fill("{token}-{text}-{other}", values, one_line), "k-a\"b{token}X: y-{other}");
    }

    #[test]
    fn headers_are_one_a_line() {
        assert_eq!(headers("A: b\n\n X-Y:c ").unwrap(), [("a".into(), "b".into()), ("x-y".into(), "c".into())]);
        assert!(headers("no header").is_err() && headers("bad name: x").is_err());
    }
}
