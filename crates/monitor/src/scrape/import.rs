//! Import scrape jobs from the configuration of a Prometheus. What cannot be taken over is listed, and a job that would
//! mean something else without it comes paused.

use std::collections::BTreeSet;

use kernel::{Access, Cx, Effect, Error, Operation, PrepareCx, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::{self, Job, Wanted, access};
use super::plan::Secrets;
use super::said::Said;
use super::spec::{SAMPLES_MAX, Spec};
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
    #[serde(skip)]
    read: Option<Wanted>,
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

    fn prepare(&mut self, _: &PrepareCx<'_>) -> Result<()> {
        self.read = Some(config::read(&self.text).map_err(|why| Error::invalid("text", why))?);
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<Imported> {
        cx.reach_everything(Self::NAME)?;
        let wanted = self.read.as_ref().ok_or_else(|| Error::internal("import-not-prepared", "scrapes"))?;
        let mut imported = Imported { notes: wanted.notes.clone(), ..Imported::default() };
        for job in &wanted.jobs {
            imported.notes.extend(job.notes.iter().map(|note| format!("{}: {note}", job.name)));
            match job.spec.check().and_then(|()| self.put(cx, job, &mut imported)) {
                Ok(()) => {}
                // What is wrong in one job is its note; a fault of the house ends the import.
                Err(error) if error.kind == kernel::ErrorKind::Invalid => {
                    let field = error.field.unwrap_or_default();
                    imported.notes.push(format!("{}: not taken over; {field}: {}", job.name, error.message));
                }
                Err(error) => return Err(error),
            }
        }
        let unlimited = wanted.jobs.iter().filter(|job| job.unlimited).count();
        if unlimited > 0 {
            imported.notes.push(format!(
                "sample_limit: {unlimited} jobs set none; a scrape of them may bring {SAMPLES_MAX} samples, the most there may be here."
            ));
        }
        imported.notes.truncate(NOTES_MAX);
        Ok(imported)
    }
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
        let last = said.last(cx, id)?;
        if last.is_none() && !self.replace {
            let why =
                "a job of this name was made by hand; it was left as it is. Import with replace to put this one there.";
            imported.notes.push(format!("{}: {why}", job.name));
            return Ok(());
        }
        if last.as_ref().is_some_and(|last| last.told == said.told) {
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
        let (spec, secrets, note) = merged(job, (&current.spec, &before), (last, said));
        fields::usable(&job.name, &spec, &secrets)?;
        imported.notes.extend(note.map(|note| format!("{}: {note}", job.name)));
        store::scrapes::update(cx.tx, id, &job.name, &spec, cx.now)?;
        said.keep(cx, id)?;
        secrets.put(cx, id)?;
        // What lacked before was looked at when the job was resumed.
        let nothing = BTreeSet::new();
        let lacks_more = !said.lacks.is_subset(last.map_or(&nothing, |last| &last.lacks));
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

/// What becomes of a job that is there: its spec, its secrets, and what is to be said of them.
fn merged(
    job: &Job,
    (current, before): (&Spec, &Secrets),
    (last, said): (Option<&Said>, &Said),
) -> (Spec, Secrets, Option<&'static str>) {
    let mut spec = job.spec.clone();
    // What the file has in files of their own was given by hand, and stays with what belongs to it.
    let given = |key: &str| job.lacks.contains(key);
    if given(access::USERNAME_FILE) {
        spec.username = spec.username.or_else(|| current.username.clone());
    }
    if given(access::CA_FILE) {
        spec.tls.ca = spec.tls.ca.or_else(|| current.tls.ca.clone());
    }
    if given(access::CERTIFICATE_FILE) {
        spec.tls.certificate = spec.tls.certificate.or_else(|| current.tls.certificate.clone());
    }
    let last_secrets = last.and_then(|last| last.told.secrets.as_ref());
    let same_places = spec.reaches() == current.reaches();
    let (secrets, note) = match &said.told.secrets {
        _ if !same_places => (job.secrets.clone(), Some("it asks other places now; give its credentials again.")),
        Some(brought) if Some(brought) != last_secrets => {
            let kept = job.secrets.clone().or(&access::pointed_at(job, before).fitting(&spec));
            (kept, Some("credentials that the file does not have were removed."))
        }
        None if last_secrets.is_some() => {
            let kept = access::pointed_at(job, before).fitting(&spec);
            (kept, Some("credentials that were in the file are not there any more; they were removed."))
        }
        _ => {
            let kept = before.fitting(&spec).or(&job.secrets);
            (kept, Some("credentials that it has no use for any more were removed."))
        }
    };
    if secrets.tls_key.is_none() {
        spec.tls.certificate.clone_from(&job.spec.tls.certificate);
    }
    let note = note.filter(|_| before.has_more_than(&secrets));
    (spec, secrets, note)
}
