//! Which labels a silence is about, as Alertmanager writes it: `alertname="HighLoad", site=~"oslo|bergen"`.

use kernel::{Error, Result};
use promql::Matcher;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;

/// Most conditions of one silence.
const MATCHERS_MAX: usize = 20;
/// Longest text.
const TEXT_CHARS_MAX: usize = 1_000;
/// Put before the others, to be left out again.
const ALWAYS: &str = "alertname=~\".+\"";

/// Conditions on labels, all of which must pass: `=`, `!=`, `=~` and `!~`. A label that is not there counts as the empty
/// text; a pattern must fit the whole value.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Matchers {
    text: String,
    /// Read once; `None` when the text cannot be read.
    all: Option<Vec<Matcher>>,
}

impl PartialEq for Matchers {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl From<String> for Matchers {
    /// For text that was checked before; what is damaged passes nothing.
    fn from(text: String) -> Self {
        let all = read(&text).ok();
        Self { text, all }
    }
}

impl From<Matchers> for String {
    fn from(matchers: Matchers) -> Self {
        matchers.text
    }
}

impl Matchers {
    /// Reads what somebody wrote, with or without braces; errors are at the field `matchers`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let inside = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text).trim();
        if inside.chars().count() > TEXT_CHARS_MAX {
            return Err(Error::invalid("matchers", format!("At most {TEXT_CHARS_MAX} characters fit here.")));
        }
        let all = read(inside).map_err(|why| {
            let example = "Write it like alertname=\"HighLoad\", site=~\"oslo|bergen\".";
            Error::invalid("matchers", format!("These are no matchers of labels: {why}. {example}"))
        })?;
        Ok(Self { text: inside.to_owned(), all: Some(all) })
    }

    /// As it is stored.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// True when nothing is asked of labels.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// True when even an alert with none of the labels passes.
    pub(super) fn fits_anything(&self) -> bool {
        self.all.iter().flatten().all(|one| one.accepts(""))
    }

    /// True when labels pass all of them. What has no labels is no alert, and passes only where nothing is asked.
    pub(crate) fn fits(&self, labels: &Labels) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let pass = |all: &Vec<Matcher>| all.iter().all(|one| one.accepts(labels.get(one.name()).unwrap_or_default()));
        !labels.0.is_empty() && self.all.as_ref().is_some_and(pass)
    }
}

/// An error without its place, which is one in the text that is read.
fn why(error: &str) -> String {
    error.split_once("parse error: ").map_or(error, |(_, why)| why).to_owned()
}

fn read(text: &str) -> std::result::Result<Vec<Matcher>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    // A query must ask for something, so that it does not read everything; a silence may only leave something out.
    let selector = promql::parse_selector(&format!("{{{ALWAYS},{text}}}")).map_err(|error| why(&error.to_string()))?;
    let all: Vec<Matcher> = selector.matchers.into_iter().skip(1).collect();
    if all.len() > MATCHERS_MAX {
        return Err(format!("there are more than {MATCHERS_MAX}"));
    }
    if all.iter().any(|one| one.name() == tsdb::NAME_LABEL) {
        return Err("an alert has no __name__, its name is the label alertname".to_owned());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_matcher_is_refused_with_an_example() {
        let many = (0..=MATCHERS_MAX).map(|n| format!("l{n}=\"x\"")).collect::<Vec<_>>().join(",");
        for text in ["site", "site=oslo", "up{site=\"oslo\"}", "site=~\"(\"", "site=\"a\"} or {x=\"b\"", many.as_str()]
        {
            let error = Matchers::parse(text).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("matchers"), "{text}");
            assert!(error.message.contains("alertname=\"HighLoad\""), "{error}");
        }
        assert!(Matchers::parse("__name__=\"up\"").unwrap_err().message.contains("alertname"));
        assert!(Matchers::parse(&"x".repeat(TEXT_CHARS_MAX + 1)).is_err());
        assert_eq!(Matchers::parse(" {site=\"oslo\"} ").unwrap().as_str(), "site=\"oslo\"");
    }

    #[test]
    fn damaged_text_passes_nothing_and_no_text_everything() {
        let labels = Labels([("site".to_owned(), "oslo".to_owned())].into());
        assert!(!Matchers::from("site=".to_owned()).fits(&labels));
        assert!(Matchers::default().fits(&labels) && Matchers::default().fits(&Labels::default()));
        assert!(Matchers::parse("severity!=\"critical\"").unwrap().fits_anything());
        assert!(!Matchers::parse("site!=\"\"").unwrap().fits_anything());
    }
}
