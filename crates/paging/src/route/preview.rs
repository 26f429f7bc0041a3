//! Who would be told when: the function that routes, asked beforehand.

use std::collections::BTreeMap;

use kernel::time::SECOND;
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Facts, load};
use crate::channel::contact::When;
use crate::page::run;
use crate::policy;

/// Preview who would be told of an alert group, when, and why. Nothing is sent.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewRoute {
    /// Labels, as an object of texts.
    pub labels: BTreeMap<String, String>,
    /// `critical` or `warning`; `critical` when left out.
    pub severity: String,
    /// The team it belongs to, by number.
    pub team: Option<i64>,
    /// Where it is, by number.
    pub place: Option<i64>,
    /// What kind of asset it is about.
    pub kind: String,
    /// When; now if left out.
    pub at: Option<Time>,
}

/// A step of a preview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// When.
    pub at: Time,
    /// The step, from 1.
    pub step: i64,
    /// Who would be told, in words: `Ada by mail`.
    pub who: Vec<String>,
    /// The people meant, by number.
    pub people: Vec<i64>,
    /// How it comes about, in plain words.
    pub why: Vec<String>,
}

/// A policy of a preview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// The policy's number; 0 is the default policy.
    pub policy: i64,
    /// Its name.
    pub name: String,
    /// The routes that lead to it.
    pub route: String,
    /// A mute time holds it back, without an end within eight days.
    pub muted: bool,
    /// The steps of the first round, while nobody acknowledges.
    pub steps: Vec<Told>,
}

/// A preview.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// The routes that were looked at, and where they lead.
    #[serde(flatten)]
    pub decision: Decision,
    /// Who would be told, by each policy.
    pub policies: Vec<Planned>,
}

impl Operation for PreviewRoute {
    const NAME: &'static str = "paging.route.preview";
    const ROUTE: Route = post("/paging/routes/preview");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Preview;

    fn run(&self, cx: &mut Cx) -> Result<Preview> {
        cx.reach(Self::NAME)?;
        if self.labels.len() > 50 {
            return Err(Error::over_limit("Give at most 50 labels.").at("labels"));
        }
        let severity = if self.severity.is_empty() { "critical" } else { self.severity.as_str() };
        if !["critical", "warning"].contains(&severity) {
            return Err(Error::invalid("severity", "Write critical or warning."));
        }
        let at = self.at.unwrap_or(cx.now);
        let mut labels = self.labels.clone();
        labels.entry("severity".into()).or_insert_with(|| severity.to_owned());
        let facts = Facts {
            labels,
            severity: severity.to_owned(),
            team: self.team,
            place: self.place,
            kind: self.kind.clone(),
            asset: None,
        };
        let decision = load(cx)?.decide(&facts, at);
        let mut policies = Vec::new();
        for chosen in &decision.chosen {
            let policy = policy::load(cx, chosen.policy)?;
            let begins = if chosen.muted { chosen.muted_until } else { Some(at) };
            let mut steps = Vec::new();
            let mut due = begins;
            for (number, step) in (1_i64..).zip(&policy.steps) {
                let Some(from) = due else { break };
                // A step that reached nobody does not make the next one wait.
                let waits = steps.last().is_none_or(|last: &Told| !last.who.is_empty());
                let when = if waits { from.plus(step.after_s * SECOND) } else { from };
                let found = run::resolve(cx, step, facts.team, When { severity, at: when })?;
                let who = found.recipients.iter().map(|one| one.label.clone()).collect();
                steps.push(Told { at: when, step: number, who, people: found.people, why: found.lines });
                due = Some(when);
            }
            policies.push(Planned {
                policy: chosen.policy,
                name: policy.name,
                route: chosen.route.clone(),
                muted: chosen.muted && chosen.muted_until.is_none(),
                steps,
            });
        }
        Ok(Preview { decision, policies })
    }
}
