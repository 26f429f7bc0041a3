//! The fields of a rule as they arrive, checked and put together.

use kernel::{Change, Cx, Error, Result};

use super::form::{Compare, Form, Over, Together};
use super::words::Words;
use super::{Makes, Missing, NewRule, severity_of};
use crate::check::{Severity, known_team};
use crate::ground;

/// What is the same in creating and in changing a rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) makes: Option<Makes>,
    pub(crate) expr: Option<&'a str>,
    pub(crate) metric: Option<&'a str>,
    pub(crate) matchers: Option<&'a str>,
    pub(crate) over: Option<Over>,
    pub(crate) window: Option<&'a str>,
    pub(crate) together: Option<Together>,
    pub(crate) by: Option<&'a [String]>,
    pub(crate) compare: Option<Compare>,
    pub(crate) threshold: Option<f64>,
    pub(crate) clear_threshold: Change<f64>,
    pub(crate) clear: Change<String>,
    pub(crate) wait: Option<&'a str>,
    pub(crate) keep_firing_for: Option<&'a str>,
    pub(crate) fire_n: Option<usize>,
    pub(crate) fire_m: Option<usize>,
    pub(crate) missing: Option<Missing>,
    pub(crate) labels: Option<&'a Words>,
    pub(crate) annotations: Option<&'a Words>,
    pub(crate) severity: Option<Severity>,
    pub(crate) team: Change<i64>,
    pub(crate) asset: Change<i64>,
}

impl Given<'_> {
    /// The rule after the change; `old` is what it was before.
    pub(crate) fn apply(&self, old: Option<&NewRule>) -> Result<NewRule> {
        let mut new = old.cloned().unwrap_or_else(|| NewRule {
            rule: rules::Rule::default(),
            form: None,
            severity: Severity::Warning,
            team: None,
            asset: None,
            asset_team: None,
            place: None,
            owner: None,
        });
        let mut extras = rules::Extras::of(&new.rule.annotations).unwrap_or_default();
        if let Some(makes) = self.makes {
            new.rule.kind = makes.kind();
        }
        if let Some(name) = self.name {
            new.rule.name = kernel::text::line("name", name, 200)?;
        }
        self.expression(&mut new, &mut extras)?;
        if let Some(text) = self.wait {
            new.rule.for_ms = length("for", text)?;
        }
        if let Some(text) = self.keep_firing_for {
            new.rule.keep_firing_ms = length("keep_firing_for", text)?;
        }
        let m = self.fire_m.unwrap_or(extras.fire.1.max(self.fire_n.unwrap_or(0)));
        extras.fire = (self.fire_n.unwrap_or(extras.fire.0.min(m)), m);
        if let Some(missing) = self.missing {
            extras.missing = if missing == Missing::Clear { rules::Missing::Clear } else { rules::Missing::Keep };
        }
        self.words(&mut new, &extras);
        new.team = self.team.apply(new.team);
        new.asset = self.asset.apply(new.asset);
        check(&new, &extras)?;
        Ok(new)
    }

    /// An expression, or a form that makes one.
    fn expression(&self, new: &mut NewRule, extras: &mut rules::Extras) -> Result<()> {
        let text = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let expr = text(self.expr);
        let by_form = text(self.metric).is_some() || (new.form.is_some() && self.says_form() && expr.is_none());
        match (expr, by_form) {
            (Some(_), true) => return Err(Error::invalid("expr", "Give an expression or a metric, not both.")),
            (Some(expr), false) => (new.rule.expr, new.form) = (expr, None),
            (None, true) => {
                let form = self.form(new.form.take().unwrap_or_default())?;
                form.check()?;
                (new.rule.expr, extras.clear) = (form.expr(), form.clear());
                new.form = Some(form);
            }
            (None, false) if new.rule.expr.is_empty() => {
                return Err(Error::invalid("expr", "Give an expression in PromQL, or a metric with a threshold."));
            }
            (None, false) => {}
        }
        match &self.clear {
            Change::Keep => {}
            Change::Clear => extras.clear = None,
            Change::Set(clear) => extras.clear = text(Some(clear)),
        }
        Ok(())
    }

    fn says_form(&self) -> bool {
        self.matchers.is_some()
            || self.over.is_some()
            || self.window.is_some()
            || self.together.is_some()
            || self.by.is_some()
            || self.compare.is_some()
            || self.threshold.is_some()
            || !self.clear_threshold.is_keep()
    }

    fn form(&self, old: Form) -> Result<Form> {
        let fresh = old.metric.is_empty();
        let threshold = self.threshold.or((!fresh).then_some(old.threshold));
        let text = |text: Option<&str>, old: String| text.map_or(old, |text| text.trim().to_owned());
        Ok(Form {
            metric: text(self.metric, old.metric),
            matchers: text(self.matchers, old.matchers),
            over: self.over.unwrap_or(old.over),
            window: text(self.window, old.window),
            together: self.together.unwrap_or(old.together),
            by: self.by.map_or(old.by, <[String]>::to_vec),
            compare: self.compare.unwrap_or(old.compare),
            threshold: threshold.ok_or_else(|| Error::invalid("threshold", "Give the value that fires."))?,
            clear_threshold: self.clear_threshold.apply(old.clear_threshold),
        })
    }

    /// Labels and annotations; what is beyond Prometheus stands among the annotations.
    fn words(&self, new: &mut NewRule, extras: &rules::Extras) {
        let ours = |name: &str| name.starts_with(rules::PREFIX);
        let mut annotations = match self.annotations {
            Some(words) => words.0.clone(),
            None => new.rule.annotations.clone(),
        };
        annotations.retain(|(name, _)| !ours(name));
        if new.rule.kind == rules::Kind::Alert {
            annotations.extend(extras.annotations());
        }
        new.rule.annotations = annotations;
        if let Some(words) = self.labels {
            new.rule.labels = words.0.clone();
        }
        if let Some(severity) = self.severity {
            new.rule.labels.retain(|(name, _)| name != "severity");
            new.rule.labels.push(("severity".to_owned(), severity.as_str().to_owned()));
        }
        new.severity = severity_of(&new.rule.labels);
    }
}

fn length(field: &str, text: &str) -> Result<i64> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(0);
    }
    let ms = promql::parse_duration(text).filter(|ms| *ms <= crate::limits::FOR_MS_MAX);
    ms.ok_or_else(|| Error::invalid(field, "Use a length of time such as 30s, 5m or 1h30m, of at most 30 days."))
}

fn check(new: &NewRule, extras: &rules::Extras) -> Result<()> {
    if let Err(error) = rules::parse_expression(&new.rule.expr) {
        return Err(Error::invalid("expr", error.to_string()));
    }
    if let Some(Err(error)) = extras.clear.as_deref().map(rules::parse_expression) {
        return Err(Error::invalid("clear", error.to_string()));
    }
    let (n, m) = extras.fire;
    if !(1..=100).contains(&m) {
        return Err(Error::invalid("fire_m", "Use a number from 1 to 100."));
    }
    if !(1..=m).contains(&n) {
        return Err(Error::invalid("fire_n", format!("Use a number from 1 to {m}.")));
    }
    if extras.clear.is_some() && new.rule.kind == rules::Kind::Record {
        return Err(Error::invalid("clear", "Only a rule that alerts has one."));
    }
    if new.rule.name.is_empty() {
        return Err(Error::invalid("name", "This is required."));
    }
    new.rule.check().map_err(|why| {
        let field = ["annotation", "label", "recording rule name", "'for'", "'keep_firing_for'"];
        let names = ["annotations", "labels", "name", "for", "keep_firing_for"];
        let found = field.iter().zip(names).find(|(part, _)| why.contains(**part)).map_or("expr", |(_, name)| name);
        Error::invalid(found, format!("{why}."))
    })
}

impl NewRule {
    /// Takes over from the asset what decides who sees the rule, and refuses a team that is not there.
    pub(crate) fn settle(&mut self, cx: &mut Cx, operation: &str, old: Option<&Self>) -> Result<()> {
        if old.is_none_or(|old| old.asset != self.asset) {
            let about = self.asset.map(|asset| ground::visible_asset(cx, operation, asset, "asset")).transpose()?;
            self.asset_team = about.as_ref().and_then(|brief| brief.team);
            self.place = about.as_ref().and_then(|brief| brief.place);
            self.owner = about.and_then(|brief| brief.owner);
        }
        if old.is_none_or(|old| old.team != self.team) {
            known_team(cx, self.team)?;
        }
        Ok(())
    }
}

/// The input of an operation with the fields of a rule.
macro_rules! rule_input {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
        #[serde(default)]
        pub struct $name {
            $($(#[$of])* pub $field: $kind,)*
            /// Its name: of the alert, or of the metric it makes.
            pub name: Option<String>,
            /// What it makes: alert or record; alert if left out.
            pub makes: Option<crate::rule::Makes>,
            /// The expression in PromQL, for example up == 0. Or give a metric with a threshold.
            pub expr: Option<String>,
            /// Name of a metric, for example node_load1.
            pub metric: Option<String>,
            /// Conditions on its labels: job="node", site!="lab".
            pub matchers: Option<String>,
            /// What is made of its samples: now, rate, increase, avg, min or max; now if left out.
            pub over: Option<crate::rule::form::Over>,
            /// The window of rate, increase, avg, min and max; 5m if left out.
            pub window: Option<String>,
            /// How series are taken together: each, sum, avg, min, max or count; each by itself if left out.
            pub together: Option<crate::rule::form::Together>,
            /// By which labels they are taken together.
            pub by: Option<Vec<String>>,
            /// When a value is too much: above, at_least, below, at_most, equal or not_equal the threshold; above if left out.
            pub compare: Option<crate::rule::form::Compare>,
            /// The value that fires.
            pub threshold: Option<f64>,
            /// The value that ends the alert; the same if left out.
            pub clear_threshold: kernel::Change<f64>,
            /// An expression that ends the alert, beside the one that fires.
            pub clear: kernel::Change<String>,
            /// It must be true for so long before the alert is out, for example 5m; at once if left out.
            pub r#for: Option<String>,
            /// The alert stays out for so long after it is not true any more.
            pub keep_firing_for: Option<String>,
            /// True at so many of the last `fire_m` evaluations; 1 if left out.
            pub fire_n: Option<usize>,
            /// How many of the last evaluations count; 1 if left out.
            pub fire_m: Option<usize>,
            /// When its series give no value any more: keep the alert as it is, or clear it; keep if left out.
            pub missing: Option<crate::rule::Missing>,
            /// Labels that it sets, as name=value, as lines name: value, or as an object in JSON. Those of alerts may be templates.
            pub labels: Option<crate::rule::words::Words>,
            /// Annotations of its alerts, such as summary and description: an object, or lines name: text. They may be templates.
            pub annotations: Option<crate::rule::words::Words>,
            /// How much its alerts matter: critical or warning. It is the label severity; warning if nothing says it.
            pub severity: Option<crate::check::Severity>,
            /// The team that is told; that of the asset if left out.
            pub team: kernel::Change<i64>,
            /// The asset that alerts are about whose labels name none.
            pub asset: kernel::Change<i64>,
        }

        impl $name {
            /// The fields of the rule.
            fn given(&self) -> crate::rule::fields::Given<'_> {
                crate::rule::fields::Given {
                    name: self.name.as_deref(),
                    makes: self.makes,
                    expr: self.expr.as_deref(),
                    metric: self.metric.as_deref(),
                    matchers: self.matchers.as_deref(),
                    over: self.over,
                    window: self.window.as_deref(),
                    together: self.together,
                    by: self.by.as_deref(),
                    compare: self.compare,
                    threshold: self.threshold,
                    clear_threshold: self.clear_threshold.clone(),
                    clear: self.clear.clone(),
                    wait: self.r#for.as_deref(),
                    keep_firing_for: self.keep_firing_for.as_deref(),
                    fire_n: self.fire_n,
                    fire_m: self.fire_m,
                    missing: self.missing,
                    labels: self.labels.as_ref(),
                    annotations: self.annotations.as_ref(),
                    severity: self.severity,
                    team: self.team.clone(),
                    asset: self.asset.clone(),
                }
            }
        }
    };
}

pub(crate) use rule_input;
