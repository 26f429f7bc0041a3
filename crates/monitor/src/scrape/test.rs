//! Try a scrape job without keeping anything.

use std::time::Instant;

use kernel::{Access, Cx, Effect, Error, Operation, PrepareCx, Result, Route, post};
use metrics_proto::text::{Entry, Limits, Parser};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::relabel::{Labels, apply};
use super::target::Target;
use super::{ask, discover, naming};
use crate::live::Monitor;
use crate::store;

/// Most seconds that a try takes.
const TIMEOUT_MS_MAX: i64 = 8_000;
/// Lines that are shown.
const LINES_MAX: usize = 20;

/// Ask one target of a scrape job now, and show what it answers. Nothing is stored.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct TestScrape {
    /// The job.
    pub id: i64,
    /// The address of one of its targets, such as db-01:9100; the first that is found if left out.
    #[serde(default)]
    pub target: Option<String>,
    #[serde(skip)]
    tried: Option<ScrapeTried>,
}

/// What a try showed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ScrapeTried {
    /// Targets that the job has.
    pub targets: usize,
    /// Targets that a rule dropped.
    pub dropped: usize,
    /// What is wrong with its sources.
    pub problem: Option<String>,
    /// The address that was asked.
    pub url: Option<String>,
    /// Why there is no answer that could be stored.
    pub error: Option<String>,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
    /// Samples in the answer.
    pub samples: usize,
    /// Samples that the rules leave and that would be stored.
    pub kept: usize,
    /// Samples that the store would refuse one by one, for example for a label that is too long.
    pub refused: usize,
    /// Why the first of them would be.
    pub because: Option<String>,
    /// The first series as they would be stored, at most 20.
    pub series: Vec<String>,
}

impl Operation for TestScrape {
    const NAME: &'static str = "monitor.scrape.test";
    const ROUTE: Route = post("/monitor/scrapes/{id}/test");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ScrapeTried;

    /// Asks here, since nothing may be asked of others in a transaction.
    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        cx.actor.reach(Self::NAME, cx.now).filter(|reach| reach.everything).ok_or_else(|| Error::denied(Self::NAME))?;
        let id = self.id;
        let job = cx.kernel.db.read(|tx| store::scrapes::find(tx, id))?;
        let job = job.ok_or_else(|| Error::not_found(format!("The scrape job {id}")))?;
        let plan = Plan::load(cx.kernel, job);
        let look = discover::look(cx.kernel, &plan);
        let mut tried = ScrapeTried {
            targets: look.targets.len(),
            dropped: look.dropped,
            problem: look.wrong.clone(),
            ..ScrapeTried::default()
        };
        let wanted = self.target.as_deref().filter(|text| !text.is_empty());
        let fits = |target: &&Target| {
            wanted.is_none_or(|text| {
                target.instance() == text || target.url() == text || target.url().contains(&format!("//{text}/"))
            })
        };
        let chosen = look.targets.values().find(fits);
        if let (None, Some(text)) = (chosen, wanted) {
            let shown = kernel::text::shorten(text, 80);
            return Err(Error::invalid("target", format!("{shown} is no target of this job. Only those are asked.")));
        }
        if let Some(target) = chosen {
            ask_one(&cx.kernel.get::<Monitor>()?.series, &plan, target, &mut tried);
        }
        self.tried = Some(tried);
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<ScrapeTried> {
        cx.reach_everything(Self::NAME)?;
        self.tried.clone().ok_or_else(|| Error::internal("scrape-not-tried", self.id))
    }
}

fn ask_one(store: &tsdb::Store, plan: &Plan, target: &Target, tried: &mut ScrapeTried) {
    let mut target = target.clone();
    target.timeout_ms = target.timeout_ms.min(TIMEOUT_MS_MAX);
    tried.url = Some(target.url());
    if plan.wrong.is_some() {
        tried.error.clone_from(&plan.wrong);
        return;
    }
    let started = Instant::now();
    let mut line = ask::line(&target, plan.tls.as_ref().filter(|_| target.tls));
    let mut hands = ask::Hands::default();
    let body_bytes_max = usize::try_from(plan.job.spec.body_bytes_max).unwrap_or(0);
    let answer = ask::ask(&mut line, &target, &plan.headers, body_bytes_max, &mut hands);
    tried.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let label_limit = usize::try_from(plan.job.spec.label_limit).unwrap_or(0);
    let sample_limit = usize::try_from(plan.job.spec.sample_limit).unwrap_or(0);
    let source = super::scraper::source(&target);
    let outcome = answer.map_err(|failure| failure.words).and_then(|(body, format)| {
        let limits = Limits { body_bytes_max, ..Limits::default() };
        for entry in Parser::new(body, format, limits).map_err(|error| error.to_string())? {
            if let Entry::Sample(sample) | Entry::Created(sample) = entry.map_err(|error| error.to_string())? {
                tried.samples += 1;
                let mut read = Vec::new();
                sample
                    .series
                    .labels_into(&naming::reading(label_limit), &mut read)
                    .map_err(|error| error.to_string())?;
                let mut labels = naming::join(&read, &target.labels, plan.job.spec.honor_labels);
                let kept = apply(&plan.metric_rules, &mut labels);
                // A series without a name is dropped, as by a rule.
                let Some(metric) = labels.get(tsdb::NAME_LABEL).filter(|_| kept) else { continue };
                if let Some(why) = naming::refusal(store, &source, target.asset, (metric, &labels)) {
                    tried.refused += 1;
                    tried.because.get_or_insert(why);
                    continue;
                }
                tried.kept += 1;
                if tried.kept > sample_limit {
                    return Err(naming::too_many(sample_limit));
                }
                if tried.series.len() < LINES_MAX {
                    tried.series.push(shown(&labels, sample.value));
                }
            }
        }
        Ok(())
    });
    tried.error = outcome.err().map(|words| kernel::text::shorten(&words, 400));
}

/// A series as Prometheus writes it.
fn shown(labels: &Labels, value: f64) -> String {
    let metric = labels.get(tsdb::NAME_LABEL).map_or("", String::as_str);
    let others = labels.iter().filter(|(name, _)| *name != tsdb::NAME_LABEL);
    let others: Vec<String> = others.map(|(name, value)| format!("{name}={value:?}")).collect();
    kernel::text::shorten(&format!("{metric}{{{}}} {value}", others.join(", ")), 1_000)
}
