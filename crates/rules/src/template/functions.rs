//! The functions of templates: Go's own and Prometheus'.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use promql::Sample;
use regex::Regex;

use super::run::Run;
use super::value::Value;
use super::{compare, humanize, printf};

/// Largest compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// All but the characters that are never reserved in an address (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const KNOWN: [&str; 52] = [
    "and",
    "or",
    "not",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "len",
    "index",
    "slice",
    "print",
    "printf",
    "println",
    "html",
    "urlquery",
    "query",
    "first",
    "label",
    "value",
    "strvalue",
    "args",
    "reReplaceAll",
    "safeHtml",
    "match",
    "title",
    "toUpper",
    "toLower",
    "graphLink",
    "tableLink",
    "sortByLabel",
    "stripPort",
    "stripDomain",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "toTime",
    "toDuration",
    "now",
    "pathPrefix",
    "externalURL",
    "parseDuration",
    "tmpl",
    "urlQueryEscape",
    "trimSpace",
    "trimPrefix",
    "trimSuffix",
    "join",
    "stringSlice",
];

pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

pub(super) fn call(run: &mut Run<'_>, name: &str, args: Vec<Value>) -> Result<Value, String> {
    let text = |text: String| Ok(Value::Text(text));
    match (name, args.as_slice()) {
        ("not", [one]) => Ok(Value::Bool(!one.is_true())),
        ("eq", [first, others @ ..]) if !others.is_empty() => any_equal(first, others),
        ("ne", [a, b]) => compare::equal(a, b).map(|same| Value::Bool(!same)),
        ("lt", [a, b]) => ordered(a, b, |order| order.is_lt()),
        ("le", [a, b]) => ordered(a, b, |order| order.is_le()),
        ("gt", [a, b]) => ordered(a, b, |order| order.is_gt()),
        ("ge", [a, b]) => ordered(a, b, |order| order.is_ge()),
        ("len", [one]) => length(one),
        ("index", [of, path @ ..]) => path.iter().try_fold(of.clone(), |value, at| index(&value, at)),
        ("slice", [of, bounds @ ..]) => slice(of, bounds),
        ("print", all) => text(print(all)),
        ("println", all) => text(all.iter().map(Value::shown).collect::<Vec<_>>().join(" ") + "\n"),
        ("printf", [format, rest @ ..]) => text(printf::printf(format.text()?, rest)?),
        ("query", [expr]) => {
            let found = (run.data.query)(expr.text()?)?;
            Ok(Value::List(found.into_iter().map(|one| Value::Sample(Box::new(one))).collect()))
        }
        ("tmpl", [name, data]) => run.written(name.text()?, data.clone()),
        ("now", []) => Ok(Value::Float(run.data.now_ms as f64 / 1e3)),
        ("externalURL", []) => text(run.data.external_url.to_owned()),
        ("pathPrefix", []) => text(path_of(run.data.external_url).to_owned()),
        ("args", all) => {
            let named = all.iter().enumerate().map(|(place, value)| (format!("arg{place}"), value.clone()));
            Ok(Value::Map(named.collect::<BTreeMap<_, _>>()))
        }
        ("first" | "value" | "strvalue" | "label" | "sortByLabel", args) => of_samples(name, args),
        (_, [one]) => of_one(name, one),
        (_, args) => of_texts(name, args),
    }
}

fn wrong_number(name: &str, got: usize) -> String {
    format!("wrong number of args for {name}: got {got}")
}

fn any_equal(first: &Value, others: &[Value]) -> Result<Value, String> {
    for other in others {
        if compare::equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn ordered(a: &Value, b: &Value, fits: impl Fn(std::cmp::Ordering) -> bool) -> Result<Value, String> {
    Ok(Value::Bool(compare::order(a, b)?.is_some_and(fits)))
}

fn of_samples(name: &str, args: &[Value]) -> Result<Value, String> {
    let label = |sample: &Sample, label: &str| sample.labels.get(label).unwrap_or_default().to_owned();
    match (name, args) {
        ("first", [all]) => {
            let first = all.samples()?.into_iter().next();
            first
                .map(|one| Value::Sample(Box::new(one)))
                .ok_or_else(|| "first() called on vector with no elements".to_owned())
        }
        ("value", [Value::Sample(sample)]) => Ok(Value::Float(sample.value)),
        ("strvalue", [Value::Sample(sample)]) => Ok(Value::Text(label(sample, "__value__"))),
        ("label", [of, Value::Sample(sample)]) => Ok(Value::Text(label(sample, of.text()?))),
        ("sortByLabel", [of, all]) => {
            let of = of.text()?;
            let mut all = all.samples()?;
            all.sort_by_key(|one| label(one, of));
            Ok(Value::List(all.into_iter().map(|one| Value::Sample(Box::new(one))).collect()))
        }
        ("value" | "strvalue", [other]) | ("label", [_, other]) => {
            Err(format!("wrong type for value; expected a sample; got {}", other.kind()))
        }
        _ => Err(wrong_number(name, args.len())),
    }
}

fn of_one(name: &str, one: &Value) -> Result<Value, String> {
    let text = match name {
        "humanize" => humanize::plain(one.number()?),
        "humanize1024" => humanize::by_1024(one.number()?),
        "humanizeDuration" => humanize::duration(one.number()?),
        "humanizePercentage" => humanize::percentage(one.number()?),
        "humanizeTimestamp" => humanize::timestamp(one.number()?),
        "toTime" => return Ok(Value::Time(humanize::ms(one.number()?))),
        "toDuration" => return Ok(Value::Duration(humanize::ms(one.number()?))),
        "parseDuration" => {
            let text = one.text()?;
            let ms = promql::parse_duration(text.strip_prefix('-').unwrap_or(text));
            let ms = ms.ok_or_else(|| format!("not a valid duration string: \"{text}\""))?;
            return Ok(Value::Float(if text.starts_with('-') { -(ms as f64) } else { ms as f64 } / 1e3));
        }
        "title" => title(one.text()?),
        "toUpper" => one.text()?.to_uppercase(),
        "toLower" => one.text()?.to_lowercase(),
        "safeHtml" => one.text()?.to_owned(),
        "trimSpace" => one.text()?.trim().to_owned(),
        "html" => html(&one.shown()),
        "urlquery" | "urlQueryEscape" => escaped(&one.shown()),
        "stripPort" => strip_port(one.text()?).to_owned(),
        "stripDomain" => strip_domain(one.text()?),
        "graphLink" => format!("/graph?g0.expr={}&g0.tab=0", escaped(one.text()?)),
        "tableLink" => format!("/graph?g0.expr={}&g0.tab=1", escaped(one.text()?)),
        _ => return of_texts(name, std::slice::from_ref(one)),
    };
    Ok(Value::Text(text))
}

fn of_texts(name: &str, args: &[Value]) -> Result<Value, String> {
    let pattern = |text: &str| {
        let built = regex::RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build();
        built.map_err(|error| format!("the pattern {text:?} cannot be used: {error}"))
    };
    match (name, args) {
        ("reReplaceAll", [what, with, text]) => {
            let pattern: Regex = pattern(what.text()?)?;
            Ok(Value::Text(pattern.replace_all(text.text()?, with.text()?).into_owned()))
        }
        ("match", [what, text]) => Ok(Value::Bool(pattern(what.text()?)?.is_match(text.text()?))),
        ("trimPrefix", [prefix, text]) => {
            let text = text.text()?;
            Ok(Value::Text(text.strip_prefix(prefix.text()?).unwrap_or(text).to_owned()))
        }
        ("trimSuffix", [suffix, text]) => {
            let text = text.text()?;
            Ok(Value::Text(text.strip_suffix(suffix.text()?).unwrap_or(text).to_owned()))
        }
        ("join", [between, Value::List(all)]) => {
            Ok(Value::Text(all.iter().map(Value::shown).collect::<Vec<_>>().join(between.text()?)))
        }
        ("stringSlice", all) => Ok(Value::List(all.to_vec())),
        _ => Err(wrong_number(name, args.len())),
    }
}

fn length(of: &Value) -> Result<Value, String> {
    let count = match of {
        Value::Text(text) => text.len(),
        Value::List(all) => all.len(),
        Value::Labels(labels) => labels.iter().count(),
        Value::Map(all) => all.len(),
        other => return Err(format!("len of type {}", other.kind())),
    };
    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn index(of: &Value, at: &Value) -> Result<Value, String> {
    match (of, at) {
        (Value::List(all), Value::Int(place)) => {
            let found = usize::try_from(*place).ok().and_then(|place| all.get(place));
            found.cloned().ok_or_else(|| format!("index out of range: {place}"))
        }
        (Value::Labels(labels), Value::Text(name)) => Ok(Value::Text(labels.get(name).unwrap_or_default().to_owned())),
        (Value::Map(all), Value::Text(name)) => Ok(all.get(name).cloned().unwrap_or(Value::Nil)),
        (of, at) => Err(format!("cannot index {} with {}", of.kind(), at.kind())),
    }
}

fn slice(of: &Value, bounds: &[Value]) -> Result<Value, String> {
    let length = match of {
        Value::Text(text) => text.len(),
        Value::List(all) => all.len(),
        other => return Err(format!("can't slice item of type {}", other.kind())),
    };
    let bound = |place: usize, usual: usize| match bounds.get(place) {
        None => Ok(usual),
        Some(Value::Int(at)) => usize::try_from(*at).map_err(|_| format!("index out of range: {at}")),
        Some(other) => Err(format!("cannot index slice with type {}", other.kind())),
    };
    let (from, to) = (bound(0, 0)?, bound(1, length)?);
    let out = || format!("index out of range: {from} to {to}");
    match of {
        Value::Text(text) => text.get(from..to).map(|part| Value::Text(part.to_owned())).ok_or_else(out),
        Value::List(all) => all.get(from..to).map(|part| Value::List(part.to_vec())).ok_or_else(out),
        _ => Err(out()),
    }
}

/// Go puts a space between two values of which neither is a text.
fn print(all: &[Value]) -> String {
    let mut out = String::new();
    let mut before = true;
    for value in all {
        let is_text = matches!(value, Value::Text(_));
        if !out.is_empty() && !before && !is_text {
            out.push(' ');
        }
        out.push_str(&value.shown());
        before = is_text;
    }
    out
}

fn title(text: &str) -> String {
    let mut inside = false;
    let upper = text.chars().flat_map(|c| {
        let first = !inside && c.is_alphanumeric();
        inside = c.is_alphanumeric() || (inside && matches!(c, '\'' | '_'));
        if first { c.to_uppercase().collect::<Vec<_>>() } else { vec![c] }
    });
    upper.collect()
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// As a value in the query of an address, where a plus is a space.
fn escaped(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string().replace("%20", "+")
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
}

/// `host:port` without its port; what is no such pair stays.
fn strip_port(text: &str) -> &str {
    if let Some(inside) = text.strip_prefix('[') {
        return inside.split_once("]:").map_or(text, |(host, _)| host);
    }
    match text.rsplit_once(':') {
        Some((host, _)) if !host.contains(':') => host,
        _ => text,
    }
}

/// The first part of a host's name; addresses stay, and so does the port.
fn strip_domain(text: &str) -> String {
    let host = strip_port(text);
    if host.parse::<std::net::IpAddr>().is_ok() {
        return text.to_owned();
    }
    let port = text.strip_prefix(host).unwrap_or_default();
    format!("{}{port}", host.split('.').next().unwrap_or(host))
}
