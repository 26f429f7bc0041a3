//! Operations: what can be done, declared once. REST, OpenAPI, CLI, forms, permission tests, reference pages and audit
//! entries are drawn from the declaration.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cx::{Cx, PrepareCx};
use crate::error::{Error, Result};

mod input;

pub(crate) use input::has_type;
pub use input::{Change, coerce};

/// HTTP method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or acts.
    Post,
    /// Changes some fields.
    Patch,
    /// Replaces.
    Put,
    /// Removes.
    Delete,
}

impl Method {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// Where an operation is found under `/api/v1`; `{name}` in the path is an input field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path below `/api/v1`.
    pub path: &'static str,
}

/// A GET route.
pub const fn get(path: &'static str) -> Route {
    Route { method: Method::Get, path }
}
/// A POST route.
pub const fn post(path: &'static str) -> Route {
    Route { method: Method::Post, path }
}
/// A PATCH route.
pub const fn patch(path: &'static str) -> Route {
    Route { method: Method::Patch, path }
}
/// A PUT route.
pub const fn put(path: &'static str) -> Route {
    Route { method: Method::Put, path }
}
/// A DELETE route.
pub const fn delete(path: &'static str) -> Route {
    Route { method: Method::Delete, path }
}

/// Who may call an operation at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever holds a grant for its name.
    Grant,
    /// Whoever is signed in; it touches only what is the actor's own.
    SignedIn,
    /// Anybody, signed in or not; it is rate limited by the server.
    Anyone,
}

/// What an operation does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Changes records.
    Write,
    /// Can harm: needs confirmation, a fresh proof of identity, and approval where policy says so.
    Dangerous,
}

impl Effect {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Dangerous => "dangerous",
        }
    }
}

/// How harmful one call is, where that depends on its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guard {
    /// As the operation declares.
    #[default]
    Declared,
    /// As harmful as this operation: confirmed, proven, and approved where policy names that one.
    Like(&'static str),
    /// It changes what guards the house: confirmed, proven, and approved where policy wants approvals at all.
    Safeguard,
}

/// Something that can be done. The doc comment of the type is product copy: it becomes help text and API documentation.
pub trait Operation: DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static {
    /// `domain.noun.verb`: grant, audit action and CLI path. Stored by users, so it never changes.
    const NAME: &'static str;
    /// Where REST has it.
    const ROUTE: Route;
    /// Who may call it.
    const ACCESS: Access;
    /// What it does.
    const EFFECT: Effect;
    /// Input fields that are secret: never in audit, logs or answers.
    const SECRETS: &'static [&'static str] = &[];
    /// Longest text in one field, in bytes.
    const FIELD_BYTES_MAX: usize = crate::limits::FIELD_BYTES_MAX;
    /// True when some inputs make a call dangerous; [`Operation::guard`] says which.
    const GUARDED: bool = false;
    /// What it answers.
    type Output: Serialize + JsonSchema;

    /// How harmful this very call is; asked only where `GUARDED` is true.
    fn guard(&self, _cx: &PrepareCx<'_>) -> Result<Guard> {
        Ok(Guard::Declared)
    }

    /// CPU and blob work before the transaction: hashing, parsing, checks that need no database. Results go into
    /// `#[serde(skip)]` fields.
    fn prepare(&mut self, _cx: &PrepareCx<'_>) -> Result<()> {
        Ok(())
    }

    /// The work, inside a transaction. It may run more than once and touches only the database.
    fn run(&self, cx: &mut Cx) -> Result<Self::Output>;
}

/// A decoded call, its type forgotten.
pub(crate) trait Decoded: Send + Sync {
    fn guard(&self, cx: &PrepareCx<'_>) -> Result<Guard>;
    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()>;
    fn run(&self, cx: &mut Cx) -> Result<Value>;
}

impl<T: Operation> Decoded for T {
    fn guard(&self, cx: &PrepareCx<'_>) -> Result<Guard> {
        if T::GUARDED { Operation::guard(self, cx) } else { Ok(Guard::Declared) }
    }

    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        Operation::prepare(self, cx)
    }

    fn run(&self, cx: &mut Cx) -> Result<Value> {
        let output = Operation::run(self, cx)?;
        serde_json::to_value(output).map_err(|error| Error::internal("output-not-json", error))
    }
}

/// An operation with its type erased: what REST, CLI and the rest are compiled against, once.
pub struct Entry {
    /// `domain.noun.verb`.
    pub name: &'static str,
    /// Where REST has it.
    pub route: Route,
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub effect: Effect,
    /// True when some inputs make it dangerous.
    pub guarded: bool,
    /// Secret input fields.
    pub secrets: &'static [&'static str],
    field_bytes_max: usize,
    make_input: fn() -> Value,
    make_output: fn() -> Value,
    make: fn(Value) -> Result<Box<dyn Decoded>>,
    input: OnceLock<Value>,
    output: OnceLock<Value>,
}

pub(crate) fn schema<T: JsonSchema + ?Sized>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

fn make<T: Operation>(input: Value) -> Result<Box<dyn Decoded>> {
    match serde_path_to_error::deserialize::<_, T>(input) {
        Ok(operation) => Ok(Box::new(operation)),
        Err(error) => {
            let path = error.path().to_string();
            let message = error.into_inner().to_string();
            let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
            match missing {
                Some(field) => Err(Error::invalid(field, "This is required.")),
                None => Err(Error::invalid(
                    if path == "." { "input" } else { &path },
                    format!("This does not fit: {message}."),
                )),
            }
        }
    }
}

impl Entry {
    /// The entry of an operation.
    pub fn of<T: Operation>() -> Self {
        Self {
            name: T::NAME,
            route: T::ROUTE,
            access: T::ACCESS,
            effect: T::EFFECT,
            guarded: T::GUARDED,
            secrets: T::SECRETS,
            field_bytes_max: T::FIELD_BYTES_MAX,
            make_input: schema::<T>,
            make_output: schema::<T::Output>,
            make: make::<T>,
            input: OnceLock::new(),
            output: OnceLock::new(),
        }
    }

    /// JSON schema of the input (draft 2020-12, nothing referenced).
    pub fn input_schema(&self) -> &Value {
        self.input.get_or_init(self.make_input)
    }

    /// JSON schema of the answer.
    pub fn output_schema(&self) -> &Value {
        self.output.get_or_init(self.make_output)
    }

    /// The first paragraph of the declaration's doc comment.
    pub fn summary(&self) -> &str {
        let text = self.input_schema().get("description").and_then(Value::as_str).unwrap_or_default();
        text.split("\n\n").next().unwrap_or_default()
    }

    /// Decodes an input after bounding and cleaning it.
    pub(crate) fn decode(&self, mut input: Value) -> Result<Box<dyn Decoded>> {
        if input.is_null() {
            input = Value::Object(serde_json::Map::new());
        }
        input::clean(&mut input, self.field_bytes_max)?;
        input::refuse_unknown(&input, self.input_schema())?;
        (self.make)(input)
    }

    /// The input with its secret fields blanked, for audit.
    pub(crate) fn redacted(&self, input: &Value) -> Value {
        let mut shown = input.clone();
        if let Some(fields) = shown.as_object_mut() {
            for secret in self.secrets {
                if let Some(value) = fields.get_mut(*secret) {
                    *value = Value::String("(secret)".into());
                }
            }
        }
        shown
    }
}
