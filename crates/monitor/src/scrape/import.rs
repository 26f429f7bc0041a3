//! Import scrape jobs from the configuration of a Prometheus. What cannot be taken over is listed, and a job that would
//! mean something else without it comes paused.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::{self, Job};
use super::plan::Secrets;
use super::{create, fields, find};
use crate::store;

/// Most notes in the answer.
const NOTES_MAX: usize = 500;

/// Import the scrape jobs of a prometheus.yml.
///
/// What cannot be taken over is listed; a job that would mean something else without it comes paused. Importing a changed
/// file again replaces the jobs that came by an import, with what was changed in them by hand; jobs that the file says
/// nothing new of stay as they are, and so do those that were made by hand.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ImportScrapes {
    /// The text of prometheus.yml, or of its scrape_configs.
    pub text: String,
    /// Make every job paused, to look at first.
    pub paused: bool,
    /// Replace also jobs of these names that were made by hand.
    pub replace: bool,
}

/// A job that was made or changed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImportedScrape {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// It is paused because something of it could not be taken over, because that was asked for, or because it was before.
    pub paused: bool,
    /// It was there and is another one now.
    pub changed: bool,
}

/// What became of a configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// The jobs that were made or changed.
    pub jobs: Vec<ImportedScrape>,
    /// Jobs that are new.
    pub added: usize,
    /// Jobs that were there and that the file replaced.
    pub changed: usize,
    /// Jobs that were there and of which the file says nothing new.
    pub kept: usize,
    /// What was not taken over, and what to do about it.
    pub notes: Vec<String>,
}

impl Operation for ImportScrapes {
    const NAME: &'static str = "monitor.scrape.import";
    const ROUTE: Route = post("/monitor/scrapes/import");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const FIELD_BYTES_MAX: usize = 1 << 20;
    /// A configuration may hold credentials.
    const SECRETS: &'static [&'static str] = &["text"];
    type Output = Imported;

    fn run(&self, cx: &mut Cx) -> Result<Imported> {
        cx.reach_everything(Self::NAME)?;
        let wanted = config::read(&self.text).map_err(|why| Error::invalid("text", why))?;
        let mut imported = Imported { notes: wanted.notes, ..Imported::default() };
        for job in wanted.jobs {
            imported.notes.extend(job.notes.iter().map(|note| format!("{}: {note}", job.name)));
            match job.spec.check().and_then(|()| self.put(cx, &job, &mut imported)) {
                Ok(()) => {}
                // What is wrong in one job is its note; a fault of the house ends the import.
                Err(error) if error.kind == kernel::ErrorKind::Invalid => {
                    let field = error.field.unwrap_or_default();
                    imported.notes.push(format!("{}: not taken over; {field}: {}", job.name, error.message));
                }
                Err(error) => return Err(error),
            }
        }
        imported.notes.truncate(NOTES_MAX);
        Ok(imported)
    }
}

/// What an import says of a job: compared with what the last one said, never with what was changed by hand since.
#[derive(PartialEq)]
struct Said {
    /// Digest of everything but the secrets.
    spec: String,
    /// Digest of what could not be taken over.
    lacks: String,
    /// Digest of the secrets in the file; sealed, since a short one can be guessed from it. None when there are none.
    secrets: Option<Vec<u8>>,
}

impl Said {
    fn of(job: &Job) -> Result<Self> {
        let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|error| Error::internal("spec-not-json", error));
        let secrets = json(serde_json::to_vec(&job.secrets))?;
        Ok(Self {
            spec: kernel::text::sha256_hex(&json(serde_json::to_vec(&job.spec))?),
            lacks: kernel::text::sha256_hex(job.lacks.join("\n").as_bytes()),
            secrets: (!job.secrets.is_empty()).then(|| kernel::text::sha256_hex(&secrets).into_bytes()),
        })
    }

    /// What the last import said; none for a job that was made by hand.
    fn last(cx: &mut Cx, id: i64) -> Result<Option<Self>> {
        let text = store::scrapes::imported(cx.tx, id)?;
        if text.is_empty() {
            return Ok(None);
        }
        // Versions before this one kept one digest: whatever the file says now is something else.
        let (spec, lacks) = text.split_once(' ').unwrap_or((&text, ""));
        Ok(Some(Self { spec: spec.to_owned(), lacks: lacks.to_owned(), secrets: cx.secret(&sealed(id))? }))
    }

    fn keep(&self, cx: &mut Cx, id: i64) -> Result<()> {
        store::scrapes::set_imported(cx.tx, id, &format!("{} {}", self.spec, self.lacks))?;
        match &self.secrets {
            Some(digest) => cx.put_secret(&sealed(id), digest),
            None => cx.drop_secret(&sealed(id)),
        }
    }
}

fn sealed(id: i64) -> String {
    format!("monitor.scrape.{id}.imported")
}

/// Forgets what an import said of a job that is gone.
pub(super) fn forget(cx: &mut Cx, id: i64) -> Result<()> {
    cx.drop_secret(&sealed(id))
}

impl ImportScrapes {
    /// Makes a job, or puts it in the place of the one that came by an import.
    fn put(&self, cx: &mut Cx, job: &Job, imported: &mut Imported) -> Result<()> {
        let said = Said::of(job)?;
        let Some(id) = store::scrapes::named(cx.tx, &job.name)? else {
            let paused = self.paused || !job.lacks.is_empty();
            let made = create::create(cx, &job.name, &job.spec, &job.secrets, paused)?;
            said.keep(cx, made.id)?;
            imported.added += 1;
            imported.jobs.push(ImportedScrape { id: made.id, name: made.name, paused, changed: false });
            return Ok(());
        };
        let last = Said::last(cx, id)?;
        if last.is_none() && !self.replace {
            let why =
                "a job of this name was made by hand; it was left as it is. Import with replace to put this one there.";
            imported.notes.push(format!("{}: {why}", job.name));
            return Ok(());
        }
        if last.as_ref() == Some(&said) {
            imported.kept += 1;
            return Ok(());
        }
        self.replace(cx, id, job, (last.as_ref(), &said), imported)
    }

    fn replace(
        &self,
        cx: &mut Cx,
        id: i64,
        job: &Job,
        (last, said): (Option<&Said>, &Said),
        imported: &mut Imported,
    ) -> Result<()> {
        let (current, before) = (find(cx, Self::NAME, id)?, Secrets::of(cx, id)?);
        // The file gives other secrets than the last time; or none, and those that were given by hand stay where they were
        // meant for.
        let other = said.secrets.is_some() && last.is_none_or(|last| last.secrets != said.secrets);
        let same_places = job.spec.reaches() == current.spec.reaches();
        let secrets = if !other && same_places { before.clone() } else { job.secrets.clone() };
        fields::usable(&job.name, &job.spec, &secrets)?;
        if !same_places && !before.is_empty() && secrets.is_empty() {
            imported.notes.push(format!("{}: it asks other places now; give its credentials again.", job.name));
        }
        store::scrapes::update(cx.tx, id, &job.name, &job.spec, cx.now)?;
        said.keep(cx, id)?;
        secrets.put(cx, id)?;
        // What lacked before was looked at when the job was resumed.
        let lacks_more = !job.lacks.is_empty() && last.is_none_or(|last| last.lacks != said.lacks);
        if (self.paused || lacks_more) && !current.paused {
            store::scrapes::set_paused(cx.tx, id, true, cx.now)?;
            cx.changed(&current.reference(), "paused", false, true)?;
        }
        let now = find(cx, Self::NAME, id)?;
        fields::record(cx, &now, Some((&current.name, &current.spec)), (&before, &secrets))?;
        cx.touch(now.reference());
        imported.changed += 1;
        imported.jobs.push(ImportedScrape { id, name: now.name, paused: now.paused, changed: true });
        Ok(())
    }
}
