//! Rules over series: what alerts in PromQL, and what is computed ahead. As Prometheus has them, and made by forms.

use kernel::search::{Document, ScopeToken};
use kernel::{Cx, Error, Ref, Resolved, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Severity;
use crate::store;

pub(crate) mod about;
pub mod create;
pub mod delete;
pub mod export;
pub(crate) mod fields;
pub mod form;
pub mod import;
pub(crate) mod judge;
mod lanes;
pub mod list;
pub(crate) mod live;
pub(crate) mod load;
pub mod pause;
pub mod preview;
pub(crate) mod put_back;
pub(crate) mod rows;
pub(crate) mod seat;
pub mod show;
pub(crate) mod taken;
pub mod test;
pub(crate) mod turn;
pub mod update;
pub mod words;

pub use live::evaluate;
pub use rows::clean;

use form::Form;
use words::Words;

/// What a rule makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Makes {
    /// Alerts.
    #[default]
    Alert,
    /// A series.
    Record,
}

impl Makes {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Record => "record",
        }
    }

    /// What a stable word means.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Alert, Self::Record].into_iter().find(|one| one.as_str() == word)
    }

    pub(crate) fn kind(self) -> rules::Kind {
        match self {
            Self::Alert => rules::Kind::Alert,
            Self::Record => rules::Kind::Record,
        }
    }
}

/// What it means when the series of an alert give no value any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Nothing is known, and the alert stays as it is.
    #[default]
    Keep,
    /// The alert ends.
    Clear,
}

/// A rule and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Its number.
    pub id: i64,
    /// Its name: of the alert, or of the metric it makes.
    pub name: String,
    /// What it makes.
    pub makes: Makes,
    /// The group it is evaluated in.
    pub group: String,
    /// The group's number.
    pub group_id: i64,
    /// The rule file it came with; null for one of the house.
    pub file: Option<String>,
    /// The expression in PromQL.
    pub expr: String,
    /// The form that the expression was drawn from.
    pub form: Option<Form>,
    /// An expression that ends the alert.
    pub clear: Option<String>,
    /// It must be true for so long before the alert is out, in milliseconds.
    pub for_ms: i64,
    /// The alert stays out for so long after, in milliseconds.
    pub keep_firing_ms: i64,
    /// True at so many ..
    pub fire_n: usize,
    /// .. of so many evaluations.
    pub fire_m: usize,
    /// What missing data means.
    pub missing: Missing,
    /// Labels that it sets.
    pub labels: Words,
    /// Annotations of its alerts.
    pub annotations: Words,
    /// How much its alerts matter, where their labels do not say.
    pub severity: Severity,
    /// The team that is told.
    pub team: Option<i64>,
    /// The asset that alerts are about whose labels name none.
    pub asset: Option<i64>,
    /// It is not evaluated while it is paused.
    pub paused: bool,
    /// Grows with every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
    /// From one evaluation to the next, in milliseconds.
    pub interval_ms: i64,
    /// What its alerts are taken as when causes are searched, and why; null for a recording rule.
    pub taken_as: Option<String>,
    /// How its evaluation went; nothing before the first.
    pub standing: Standing,
}

/// How the evaluation of a rule went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// ok, err or unknown.
    pub health: String,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was evaluated last.
    pub evaluated_at: Option<Time>,
    /// How long that took, in microseconds.
    pub took_us: u64,
    /// Samples that were read.
    pub samples: usize,
    /// Series that were written, or alerts that are pending or out.
    pub series: usize,
    /// Alerts that are pending.
    pub pending: usize,
    /// Alerts that are out.
    pub firing: usize,
    /// Evaluations that were left out since the server started, because earlier ones took too long.
    pub missed: u64,
    /// Why its group is not evaluated on time, with the rule that takes longest; null while it is.
    pub slow: Option<String>,
}

/// A rule as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) id: i64,
    pub(crate) group_id: i64,
    pub(crate) group: String,
    pub(crate) file: Option<String>,
    pub(crate) interval_ms: Option<i64>,
    pub(crate) new: NewRule,
    pub(crate) paused: bool,
    pub(crate) version: i64,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

/// The fields of a rule before it has a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewRule {
    pub(crate) rule: rules::Rule,
    pub(crate) form: Option<Form>,
    pub(crate) severity: Severity,
    pub(crate) team: Option<i64>,
    pub(crate) asset: Option<i64>,
    pub(crate) asset_team: Option<i64>,
    pub(crate) place: Option<i64>,
    pub(crate) owner: Option<i64>,
}

impl Stored {
    /// As a reference.
    pub(crate) fn reference(&self) -> Ref {
        Ref::new("rule", self.id)
    }

    /// As it is answered.
    pub(crate) fn shown(self, standing: Standing) -> Rule {
        let taken_as = taken::said(&self.new.rule);
        let rule = self.new.rule;
        let extras = rules::Extras::of(&rule.annotations).unwrap_or_default();
        let own = rule.annotations.into_iter().filter(|(name, _)| !name.starts_with(rules::PREFIX));
        Rule {
            id: self.id,
            name: rule.name,
            makes: if rule.kind == rules::Kind::Alert { Makes::Alert } else { Makes::Record },
            group: self.group,
            group_id: self.group_id,
            file: self.file,
            expr: rule.expr,
            form: self.new.form,
            clear: extras.clear,
            for_ms: rule.for_ms,
            keep_firing_ms: rule.keep_firing_ms,
            fire_n: extras.fire.0,
            fire_m: extras.fire.1,
            missing: if extras.missing == rules::Missing::Clear { Missing::Clear } else { Missing::Keep },
            labels: Words(rule.labels),
            annotations: Words(own.collect()),
            severity: self.new.severity,
            team: self.new.team,
            asset: self.new.asset,
            paused: self.paused,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            interval_ms: self.interval_ms.unwrap_or(crate::limits::RULE_INTERVAL_MS),
            taken_as,
            standing,
        }
    }
}

/// The severity that labels say; `critical` and `page` are critical, everything else is a warning.
pub(crate) fn severity_of(labels: &[(String, String)]) -> Severity {
    let said = labels.iter().find(|(name, _)| name == "severity").map(|(_, value)| value.as_str());
    severity_word(said.unwrap_or_default())
}

/// The severity of a word.
pub(crate) fn severity_word(word: &str) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "critical" | "page" => Severity::Critical,
        _ => Severity::Warning,
    }
}

/// A rule that the actor's grant for `operation` covers; what they may not see does not exist.
pub(crate) fn find(cx: &mut Cx, operation: &str, id: i64) -> Result<Stored> {
    let reach = cx.reach(operation)?;
    store::rules::find(cx.tx, id, &reach)?.ok_or_else(|| Error::not_found(format!("The rule {id}")))
}

/// A rule as it is answered, with how it stands.
pub(crate) fn shown(cx: &mut Cx, stored: Stored) -> Result<Rule> {
    let standing = cx.kernel.get::<live::Engine>()?.standing(stored.id, cx.now);
    Ok(stored.shown(standing))
}

/// Makes a rule findable by its name and expression.
pub(crate) fn index(cx: &mut Cx, id: i64, new: &NewRule) -> Result<()> {
    let team = new.team.or(new.asset_team).map(ScopeToken::Team);
    let scopes = [new.place.map(ScopeToken::Place), team, new.owner.map(ScopeToken::User)];
    cx.index(&Document {
        subject: Ref::new("rule", id),
        title: new.rule.name.clone(),
        body: new.rule.expr.clone(),
        scopes: scopes.into_iter().flatten().collect(),
        at: cx.now,
    })
}

/// Titles and pages of rules, for references.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let Some(reach) = cx.actor.reach(list::ListRules::OPERATION, cx.now) else { return Ok(Vec::new()) };
    let found = store::rules::visible(cx.tx, ids, &reach)?;
    let resolved = |(id, title): (i64, String)| Resolved { id, title, href: format!("/monitoring/rules/{id}") };
    Ok(found.into_iter().map(resolved).collect())
}
