//! A job made ready for use: rules compiled, credentials opened, TLS set up. What is wrong with it is said instead of
//! scraping without it.

use base64::Engine as _;
use kernel::fetch::{Tls, TlsOptions};
use kernel::{Actor, Cx, Kernel, Result};
use serde::{Deserialize, Serialize};

use super::ScrapeJob;
use super::ask;
use super::relabel::{Rule, compile};
use super::spec::{Scheme, Spec};

/// What of a job is sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Secrets {
    pub(super) bearer_token: Option<String>,
    pub(super) password: Option<String>,
    pub(super) tls_key: Option<String>,
}

impl Secrets {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Those of them that such a job uses.
    pub(super) fn fitting(&self, spec: &Spec) -> Self {
        let own = self.clone();
        Self {
            bearer_token: own.bearer_token.filter(|_| spec.username.is_none()),
            password: own.password.filter(|_| spec.username.is_some()),
            tls_key: own.tls_key.filter(|_| spec.tls.certificate.is_some()),
        }
    }

    /// These, and others where there is none.
    pub(super) fn or(self, others: &Self) -> Self {
        Self {
            bearer_token: self.bearer_token.or_else(|| others.bearer_token.clone()),
            password: self.password.or_else(|| others.password.clone()),
            tls_key: self.tls_key.or_else(|| others.tls_key.clone()),
        }
    }

    /// True when one is here that is not there, not even with another value.
    pub(super) fn has_more_than(&self, other: &Self) -> bool {
        let gone = |mine: &Option<String>, theirs: &Option<String>| mine.is_some() && theirs.is_none();
        gone(&self.bearer_token, &other.bearer_token)
            || gone(&self.password, &other.password)
            || gone(&self.tls_key, &other.tls_key)
    }

    fn name(job: i64) -> String {
        format!("monitor.scrape.{job}")
    }

    /// Opens the secrets of a job.
    pub(super) fn of(cx: &mut Cx, job: i64) -> Result<Self> {
        let Some(bytes) = cx.secret(&Self::name(job))? else { return Ok(Self::default()) };
        serde_json::from_slice(&bytes).map_err(|error| kernel::Error::internal("scrape-secrets", error))
    }

    /// Seals them.
    pub(super) fn put(&self, cx: &mut Cx, job: i64) -> Result<()> {
        if self.is_empty() {
            return cx.drop_secret(&Self::name(job));
        }
        let bytes = serde_json::to_vec(self).map_err(|error| kernel::Error::internal("scrape-secrets", error))?;
        cx.put_secret(&Self::name(job), &bytes)
    }
}

/// A job that can be used.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) job: ScrapeJob,
    pub(super) rules: Vec<Rule>,
    pub(super) metric_rules: Vec<Rule>,
    pub(super) headers: String,
    pub(super) tls: Option<Tls>,
    /// Why its targets are not asked.
    pub(super) wrong: Option<String>,
}

impl Plan {
    /// Makes a job ready with its sealed secrets.
    pub(super) fn load(handle: &Kernel, job: ScrapeJob) -> Self {
        let id = job.id;
        let secrets = handle.read_as(&Actor::service("monitor", &["monitor.*"]), |cx| Secrets::of(cx, id));
        match secrets {
            Ok(secrets) => Self::new(job, &secrets),
            Err(error) => Self { wrong: Some(error.message), ..Self::new(job, &Secrets::default()) },
        }
    }

    /// Refuses what cannot be made ready.
    pub(super) fn checked(job: ScrapeJob, secrets: &Secrets) -> Result<()> {
        tls(&job, secrets).map(|_| ())
    }

    /// Makes a job ready.
    pub(super) fn new(job: ScrapeJob, secrets: &Secrets) -> Self {
        let mut wrong = None;
        let mut rules = |list, field: &str| {
            compile(list).unwrap_or_else(|why| {
                wrong = Some(format!("{field}: {why}"));
                Vec::new()
            })
        };
        let (of_targets, of_metrics) =
            (rules(&job.spec.relabel, "relabel"), rules(&job.spec.metric_relabel, "metric_relabel"));
        let authorization = authorization(&job, secrets);
        let tls = match tls(&job, secrets) {
            Ok(tls) => tls,
            Err(error) => {
                wrong = Some(error.message);
                None
            }
        };
        let headers = ask::headers(authorization.as_deref());
        Self { job, rules: of_targets, metric_rules: of_metrics, headers, tls, wrong }
    }
}

fn authorization(job: &ScrapeJob, secrets: &Secrets) -> Option<String> {
    if let Some(token) = &secrets.bearer_token {
        return Some(format!("Bearer {token}"));
    }
    let user = job.spec.username.as_ref()?;
    let pair = format!("{user}:{}", secrets.password.as_deref().unwrap_or_default());
    Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

/// TLS of a job. A rule may change the scheme, so it is there whenever something may need it.
fn tls(job: &ScrapeJob, secrets: &Secrets) -> Result<Option<Tls>> {
    let says = &job.spec.tls;
    if job.spec.scheme == Scheme::Http && job.spec.relabel.is_empty() {
        return Ok(None);
    }
    let certificate = says.certificate.as_deref().zip(secrets.tls_key.as_deref());
    Tls::new(&TlsOptions {
        authorities: says.ca.as_deref(),
        certificate,
        server_name: says.server_name.as_deref(),
        any_certificate: says.any_certificate,
    })
    .map(Some)
}
