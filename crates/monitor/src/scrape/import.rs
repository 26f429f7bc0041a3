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

impl ImportScrapes {
    /// Makes a job, or puts it in the place of the one that came by an import.
    fn put(&self, cx: &mut Cx, job: &Job, imported: &mut Imported) -> Result<()> {
        let spec = serde_json::to_vec(&job.spec).map_err(|error| Error::internal("spec-not-json", error))?;
        let digest = kernel::text::sha256_hex(&spec);
        let asked = self.paused || job.incomplete;
        let Some(id) = store::scrapes::named(cx.tx, &job.name)? else {
            let made = create::create(cx, &job.name, &job.spec, &job.secrets, asked)?;
            store::scrapes::set_imported(cx.tx, made.id, &digest)?;
            imported.added += 1;
            imported.jobs.push(ImportedScrape { id: made.id, name: made.name, paused: asked, changed: false });
            return Ok(());
        };
        let last = store::scrapes::imported(cx.tx, id)?;
        if last.is_empty() && !self.replace {
            let why =
                "a job of this name was made by hand; it was left as it is. Import with replace to put this one there.";
            imported.notes.push(format!("{}: {why}", job.name));
            return Ok(());
        }
        let (current, before) = (find(cx, Self::NAME, id)?, Secrets::of(cx, id)?);
        let same_places = job.spec.reaches() == current.spec.reaches();
        let secrets = job.secrets(&before, same_places);
        if last == digest && secrets == before {
            imported.kept += 1;
            return Ok(());
        }
        fields::usable(&job.name, &job.spec, &secrets)?;
        if job.apart && !same_places && !before.is_empty() {
            imported.notes.push(format!("{}: it asks other places now; give its credentials again.", job.name));
        }
        store::scrapes::update(cx.tx, id, &job.name, &job.spec, cx.now)?;
        store::scrapes::set_imported(cx.tx, id, &digest)?;
        secrets.put(cx, id)?;
        if asked && !current.paused {
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
