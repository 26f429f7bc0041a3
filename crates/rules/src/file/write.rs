//! Writing a rule file.

use super::{Group, Kind, Pairs, Rule, RuleFile};

pub(super) fn file(file: &RuleFile) -> String {
    if file.groups.is_empty() {
        return "groups: []\n".to_owned();
    }
    let mut out = String::from("groups:\n");
    file.groups.iter().for_each(|one| group(&mut out, one));
    out
}

fn group(out: &mut String, group: &Group) {
    line(out, "- name: ", &group.name, 4);
    if let Some(ms) = group.interval_ms {
        line(out, "  interval: ", &promql::format_duration(ms), 4);
    }
    if let Some(ms) = group.query_offset_ms {
        line(out, "  query_offset: ", &promql::format_duration(ms), 4);
    }
    if let Some(limit) = group.limit {
        out.push_str(&format!("  limit: {limit}\n"));
    }
    pairs(out, "  labels:", &group.labels, 4);
    out.push_str("  rules:");
    if group.rules.is_empty() {
        out.push_str(" []");
    }
    out.push('\n');
    group.rules.iter().for_each(|one| rule(out, one));
}

fn rule(out: &mut String, rule: &Rule) {
    let what = match rule.kind {
        Kind::Alert => "  - alert: ",
        Kind::Record => "  - record: ",
    };
    line(out, what, &rule.name, 6);
    line(out, "    expr: ", &rule.expr, 6);
    for (name, ms) in [("    for: ", rule.for_ms), ("    keep_firing_for: ", rule.keep_firing_ms)] {
        if ms != 0 {
            line(out, name, &promql::format_duration(ms), 6);
        }
    }
    pairs(out, "    labels:", &rule.labels, 6);
    pairs(out, "    annotations:", &rule.annotations, 6);
}

fn pairs(out: &mut String, head: &str, pairs: &Pairs, indent: usize) {
    if pairs.is_empty() {
        return;
    }
    out.push_str(head);
    out.push('\n');
    for (name, value) in pairs {
        out.push_str(&" ".repeat(indent));
        out.push_str(&scalar(name));
        line(out, ": ", value, indent + 2);
    }
}

fn line(out: &mut String, head: &str, value: &str, indent: usize) {
    out.push_str(head);
    match block(value, indent) {
        Some(text) => out.push_str(&text),
        None => {
            out.push_str(&scalar(value));
            out.push('\n');
        }
    }
}

/// A text of several lines as a literal block, where such a block says it exactly.
fn block(text: &str, indent: usize) -> Option<String> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let plain = |c: char| c == '\n' || (!c.is_control() && !is_break(c));
    let lines_fit = body.lines().all(|line| !line.is_empty() && !line.ends_with(' '));
    if !body.contains('\n')
        || body.ends_with('\n')
        || body.starts_with([' ', '\n'])
        || !text.chars().all(plain)
        || !lines_fit
    {
        return None;
    }
    let mut out = String::from(if text.ends_with('\n') { "|\n" } else { "|-\n" });
    for line in body.split('\n') {
        out.push_str(&" ".repeat(indent));
        out.push_str(line);
        out.push('\n');
    }
    Some(out)
}

/// Line breaks of YAML that are no line ends here.
fn is_break(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// A text on one line: plain if it can only be read as this text, else in double quotes.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c.is_control() || is_break(c)) && u32::from(c) <= 0xffff => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        || (text.starts_with(|c: char| c.is_ascii_digit()) && promql::parse_duration(text).is_some_and(|ms| ms > 0));
    let fits = |c: char| c.is_ascii_alphanumeric() || "_ ./()=<>+-*^$;~".contains(c);
    // A colon inside of a name is fine, one before a space begins a mapping.
    let colons = !text.contains(": ") && !text.ends_with(':');
    first
        && colons
        && text.chars().all(|c| fits(c) || c == ':')
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}
