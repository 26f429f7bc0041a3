//! A value inside an answer in JSON, by a plain path: `status`, `data.items[0].name`, `$.checks[2].ok`.

use serde_json::Value;

/// The value at a path.
///
/// # Errors
/// In words: the text is no JSON, the path is none, or nothing is there.
pub(crate) fn at(body: &[u8], path: &str) -> Result<Value, String> {
    let whole: Value = serde_json::from_slice(body).map_err(|e| format!("the answer is no JSON: {e}"))?;
    let mut value = &whole;
    for step in steps(path)? {
        let found = match &step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        };
        value = found.ok_or_else(|| format!("the answer has nothing at {path}"))?;
    }
    Ok(value.clone())
}

/// Refuses what is no path.
///
/// # Errors
/// What would fit.
pub(crate) fn check(path: &str) -> Result<(), String> {
    steps(path).map(|_| ())
}

/// A value as people compare it: texts without their quotes.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

enum Step {
    Key(String),
    Index(usize),
}

fn steps(path: &str) -> Result<Vec<Step>, String> {
    let wrong = || format!("{path:?} is no path. Write it like data.items[0].name");
    let path_only = path.trim().strip_prefix('$').unwrap_or(path.trim());
    let mut found = Vec::new();
    for part in path_only.trim_start_matches('.').split('.') {
        let (key, indexes) = part.split_once('[').map_or((part, None), |(key, rest)| (key, Some(rest)));
        if !key.is_empty() {
            found.push(Step::Key(key.to_owned()));
        } else if indexes.is_none() {
            return Err(wrong());
        }
        for index in indexes.into_iter().flat_map(|rest| rest.split('[')) {
            let index = index.strip_suffix(']').and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
            found.push(Step::Index(index));
        }
    }
    if found.len() > 32 { Err(wrong()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_its_value_or_says_what_is_missing() {
        let body = br#"{"data":{"items":[{"name":"a"},{"name":7}]},"ok":true}"#;
        for (path, expected) in [
            ("ok", Ok("true")),
            ("$.ok", Ok("true")),
            ("data.items[0].name", Ok("a")),
            ("data.items[1].name", Ok("7")),
            ("data.items[2].name", Err("nothing at")),
            ("data..x", Err("no path")),
            ("data.items[x]", Err("no path")),
            ("", Err("no path")),
        ] {
            match (at(body, path), expected) {
                (Ok(value), Ok(text)) => assert_eq!(plain(&value), text),
                (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
                (got, _) => panic!("{path}: {got:?}"),
            }
        }
        assert!(at(b"<html>", "ok").is_err_and(|e| e.contains("no JSON")));
    }
}
