//! The shell of a form: where it goes, the session's token, where to return to.

use std::rc::Rc;

use super::again::{self, Again};
use super::{Button, Field, Tone, href, notice};
use maud::{Markup, Render, html};

/// So much of a digest tells forms apart.
const MARK_CHARS: usize = 16;

/// A form that changes something (`post`) or asks something (`get`).
#[derive(Debug, Clone)]
pub struct Form {
    id: Option<String>,
    method: &'static str,
    action: String,
    csrf: Option<String>,
    back: Option<String>,
    confirm: Option<String>,
    swap: Option<String>,
    as_typed: bool,
    error: Option<String>,
    again: Option<Rc<Again>>,
    parts: Vec<Part>,
    actions: Vec<Markup>,
}

/// What stands in a form.
#[derive(Debug, Clone)]
enum Part {
    Field(Box<Field>),
    /// Side by side where there is room.
    Row(Vec<Field>),
    Other(Markup),
}

impl Form {
    fn new(method: &'static str, action: impl Into<String>, csrf: Option<String>) -> Self {
        let action = action.into();
        Self {
            id: None,
            method,
            again: if method == "post" { again::of(&action) } else { None },
            action,
            csrf,
            back: None,
            confirm: None,
            swap: None,
            as_typed: false,
            error: None,
            parts: Vec::new(),
            actions: Vec::new(),
        }
    }

    /// A form that changes something; `csrf` is the session's token and travels as `_csrf`.
    pub fn post(action: impl Into<String>, csrf: impl Into<String>) -> Self {
        Self::new("post", action, Some(csrf.into()))
    }

    /// A form whose answers become the address.
    pub fn get(action: impl Into<String>) -> Self {
        Self::new("get", action, None)
    }

    /// With [`Self::swap`]: sends itself while one types. For forms that ask.
    #[must_use]
    pub const fn as_typed(mut self) -> Self {
        self.as_typed = true;
        self
    }

    /// Its id, so that buttons elsewhere can send it.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Where to go after success; travels as `_back`.
    #[must_use]
    pub fn back(mut self, to: impl Into<String>) -> Self {
        self.back = Some(to.into());
        self
    }

    /// Asks first, with this sentence. Only for what cannot be undone.
    #[must_use]
    pub fn confirm(mut self, question: impl Into<String>) -> Self {
        self.confirm = Some(question.into());
        self
    }

    /// Replaces only the element with this id (without `#`) by the same element of the answer.
    #[must_use]
    pub fn swap(mut self, id: &str) -> Self {
        self.swap = Some(format!("#{id}"));
        self
    }

    /// What is wrong with the form as a whole.
    #[must_use]
    pub fn error(mut self, error: Option<impl Into<String>>) -> Self {
        self.error = error.map(Into::into);
        self
    }

    /// The next field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        // Another thing of the same kind has a form of its own.
        let other = |again: &Rc<Again>| field.kept("id").is_some_and(|id| again.values("id") != [id]);
        if self.again.as_ref().is_some_and(other) {
            self.again = None;
        }
        self.parts.push(Part::Field(Box::new(field)));
        self
    }

    /// Two or more fields side by side where there is room.
    #[must_use]
    pub fn fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.parts.push(Part::Row(fields.into_iter().collect()));
        self
    }

    /// A field as it was typed when this form was refused; as it is otherwise. For fields inside of [`Self::part`].
    #[must_use]
    pub fn filled(&self, field: Field) -> Field {
        match &self.again {
            Some(again) => field.typed(again),
            None => field,
        }
    }

    /// What was typed under a name when this form was refused; nothing when it was not.
    #[must_use]
    pub fn typed(&self, name: &str) -> Option<Vec<String>> {
        self.again.as_ref().map(|again| again.values(name))
    }

    /// Anything else between the fields.
    #[must_use]
    pub fn part(mut self, part: Markup) -> Self {
        self.parts.push(Part::Other(part));
        self
    }

    /// A button at the end; the first should be the primary one.
    #[must_use]
    pub fn action(mut self, button: Button) -> Self {
        self.actions.push(button.render());
        self
    }
}

impl Form {
    /// What tells it from the other forms of its page that go to the same place; travels as `_form`.
    fn mark(&self) -> String {
        let mut all = String::new();
        let mut tell = |field: &Field| {
            let (name, value) = field.told_apart();
            // Lengths keep one field's value from reading as the next one's name.
            all.push_str(&format!("{}:{name}{}:{value}", name.len(), value.len()));
        };
        for part in &self.parts {
            match part {
                Part::Field(field) => tell(field),
                Part::Row(fields) => fields.iter().for_each(&mut tell),
                Part::Other(_) => (),
            }
        }
        let mut mark = kernel::text::sha256_hex(all.as_bytes());
        mark.truncate(MARK_CHARS);
        mark
    }

    fn part_drawn(&self, part: &Part) -> Markup {
        match part {
            Part::Field(field) => self.filled(field.as_ref().clone()).render(),
            Part::Row(fields) => html! { div.row2 { @for field in fields { (self.filled(field.clone())) } } },
            Part::Other(part) => part.clone(),
        }
    }

    fn drawn(&self, mark: &str) -> Markup {
        // The fields first: they say whether the words that refused it stand at one of them.
        let parts: Vec<Markup> = self.parts.iter().map(|part| self.part_drawn(part)).collect();
        html! {
            form.form id=[&self.id] method=(self.method) action=(href(&self.action)) data-confirm=[&self.confirm] data-swap=[&self.swap] data-filter[self.as_typed] data-again[self.again.is_some()] {
                @if let Some(csrf) = &self.csrf { input type="hidden" name="_csrf" value=(csrf); }
                @if self.csrf.is_some() && self.action.starts_with("/do/") { input type="hidden" name="_form" value=(mark); }
                @if let Some(back) = &self.back { input type="hidden" name="_back" value=(href(back)); }
                @if let Some(wrong) = self.again.as_ref().and_then(|again| again.above()) { (notice(Tone::Critical, wrong)) }
                @if let Some(error) = &self.error { (notice(Tone::Critical, error)) }
                @for part in &parts { (part) }
                @if !self.actions.is_empty() { div.actions { @for action in &self.actions { (action) } } }
            }
        }
    }
}

impl Render for Form {
    fn render(&self) -> Markup {
        let mark = self.mark();
        match &self.again {
            Some(again) if !again.was_sent_by(&mark) => Self { again: None, ..self.clone() }.drawn(&mark),
            _ => self.drawn(&mark),
        }
    }
}
