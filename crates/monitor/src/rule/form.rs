//! A rule without PromQL: a metric, how it is taken together, and when that is too much.

use kernel::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is made of a series' samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The newest value.
    #[default]
    Now,
    /// Growth per second, of counters.
    Rate,
    /// Growth over the window, of counters.
    Increase,
    /// The mean over the window.
    Avg,
    /// The smallest value in the window.
    Min,
    /// The largest value in the window.
    Max,
}

/// How series are taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Together {
    /// Each by itself.
    #[default]
    Each,
    /// Their sum.
    Sum,
    /// Their mean.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// How many there are.
    Count,
}

/// When a value is too much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// Larger.
    #[default]
    Above,
    /// At least.
    AtLeast,
    /// Smaller.
    Below,
    /// At most.
    AtMost,
    /// Exactly.
    Equal,
    /// Anything else.
    NotEqual,
}

impl Compare {
    fn sign(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }
}

/// A condition as a form asks for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Form {
    /// Name of the metric.
    pub metric: String,
    /// Conditions on labels, as PromQL writes them: job="node", site!="lab".
    #[serde(default)]
    pub matchers: String,
    /// What is made of a series' samples.
    #[serde(default)]
    pub over: Over,
    /// The window of rate, increase, avg, min and max, for example 5m.
    #[serde(default)]
    pub window: String,
    /// How series are taken together.
    #[serde(default)]
    pub together: Together,
    /// By which labels.
    #[serde(default)]
    pub by: Vec<String>,
    /// When a value is too much.
    #[serde(default)]
    pub compare: Compare,
    /// The value that fires.
    pub threshold: f64,
    /// The value that ends the alert; the same if left out.
    #[serde(default)]
    pub clear_threshold: Option<f64>,
}

impl Form {
    /// What is compared.
    fn left(&self) -> String {
        let matchers = self.matchers.trim().trim_start_matches('{').trim_end_matches('}');
        let selector = match matchers.is_empty() {
            true => self.metric.clone(),
            false => format!("{}{{{matchers}}}", self.metric),
        };
        let window = if self.window.trim().is_empty() { "5m" } else { self.window.trim() };
        let series = match self.over {
            Over::Now => selector,
            Over::Rate => format!("rate({selector}[{window}])"),
            Over::Increase => format!("increase({selector}[{window}])"),
            Over::Avg => format!("avg_over_time({selector}[{window}])"),
            Over::Min => format!("min_over_time({selector}[{window}])"),
            Over::Max => format!("max_over_time({selector}[{window}])"),
        };
        let together = match self.together {
            Together::Each => return series,
            Together::Sum => "sum",
            Together::Avg => "avg",
            Together::Min => "min",
            Together::Max => "max",
            Together::Count => "count",
        };
        match self.by.is_empty() {
            true => format!("{together}({series})"),
            false => format!("{together} by ({}) ({series})", self.by.join(", ")),
        }
    }

    /// The expression that fires.
    pub fn expr(&self) -> String {
        format!("{} {} {}", self.left(), self.compare.sign(), promql::format_float(self.threshold))
    }

    /// The expression that ends the alert, when that is another value than the one that fires.
    pub fn clear(&self) -> Option<String> {
        let clear = self.clear_threshold.filter(|clear| *clear != self.threshold)?;
        let sign = match self.compare {
            Compare::Above | Compare::AtLeast => "<",
            Compare::Below | Compare::AtMost => ">",
            Compare::Equal | Compare::NotEqual => return None,
        };
        Some(format!("{} {sign} {}", self.left(), promql::format_float(clear)))
    }

    /// Refuses what makes no expression, naming the field.
    pub(crate) fn check(&self) -> Result<()> {
        let plain = |text: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
            !text.is_empty() && text.chars().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit())
        };
        if !plain(&self.metric) {
            return Err(Error::invalid("metric", "Give the name of one metric, for example node_load1."));
        }
        if !self.window.trim().is_empty() && promql::parse_duration(self.window.trim()).is_none_or(|ms| ms <= 0) {
            return Err(Error::invalid("window", "Use a length of time such as 5m or 1h."));
        }
        if let Some(label) = self.by.iter().find(|label| !plain(label)) {
            return Err(Error::invalid("by", format!("\"{label}\" is no name of a label.")));
        }
        if !self.threshold.is_finite() || self.clear_threshold.is_some_and(|clear| !clear.is_finite()) {
            return Err(Error::invalid("threshold", "Use a number."));
        }
        let wrong_side = match (self.compare, self.clear_threshold) {
            (Compare::Above | Compare::AtLeast, Some(clear)) => clear > self.threshold,
            (Compare::Below | Compare::AtMost, Some(clear)) => clear < self.threshold,
            (Compare::Equal | Compare::NotEqual, Some(clear)) => clear != self.threshold,
            _ => false,
        };
        if wrong_side {
            return Err(Error::invalid(
                "clear_threshold",
                "The value that ends the alert must be on the good side of the one that fires.",
            ));
        }
        let wrong =
            |error: promql::ParseError| Error::invalid("matchers", format!("These conditions cannot be read: {error}"));
        rules::parse_expression(&self.expr()).map_err(wrong)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_pair_of_expressions() {
        let form = Form {
            metric: "node_cpu_seconds_total".into(),
            matchers: "mode!=\"idle\"".into(),
            over: Over::Rate,
            together: Together::Sum,
            by: vec!["asset".into()],
            threshold: 0.9,
            clear_threshold: Some(0.7),
            ..Form::default()
        };
        form.check().unwrap();
        assert_eq!(form.expr(), "sum by (asset) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m])) > 0.9");
        assert_eq!(form.clear().unwrap(), "sum by (asset) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m])) < 0.7");
        let below = Form { metric: "up".into(), compare: Compare::Below, threshold: 1.0, ..Form::default() };
        assert_eq!((below.expr().as_str(), below.clear()), ("up < 1", None));
    }

    #[test]
    fn what_makes_no_expression_is_named() {
        let good = Form { metric: "up".into(), threshold: 1.0, ..Form::default() };
        let check = |form: Form, field: &str| assert_eq!(form.check().unwrap_err().field.as_deref(), Some(field));
        check(Form { metric: "rate(up[5m])".into(), ..good.clone() }, "metric");
        check(Form { matchers: "a=b".into(), ..good.clone() }, "matchers");
        check(Form { window: "5 minutes".into(), ..good.clone() }, "window");
        check(Form { by: vec!["a-b".into()], ..good.clone() }, "by");
        check(Form { threshold: f64::NAN, ..good.clone() }, "threshold");
        check(Form { clear_threshold: Some(2.0), ..good.clone() }, "clear_threshold");
        check(Form { clear_threshold: Some(0.5), compare: Compare::Equal, ..good }, "clear_threshold");
    }
}
