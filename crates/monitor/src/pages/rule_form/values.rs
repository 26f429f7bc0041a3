//! A rule as the fields of the editor hold it.

use crate::rule::{Missing, Rule};

/// A rule as the editor shows it.
pub(super) fn values(rule: &Rule) -> Vec<(&'static str, String)> {
    let length = |ms: i64| if ms > 0 { promql::format_duration(ms) } else { String::new() };
    let word = |value: &dyn erased::Word| value.word();
    let mut all = vec![
        ("name", rule.name.clone()),
        ("makes", rule.makes.as_str().to_owned()),
        ("for", length(rule.for_ms)),
        ("keep_firing_for", length(rule.keep_firing_ms)),
        ("fire_n", rule.fire_n.to_string()),
        ("fire_m", rule.fire_m.to_string()),
        ("missing", if rule.missing == Missing::Clear { "clear" } else { "keep" }.to_owned()),
        ("labels", rule.labels.lines()),
        ("annotations", rule.annotations.lines()),
        ("severity", rule.severity.as_str().to_owned()),
        ("team", rule.team.map(|team| team.to_string()).unwrap_or_default()),
        ("interval", promql::format_duration(rule.interval_ms)),
    ];
    match &rule.form {
        None => {
            all.push(("expr", rule.expr.clone()));
            all.push(("clear", rule.clear.clone().unwrap_or_default()));
        }
        Some(form) => all.extend([
            ("metric", form.metric.clone()),
            ("matchers", form.matchers.clone()),
            ("over", word(&form.over)),
            ("window", form.window.clone()),
            ("together", word(&form.together)),
            ("by", form.by.join(", ")),
            ("compare", word(&form.compare)),
            ("threshold", form.threshold.to_string()),
            ("clear_threshold", form.clear_threshold.map(|value| value.to_string()).unwrap_or_default()),
        ]),
    }
    all
}

mod erased {
    //! The stable word of a choice.

    pub(super) trait Word {
        fn word(&self) -> String;
    }

    impl<T: serde::Serialize> Word for T {
        fn word(&self) -> String {
            let value = serde_json::to_value(self).unwrap_or_default();
            value.as_str().unwrap_or_default().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_fills_the_editor() {
        let all = values(&Rule::sample("HighLoad"));
        assert!(all.contains(&("for", "5m".into())) && all.contains(&("expr", "node_load1 > 4".into())));
    }
}
