//! Reading a rule file: every value is checked where it stands, so that the mistake has its line.

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use std::fmt;

use super::{Group, Kind, Pairs, Rule, RuleFile};
use crate::Template;
use crate::mistake::Mistake;

/// Most rules of one file.
const RULES_MAX: usize = 20_000;

pub(super) fn file(text: &str) -> Result<RuleFile, Mistake> {
    // A file of comments alone is a file without groups.
    let read: Option<FileText> = serde_norway::from_str(text).map_err(|error| Mistake::of_yaml(&error))?;
    let groups: Vec<Group> = read.unwrap_or_default().groups.unwrap_or_default().into_iter().map(Group::from).collect();
    let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
    if rules > RULES_MAX {
        return Err(Mistake::new(format!("the file has {rules} rules; {RULES_MAX} are the most")));
    }
    Ok(RuleFile { groups })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    groups: Option<Vec<GroupText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupText {
    name: GroupName,
    interval: Option<Length>,
    query_offset: Option<Length>,
    limit: Option<u64>,
    labels: Option<Words>,
    rules: Option<Vec<Checked>>,
}

impl From<GroupText> for Group {
    fn from(text: GroupText) -> Self {
        Self {
            name: text.name.0,
            interval_ms: text.interval.map(|length| length.0).filter(|ms| *ms > 0),
            query_offset_ms: text.query_offset.map(|length| length.0),
            limit: text.limit.filter(|limit| *limit > 0),
            labels: text.labels.unwrap_or_default().0,
            rules: text.rules.unwrap_or_default().into_iter().map(|rule| rule.0).collect(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    record: Option<String>,
    alert: Option<String>,
    expr: Option<Query>,
    r#for: Option<Length>,
    keep_firing_for: Option<Length>,
    labels: Option<Words>,
    annotations: Option<Templates>,
}

/// A rule that holds together; a mistake stands at its first line.
struct Checked(Rule);

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Checked;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule with 'alert' or 'record' and 'expr'")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Checked, A::Error> {
                let text = RuleText::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let rule = rule(text).map_err(de::Error::custom)?;
                rule.check().map_err(|why| de::Error::custom(format!("rule \"{}\": {why}", rule.name)))?;
                Ok(Checked(rule))
            }
        }
        deserializer.deserialize_map(V)
    }
}

fn rule(text: RuleText) -> Result<Rule, String> {
    let said = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
    let (kind, name) = match (said(&text.record), said(&text.alert)) {
        (Some(_), Some(_)) => return Err("only one of 'record' and 'alert' must be set".to_owned()),
        (None, None) => return Err("one of 'record' or 'alert' must be set".to_owned()),
        (Some(name), None) => (Kind::Record, name),
        (None, Some(name)) => (Kind::Alert, name),
    };
    let expr = text.expr.ok_or_else(|| format!("rule \"{name}\": field 'expr' must be set in rule"))?;
    Ok(Rule {
        kind,
        name,
        expr: expr.0,
        for_ms: text.r#for.map_or(0, |length| length.0),
        keep_firing_ms: text.keep_firing_for.map_or(0, |length| length.0),
        labels: text.labels.unwrap_or_default().0,
        annotations: text.annotations.unwrap_or_default().0,
    })
}

/// Makes a value of a text where it stands.
pub(crate) struct Scalar<F>(pub(crate) F, pub(crate) &'static str);

impl<T, F: FnOnce(&str) -> Result<T, String>> Visitor<'_> for Scalar<F> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

/// A name that is not empty.
struct GroupName(String);

impl<'de> Deserialize<'de> for GroupName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| match text.is_empty() {
            true => Err("the name of a group must not be empty".to_owned()),
            false => Ok(Self(text.to_owned())),
        };
        deserializer.deserialize_str(Scalar(read, "a name"))
    }
}

/// A length of time such as `5m`, in ms.
pub(crate) struct Length(pub(crate) i64);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| {
            let ms = promql::parse_duration(text);
            ms.map(Self).ok_or_else(|| format!("\"{text}\" is no length of time; write 30s, 5m or 1h30m"))
        };
        deserializer.deserialize_str(Scalar(read, "a length of time such as 5m"))
    }
}

/// An expression that can be read.
struct Query(String);

impl<'de> Deserialize<'de> for Query {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| match crate::expression::parse(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) if text.trim().is_empty() => Err("field 'expr' must be set in rule".to_owned()),
            Err(error) => Err(format!("could not parse expression: {error}")),
        };
        deserializer.deserialize_str(Scalar(read, "an expression in PromQL"))
    }
}

/// Names and texts, each name once.
#[derive(Default)]
pub(crate) struct Words(pub(crate) Pairs);

/// Names and templates, each name once.
#[derive(Default)]
struct Templates(Pairs);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsOf(false)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Templates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsOf(true)).map(Self)
    }
}

struct PairsOf(bool);

impl<'de> Visitor<'de> for PairsOf {
    type Value = Pairs;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names and texts")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Pairs, E> {
        Ok(Pairs::new())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut all = Pairs::new();
        while let Some(name) = map.next_key::<String>()? {
            if all.iter().any(|(known, _)| *known == name) {
                return Err(de::Error::custom(format!("\"{name}\" is there twice")));
            }
            let value = match self.0 {
                true => map.next_value::<TemplateText>()?.0,
                false => map.next_value::<Text>()?.0,
            };
            all.push((name, value));
        }
        Ok(all)
    }
}

/// Any scalar, as it is written.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Scalar(|text: &str| Ok(Self(text.to_owned())), "a text"))
    }
}

struct TemplateText(String);

impl<'de> Deserialize<'de> for TemplateText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| match Template::parse(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(wrong) => Err(wrong.to_string()),
        };
        deserializer.deserialize_str(Scalar(read, "a text"))
    }
}
