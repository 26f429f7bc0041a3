//! Relabelling as Prometheus does it (prometheus.io "Configuration", `relabel_config`): rules that keep, drop and rewrite
//! label sets, of targets before they are scraped and of series before they are stored.

use md5::{Digest as _, Md5};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most rules of one list.
const RULES_MAX: usize = 100;
/// Most memory of one compiled expression, in bytes.
const REGEX_BYTES_MAX: usize = 256 << 10;

/// Labels by name, each name once.
pub(crate) type Labels = std::collections::BTreeMap<String, String>;

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Sets the target label to the replacement where the expression matches.
    #[default]
    Replace,
    /// Keeps what matches, and drops the rest.
    Keep,
    /// Drops what matches.
    Drop,
    /// Keeps what has the joined source labels in the target label.
    #[serde(rename = "keepequal")]
    KeepEqual,
    /// Drops what has the joined source labels in the target label.
    #[serde(rename = "dropequal")]
    DropEqual,
    /// Copies labels whose name matches to the name that the replacement gives.
    LabelMap,
    /// Removes labels whose name matches.
    LabelDrop,
    /// Removes labels whose name does not match.
    LabelKeep,
    /// Sets the target label to the joined source labels in small letters.
    Lowercase,
    /// Sets the target label to the joined source labels in capital letters.
    Uppercase,
    /// Sets the target label to a hash of the joined source labels, modulo the modulus: for shares of targets.
    HashMod,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Relabel {
    /// What it does; replace if left out.
    pub action: Action,
    /// Labels whose values are joined and matched.
    pub source_labels: Vec<String>,
    /// What stands between joined values; a semicolon if left out.
    pub separator: String,
    /// The expression that the whole text must match; anything if left out.
    pub regex: String,
    /// The label that is set.
    pub target_label: String,
    /// What it is set to, with $1 for the first group of the expression; $1 if left out.
    pub replacement: String,
    /// How many shares hashmod makes.
    pub modulus: u64,
}

impl Default for Relabel {
    fn default() -> Self {
        Self {
            action: Action::Replace,
            source_labels: Vec::new(),
            separator: ";".into(),
            regex: "(.*)".into(),
            target_label: String::new(),
            replacement: "$1".into(),
            modulus: 0,
        }
    }
}

/// A rule that can be used.
#[derive(Debug)]
pub(crate) struct Rule {
    says: Relabel,
    regex: Regex,
}

/// Reads rules; the error says which one is wrong and how.
pub(crate) fn compile(rules: &[Relabel]) -> Result<Vec<Rule>, String> {
    if rules.len() > RULES_MAX {
        return Err(format!("There are {} rules; at most {RULES_MAX} are taken.", rules.len()));
    }
    let numbered = rules.iter().zip(1..);
    numbered.map(|(rule, number)| one(rule).map_err(|why| format!("Rule {number}: {why}"))).collect()
}

fn one(rule: &Relabel) -> Result<Rule, String> {
    use Action::{DropEqual, HashMod, KeepEqual, Lowercase, Replace, Uppercase};
    let sets = matches!(rule.action, Replace | KeepEqual | DropEqual | Lowercase | Uppercase | HashMod);
    if sets && rule.target_label.is_empty() {
        return Err("the target label is missing.".into());
    }
    if rule.action == HashMod && rule.modulus == 0 {
        return Err("hashmod needs a modulus of at least 1.".into());
    }
    if matches!(rule.action, Action::Keep | Action::Drop) && rule.source_labels.is_empty() && rule.regex == "(.*)" {
        return Err("it matches everything: name source labels or an expression.".into());
    }
    // Expressions are anchored on both sides, and a dot is any character, as in Prometheus.
    let regex = regex::RegexBuilder::new(&format!("^(?s:{})$", rule.regex)).size_limit(REGEX_BYTES_MAX).build();
    let regex = regex.map_err(|error| format!("the expression {:?} cannot be used: {error}.", rule.regex))?;
    Ok(Rule { says: rule.clone(), regex })
}

/// Applies rules in order; false when the labels are dropped.
pub(crate) fn apply(rules: &[Rule], labels: &mut Labels) -> bool {
    rules.iter().all(|rule| rule.apply(labels))
}

impl Rule {
    fn apply(&self, labels: &mut Labels) -> bool {
        let says = &self.says;
        let value = |name: &String| labels.get(name).map_or("", String::as_str);
        let joined = || says.source_labels.iter().map(value).collect::<Vec<_>>().join(&says.separator);
        match says.action {
            Action::Keep => return self.regex.is_match(&joined()),
            Action::Drop => return !self.regex.is_match(&joined()),
            Action::KeepEqual => return joined() == value(&says.target_label),
            Action::DropEqual => return joined() != value(&says.target_label),
            Action::Replace => {
                let joined = joined();
                self.replace(&joined, labels);
            }
            Action::Lowercase => put(labels, &says.target_label, joined().to_lowercase()),
            Action::Uppercase => put(labels, &says.target_label, joined().to_uppercase()),
            Action::HashMod => put(labels, &says.target_label, hash_mod(&joined(), says.modulus).to_string()),
            Action::LabelMap => {
                let named = labels.iter().filter(|(name, _)| self.regex.is_match(name));
                let new = named.map(|(name, value)| (self.regex.replace(name, &says.replacement), value.clone()));
                let new: Vec<_> = new.map(|(name, value)| (name.into_owned(), value)).collect();
                new.into_iter().for_each(|(name, value)| put(labels, &name, value));
            }
            Action::LabelDrop => labels.retain(|name, _| !self.regex.is_match(name)),
            Action::LabelKeep => labels.retain(|name, _| self.regex.is_match(name)),
        }
        true
    }

    fn replace(&self, joined: &str, labels: &mut Labels) {
        let Some(found) = self.regex.captures(joined) else { return };
        let (mut name, mut value) = (String::new(), String::new());
        found.expand(&self.says.target_label, &mut name);
        found.expand(&self.says.replacement, &mut value);
        if is_name(&name) {
            put(labels, &name, value);
        }
    }
}

/// As Prometheus does it: the last eight bytes of the MD5 sum as a number, so that both share targets out alike.
fn hash_mod(text: &str, modulus: u64) -> u64 {
    let sum: [u8; 16] = Md5::digest(text.as_bytes()).into();
    let [.., a, b, c, d, e, f, g, h] = sum;
    u64::from_be_bytes([a, b, c, d, e, f, g, h]).checked_rem(modulus).unwrap_or(0)
}

/// Sets a label; an empty value removes it.
fn put(labels: &mut Labels, name: &str, value: String) {
    if value.is_empty() {
        labels.remove(name);
    } else if is_name(name) {
        labels.insert(name.to_owned(), value);
    }
}

/// True for names that a label may have: anything of UTF-8, as in Prometheus 3, but not nothing.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn check(rules: serde_json::Value, before: &[(&str, &str)], after: Option<&[(&str, &str)]>) {
        let rules: Vec<Relabel> = serde_json::from_value(rules).unwrap();
        let mut got = labels(before);
        let kept = apply(&compile(&rules).unwrap(), &mut got);
        assert_eq!(kept.then_some(got), after.map(labels), "{rules:?}");
    }

    /// The cases of Prometheus' own `relabel_test.go`, for the actions that are there.
    #[test]
    fn rules_do_what_they_do_in_prometheus() {
        let abc = [("a", "foo"), ("b", "bar"), ("c", "baz")];
        check(
            serde_json::json!([{"source_labels": ["a"], "regex": "f(.*)", "target_label": "d", "separator": ";", "replacement": "ch${1}-ch${1}"}]),
            &abc,
            Some(&[("a", "foo"), ("b", "bar"), ("c", "baz"), ("d", "choo-choo")]),
        );
        check(
            serde_json::json!([
                {"source_labels": ["a", "b"], "regex": "f(.*);(.*)r", "target_label": "a", "replacement": "b${1}${2}m"},
                {"source_labels": ["c", "a"], "regex": "(b).*b(.*)ba(.*)", "target_label": "d", "replacement": "$1$2$2$3"},
            ]),
            &[("a", "foo"), ("b", "bar"), ("c", "baz"), ("d", "boom")],
            Some(&[("a", "boobam"), ("b", "bar"), ("c", "baz"), ("d", "boooom")]),
        );
        check(serde_json::json!([{"source_labels": ["a"], "regex": ".*o.*", "action": "drop"}]), &[("a", "foo")], None);
        check(
            serde_json::json!([{"source_labels": ["a"], "regex": "f", "action": "drop"}]),
            &[("a", "foo")],
            Some(&[("a", "foo")]),
        );
        check(
            serde_json::json!([{"source_labels": ["a"], "regex": "no-match", "action": "keep"}]),
            &[("a", "foo")],
            None,
        );
        check(
            serde_json::json!([{"source_labels": ["a"], "regex": "f.*", "action": "keep"}]),
            &[("a", "foo")],
            Some(&[("a", "foo")]),
        );
        check(
            serde_json::json!([{"source_labels": ["a"], "regex": "f", "target_label": "b", "replacement": "bar"}]),
            &[("a", "boo")],
            Some(&[("a", "boo")]),
        );
        check(
            serde_json::json!([{"source_labels": ["a"], "target_label": "d", "replacement": "", "regex": "(f).*"}]),
            &[("a", "foo"), ("d", "x")],
            Some(&[("a", "foo")]),
        );
    }

    /// More of them.
    #[test]
    fn rules_for_names_of_labels_do_what_they_do_in_prometheus() {
        check(
            serde_json::json!([{"action": "labelmap", "regex": "(b.*)", "replacement": "bar_${1}"}]),
            &[("a", "foo"), ("b1", "bar"), ("b2", "baz")],
            Some(&[("a", "foo"), ("b1", "bar"), ("b2", "baz"), ("bar_b1", "bar"), ("bar_b2", "baz")]),
        );
        check(
            serde_json::json!([{"action": "labelmap", "regex": "__meta_(my.*)", "replacement": "${1}"}]),
            &[("a", "foo"), ("__meta_my_bar", "aaa"), ("__meta_other", "ccc")],
            Some(&[("a", "foo"), ("__meta_my_bar", "aaa"), ("__meta_other", "ccc"), ("my_bar", "aaa")]),
        );
        check(
            serde_json::json!([{"action": "labeldrop", "regex": "(b.*)"}]),
            &[("a", "foo"), ("b1", "bar")],
            Some(&[("a", "foo")]),
        );
        check(
            serde_json::json!([{"action": "labelkeep", "regex": "(b.*)"}]),
            &[("a", "foo"), ("b1", "bar")],
            Some(&[("b1", "bar")]),
        );
        check(
            serde_json::json!([{"source_labels": ["foo"], "target_label": "u", "action": "uppercase"}, {"source_labels": ["foo"], "target_label": "l", "action": "lowercase"}]),
            &[("foo", "bAr123Foo")],
            Some(&[("foo", "bAr123Foo"), ("l", "bar123foo"), ("u", "BAR123FOO")]),
        );
        let ports = [("__tmp_port", "1234"), ("__port1", "1234"), ("__port2", "5678")];
        check(
            serde_json::json!([{"source_labels": ["__tmp_port"], "action": "keepequal", "target_label": "__port1"}]),
            &ports,
            Some(&ports),
        );
        check(
            serde_json::json!([{"source_labels": ["__tmp_port"], "action": "keepequal", "target_label": "__port2"}]),
            &ports,
            None,
        );
        check(
            serde_json::json!([{"source_labels": ["__tmp_port"], "action": "dropequal", "target_label": "__port1"}]),
            &ports,
            None,
        );
        // A dot matches a line break, and the whole text must match.
        check(
            serde_json::json!([{"source_labels": ["a"], "regex": "x.y", "action": "keep"}]),
            &[("a", "x\ny")],
            Some(&[("a", "x\ny")]),
        );
        check(serde_json::json!([{"source_labels": ["a"], "regex": "a|b", "action": "keep"}]), &[("a", "ab")], None);
        check(
            serde_json::json!([{"source_labels": ["c"], "target_label": "d", "action": "hashmod", "modulus": 1000}]),
            &[("c", "baz")],
            Some(&[("c", "baz"), ("d", "976")]),
        );
        check(
            serde_json::json!([{"source_labels": ["a"], "target_label": "d", "action": "hashmod", "modulus": 1000}]),
            &[("a", "foo\nbar")],
            Some(&[("a", "foo\nbar"), ("d", "734")]),
        );
        // The name of the target label may come from the match.
        check(
            serde_json::json!([{"source_labels": ["a"], "regex": "some-([^-]+)-([^,]+)", "target_label": "${1}", "replacement": "${2}"}]),
            &[("a", "some-name-value")],
            Some(&[("a", "some-name-value"), ("name", "value")]),
        );
    }

    #[test]
    fn rules_that_cannot_work_are_refused_by_number() {
        let refused =
            |rules: serde_json::Value| compile(&serde_json::from_value::<Vec<Relabel>>(rules).unwrap()).unwrap_err();
        assert!(
            refused(serde_json::json!([{"target_label": "a"}, {"source_labels": ["a"]}]))
                .contains("Rule 2: the target label")
        );
        assert!(
            refused(serde_json::json!([{"action": "keep", "source_labels": ["a"], "regex": "("}]))
                .contains("Rule 1: the expression")
        );
        assert!(refused(serde_json::json!([{"action": "drop"}])).contains("matches everything"));
        assert!(refused(serde_json::json!([{"action": "labeldrop", "regex": "(a{1000}){1000}"}])).contains("Rule 1"));
        assert!(
            refused(serde_json::json!([{"action": "hashmod", "target_label": "d"}])).contains("needs a modulus"),
            "nothing can be shared out into no shares"
        );
        assert!(serde_json::from_value::<Relabel>(serde_json::json!({"action": "hashsum"})).is_err());
    }
}
