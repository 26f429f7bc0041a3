//! Save a runbook.

use kernel::attention::Attention;
use kernel::{Access, Cx, Effect, Error, Mark, Operation, PrepareCx, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::store::{self, NewVersion};
use crate::book::Book;
use crate::book::parse::{Mistake, SOURCE_BYTES_MAX, parse};
use crate::events::{RunbookSaved, runbook_ref};

/// Save a runbook written in YAML.
///
/// The name inside decides which runbook it is; another text under the same name is a new version, which has to be approved
/// before it runs. What is bound to checks keeps the version it was bound with.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct SaveRunbook {
    /// The runbook in YAML.
    pub yaml: String,
    #[serde(skip)]
    parsed: Option<Parsed>,
}

#[derive(Clone)]
struct Parsed {
    book: Book,
    canonical: String,
    hash: String,
}

/// A saved runbook.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SavedRunbook {
    /// Its number.
    pub id: i64,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Its name.
    pub name: String,
    /// The hash of the version.
    pub version: String,
    /// The number of the version.
    pub number: i64,
    /// True when this very text was there already.
    pub unchanged: bool,
    /// True when the version is approved.
    pub approved: bool,
}

/// The mistakes as one error about the field `yaml`.
pub(crate) fn refused(mistakes: &[Mistake]) -> Error {
    let shown: Vec<String> = mistakes.iter().take(5).map(ToString::to_string).collect();
    let more = mistakes.len().saturating_sub(5);
    let rest = if more > 0 { format!(" And {more} more.") } else { String::new() };
    Error::invalid("yaml", format!("{}{rest}", shown.join(" ")))
}

impl SaveRunbook {
    /// A runbook to be saved.
    pub fn new(yaml: impl Into<String>) -> Self {
        Self { yaml: yaml.into(), parsed: None }
    }

    fn parsed(&self) -> Result<Parsed> {
        if let Some(parsed) = &self.parsed {
            return Ok(parsed.clone());
        }
        let book = parse(&self.yaml).map_err(|mistakes| refused(&mistakes))?;
        let canonical = book.canonical()?;
        let hash = kernel::text::sha256_hex(canonical.as_bytes());
        Ok(Parsed { book, canonical, hash })
    }
}

impl Operation for SaveRunbook {
    const NAME: &'static str = "runbooks.runbook.save";
    const ROUTE: Route = post("/runbooks");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const FIELD_BYTES_MAX: usize = SOURCE_BYTES_MAX;
    type Output = SavedRunbook;

    fn prepare(&mut self, _: &PrepareCx<'_>) -> Result<()> {
        self.parsed = Some(self.parsed()?);
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<SavedRunbook> {
        cx.reach_everything(Self::NAME)?;
        let Parsed { book, canonical, hash } = self.parsed()?;
        let now = cx.now;
        let runbook = match store::by_name(cx.tx, &book.name)? {
            Some(id) => id,
            None => store::insert(cx.tx, &book.name, now)?,
        };
        let (name, reference) = (book.name.clone(), runbook_ref(runbook));
        if let Some(known) = store::by_hash(cx.tx, runbook, &hash)? {
            let (number, approved) = (known.number, known.is_approved());
            return Ok(SavedRunbook { id: runbook, reference, name, version: hash, number, unchanged: true, approved });
        }
        let (author, author_name) = (cx.actor.ident.to_string(), cx.actor.name.clone());
        let number = store::insert_version(
            cx.tx,
            &NewVersion {
                runbook,
                title: book.title.trim(),
                description: &book.description,
                hash: &hash,
                source: &self.yaml,
                canonical: &canonical,
                author: &author,
                author_name: &author_name,
            },
            now,
        )?;
        cx.changed(&reference, "version", (number > 1).then_some(number - 1), number)?;
        cx.emit(&RunbookSaved { runbook: reference.clone(), name: name.clone(), number, version: hash.clone() })?;
        cx.needs_attention(&Attention {
            subject: reference.clone(),
            need: "approval",
            title: format!("Version {number} of the runbook \"{}\" waits for approval", book.title.trim()),
            why: format!("{author_name} wrote it. It does not run before somebody else has read and approved it."),
            mark: Mark::Info,
            word: "Approve",
            weight: 300,
            since: now,
            action: "Read it",
            href: format!("/runbooks/{runbook}"),
            team: None,
            user: None,
            grant: super::approve::ApproveRunbook::NAME,
        })?;
        cx.index(&kernel::search::Document {
            subject: reference.clone(),
            title: book.title.trim().to_owned(),
            body: format!("{} {}", book.name, book.description),
            scopes: vec![kernel::search::ScopeToken::Anybody],
            at: now,
        })?;
        Ok(SavedRunbook { id: runbook, reference, name, version: hash, number, unchanged: false, approved: false })
    }
}
