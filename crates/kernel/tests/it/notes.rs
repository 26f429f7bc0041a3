//! A domain for tests: notes that can be written, changed and removed.

use kernel::db::{Migration, Tx};
use kernel::job::{Job, JobEntry, Running};
use kernel::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Deserialize, Serialize, JsonSchema)]
pub(crate) struct Note {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) version: i64,
}

/// Write a note.
#[derive(Deserialize, Serialize, JsonSchema)]
pub(crate) struct WriteNote {
    /// What it says.
    text: String,
    /// Never shown again.
    password: Option<String>,
}

impl Operation for WriteNote {
    const NAME: &'static str = "notes.note.write";
    const ROUTE: Route = post("/notes");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = &["password"];
    type Output = Note;

    fn run(&self, cx: &mut Cx) -> Result<Note> {
        if self.password.as_deref() == Some("wrong") {
            return Err(Error::invalid("password", "This is wrong.").refused("a guess at a password"));
        }
        let text = kernel::text::line("text", &self.text, 200)?;
        let id = cx.tx.insert(
            "INSERT INTO notes_notes (text, version, copies) VALUES (?1, 1, 0) RETURNING id",
            &[text.as_str().into()],
        )?;
        cx.changed(&Ref::new("note", id), "text", Value::Null, &text)?;
        let scopes = vec![ScopeToken::Team(text.len() as i64)];
        cx.index(&Document {
            subject: Ref::new("note", id),
            title: text.clone(),
            body: String::new(),
            scopes,
            at: cx.now,
        })?;
        cx.emit(&NoteWritten { note: id, text: text.clone() })?;
        cx.enqueue(&Job::new("notes.count", &id)?)?;
        Ok(Note { id, text, version: 1 })
    }
}

/// Change a note.
#[derive(Deserialize, Serialize, JsonSchema)]
pub(crate) struct ChangeNote {
    id: i64,
    text: String,
    expected_version: Option<i64>,
}

impl Operation for ChangeNote {
    const NAME: &'static str = "notes.note.change";
    const ROUTE: Route = patch("/notes/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Note;

    fn run(&self, cx: &mut Cx) -> Result<Note> {
        let note = find(cx.tx, self.id)?;
        let subject = Ref::new("note", self.id);
        cx.expect_version(&subject, self.expected_version, note.version)?;
        cx.tx.execute(
            "UPDATE notes_notes SET text = ?1, version = version + 1 WHERE id = ?2",
            &[self.text.as_str().into(), self.id.into()],
        )?;
        cx.index(&Document {
            subject: subject.clone(),
            title: self.text.clone(),
            body: String::new(),
            scopes: vec![],
            at: cx.now,
        })?;
        cx.changed(&subject, "text", &note.text, &self.text)?;
        find(cx.tx, self.id)
    }
}

/// Remove every note.
#[derive(Deserialize, Serialize, JsonSchema)]
pub(crate) struct Burn {}

impl Operation for Burn {
    const NAME: &'static str = "notes.note.burn";
    const ROUTE: Route = delete("/notes");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Dangerous;
    type Output = u64;

    fn run(&self, cx: &mut Cx) -> Result<u64> {
        for note in (ListNotes {}).run(cx)? {
            cx.changed(&Ref::new("note", note.id), "text", note.text, Value::Null)?;
        }
        cx.tx.execute("DELETE FROM notes_notes", &[])
    }
}

/// List notes.
#[derive(Deserialize, Serialize, JsonSchema)]
pub(crate) struct ListNotes {}

impl Operation for ListNotes {
    const NAME: &'static str = "notes.note.list";
    const ROUTE: Route = get("/notes");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Vec<Note>;

    fn run(&self, cx: &mut Cx) -> Result<Vec<Note>> {
        cx.tx.query("SELECT id, text, version FROM notes_notes ORDER BY id", &[])?.iter().map(note).collect()
    }
}

#[derive(Serialize)]
pub(crate) struct NoteWritten {
    note: i64,
    text: String,
}

impl Event for NoteWritten {
    const NAME: &'static str = "notes.note.written";
    fn subjects(&self) -> Vec<Ref> {
        vec![Ref::new("note", self.note)]
    }
    fn title(&self) -> String {
        format!("Note written: {}", self.text)
    }
    fn sample() -> Self {
        Self { note: 1, text: "hello".into() }
    }
}

fn note(row: &kernel::db::Row) -> Result<Note> {
    Ok(Note { id: row.int(0)?, text: row.text(1)?, version: row.int(2)? })
}

fn find(tx: &mut Tx<'_>, id: i64) -> Result<Note> {
    let row = tx.first("SELECT id, text, version FROM notes_notes WHERE id = ?1", &[id.into()])?;
    note(&row.ok_or_else(|| Error::not_found(format!("note:{id}")))?)
}

#[derive(Deserialize)]
struct Written {
    note: i64,
    text: String,
}

fn copy(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    let written: Written = event.fields()?;
    if written.text == "poison" {
        return Err(Error::internal("poisoned", "on purpose"));
    }
    cx.tx.execute("UPDATE notes_notes SET copies = copies + 1 WHERE id = ?1", &[written.note.into()])?;
    Ok(())
}

fn count(running: &Running<'_>) -> Result<()> {
    let id: i64 = running.input()?;
    running.kernel.write_as(Actor::service("notes.counter", &["notes.*"]), "notes.count", move |cx| {
        cx.tx.execute("UPDATE notes_notes SET counted = counted + 1 WHERE id = ?1", &[id.into()])?;
        Ok(())
    })
}

fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    let mut query = kernel::db::Query::new("SELECT id, text FROM notes_notes WHERE id IN ");
    query.list(ids);
    let rows = cx.tx.run(&query)?;
    rows.iter()
        .map(|row| Ok(Resolved { id: row.int(0)?, title: row.text(1)?, href: format!("/notes/{}", row.int(0)?) }))
        .collect()
}

fn set(cx: &mut Cx, id: i64, field: &str, old: &Value) -> Result<()> {
    match (field, old.as_str()) {
        ("text", Some(text)) if find(cx.tx, id).is_err() => {
            cx.changed(&Ref::new("note", id), "text", Value::Null, text)?;
            cx.tx
                .execute(
                    "INSERT INTO notes_notes (id, text, version, copies) VALUES (?1, ?2, 1, 0)",
                    &[id.into(), text.into()],
                )
                .map(|_| ())
        }
        ("text", Some(text)) => cx.call(&ChangeNote { id, text: text.to_owned(), expected_version: None }).map(|_| ()),
        ("text", None) => {
            let text = find(cx.tx, id)?.text;
            cx.changed(&Ref::new("note", id), "text", text, Value::Null)?;
            cx.unindex(&Ref::new("note", id))?;
            cx.tx.execute("DELETE FROM notes_notes WHERE id = ?1", &[id.into()]).map(|_| ())
        }
        _ => Err(Error::conflict("This field cannot be undone.")),
    }
}

pub(crate) fn domain() -> Domain {
    Domain {
        name: "notes",
        migrations: &[Migration {
            number: 1,
            name: "notes",
            sql: "CREATE TABLE notes_notes (id {id}, text {text} NOT NULL, version {int} NOT NULL, copies {int} NOT NULL, counted {int} NOT NULL DEFAULT 0) {strict};\nCREATE TABLE notes_names (name {text} PRIMARY KEY, owner {int} NOT NULL) {strict};",
        }],
        operations: vec![
            Entry::of::<WriteNote>(),
            Entry::of::<ChangeNote>(),
            Entry::of::<Burn>(),
            Entry::of::<ListNotes>(),
        ],
        events: vec![EventEntry::of::<NoteWritten>()],
        reactions: vec![Reaction { name: "notes.copier", events: &["notes.note.written"], grants: &[], run: copy }],
        nouns: vec![Noun { kind: "note", list: "notes.note.list", resolve, set: Some(set) }],
        jobs: vec![JobEntry { kind: "notes.count", run: count }],
        ..Domain::default()
    }
}
