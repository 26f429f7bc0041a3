//! One field of a form: label above, help below, the error next to what it is about.

use super::{Tone, again::Again, status::drawing};
use maud::{Markup, Render, html};

#[derive(Debug, Clone)]
enum Kind {
    Input(&'static str),
    Textarea,
    Select(Vec<(String, String)>),
    Person(Vec<String>),
    Checkbox,
    Hidden,
}

/// A labelled field. `name` is the field name of the operation it feeds; its id is `f-NAME`.
#[derive(Debug, Clone)]
pub struct Field {
    name: String,
    label: String,
    kind: Kind,
    value: String,
    named: String,
    checked: bool,
    help: Option<String>,
    error: Option<String>,
    placeholder: Option<String>,
    autocomplete: Option<&'static str>,
    required: bool,
    autofocus: bool,
    readonly: bool,
    mono: bool,
    length_max: Option<usize>,
    suggested: Vec<String>,
}

impl Field {
    fn new(name: impl Into<String>, label: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind,
            value: String::new(),
            named: String::new(),
            checked: false,
            help: None,
            error: None,
            placeholder: None,
            autocomplete: None,
            required: false,
            autofocus: false,
            readonly: false,
            mono: false,
            length_max: None,
            suggested: Vec::new(),
        }
    }

    /// One line of text.
    pub fn text(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(name, label, Kind::Input("text"))
    }

    /// Any input type of HTML: `email`, `number`, `date`, `datetime-local`, `search`, `url`, `tel`.
    pub fn input(kind: &'static str, name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(name, label, Kind::Input(kind))
    }

    /// A password; its value is never written into the page.
    pub fn password(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(name, label, Kind::Input("password")).autocomplete("current-password")
    }

    /// Several lines of text; grows as it is filled.
    pub fn textarea(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(name, label, Kind::Textarea)
    }

    /// One of `options`, each `(value, label)`. A value that is none of them stays: it becomes one more.
    pub fn select<V: Into<String>, L: Into<String>>(
        name: impl Into<String>,
        label: impl Into<String>,
        options: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        let options = options.into_iter().map(|(value, label)| (value.into(), label.into())).collect();
        Self::new(name, label, Kind::Select(options))
    }

    /// Somebody among many, typed as a login or a name; `known` are first suggestions, such as `Sam Reyes (sam)`. The server looks
    /// up whom the text means, because `_person` names the field.
    pub fn person(name: impl Into<String>, label: impl Into<String>, known: Vec<String>) -> Self {
        Self::new(name, label, Kind::Person(known)).autocomplete("off")
    }

    /// Yes or no; sends `true` when ticked and nothing otherwise.
    pub fn checkbox(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(name, label, Kind::Checkbox)
    }

    /// A value nobody sees.
    pub fn hidden(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(name, "", Kind::Hidden).value(value)
    }

    /// What is in it now. For a select, the value of the chosen option.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// What the value is called when it is none of the options of a select: somebody who left, a place far down the list.
    #[must_use]
    pub fn named(mut self, label: impl Into<String>) -> Self {
        self.named = label.into();
        self
    }

    /// Ticked.
    #[must_use]
    pub const fn checked(mut self, yes: bool) -> Self {
        self.checked = yes;
        self
    }

    /// What to write, in plain words.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What is wrong with it and what to do.
    #[must_use]
    pub fn error(mut self, error: Option<impl Into<String>>) -> Self {
        self.error = error.map(Into::into);
        self
    }

    /// An example of what fits. Never instead of a label.
    #[must_use]
    pub fn placeholder(mut self, text: impl Into<String>) -> Self {
        self.placeholder = Some(text.into());
        self
    }

    /// What browsers and password managers may fill in: `username`, `new-password`, `one-time-code`, `off`.
    #[must_use]
    pub const fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = Some(what);
        self
    }

    /// Cannot be left empty.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The cursor starts here. At most one a page.
    #[must_use]
    pub const fn autofocus(mut self) -> Self {
        self.autofocus = true;
        self
    }

    /// Shown and sent, not edited.
    #[must_use]
    pub const fn readonly(mut self) -> Self {
        self.readonly = true;
        self
    }

    /// Set in the typewriter face: addresses, serials, scripts.
    #[must_use]
    pub const fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// Most characters.
    #[must_use]
    pub const fn length_max(mut self, characters: usize) -> Self {
        self.length_max = Some(characters);
        self
    }

    /// Texts that are offered while typing; others may be typed too.
    #[must_use]
    pub fn suggest(mut self, texts: Vec<String>) -> Self {
        self.suggested = texts;
        self
    }

    /// As it was when its form was refused. What nobody typed stays as it is: hidden fields, and secrets.
    pub(crate) fn typed(mut self, again: &Again) -> Self {
        if matches!(self.kind, Kind::Hidden) {
            return self;
        }
        let values = again.values(&self.name);
        match self.kind {
            Kind::Input("password") => (),
            Kind::Checkbox => self.checked = values.iter().any(|value| value == "true"),
            _ if values.is_empty() => (),
            _ => self.value = values.join(","),
        }
        if let Some(wrong) = again.wrong(&self.name) {
            self.error = Some(wrong);
            self.autofocus = true;
        }
        self
    }

    /// What tells a form from others that go to the same place: which fields it has, and what it says without being asked.
    pub(crate) fn told_apart(&self) -> (&str, &str) {
        let moves = matches!(self.name.as_str(), "expected_version" | "plan_hash" | "_once");
        (&self.name, if matches!(self.kind, Kind::Hidden) && !moves { &self.value } else { "" })
    }

    /// The value of a hidden field of this name.
    pub(crate) fn kept(&self, name: &str) -> Option<&str> {
        (matches!(self.kind, Kind::Hidden) && self.name == name).then_some(self.value.as_str())
    }

    fn id(&self) -> String {
        format!("f-{}", self.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
    }

    fn described_by(&self) -> Option<String> {
        let id = self.id();
        let parts = [self.error.as_ref().map(|_| format!("{id}-e")), self.help.as_ref().map(|_| format!("{id}-h"))];
        let all: Vec<String> = parts.into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    fn control(&self) -> Markup {
        let id = self.id();
        let described = self.described_by();
        let invalid = self.error.as_ref().map(|_| "true");
        let class = if self.mono { "control mono" } else { "control" };
        match &self.kind {
            Kind::Hidden => html! { input type="hidden" name=(self.name) value=(self.value); },
            Kind::Checkbox => html! {
                input type="checkbox" id=(id) name=(self.name) value="true" checked[self.checked] required[self.required]
                    aria-describedby=[described] aria-invalid=[invalid];
            },
            Kind::Textarea => html! {
                textarea class=(class) id=(id) name=(self.name) rows="4" required[self.required] readonly[self.readonly]
                    autofocus[self.autofocus] placeholder=[&self.placeholder] maxlength=[self.length_max]
                    aria-describedby=[described] aria-invalid=[invalid] { "\n" (self.value) }
            },
            Kind::Select(options) => html! {
                select class=(class) id=(id) name=(self.name) required[self.required] autofocus[self.autofocus]
                    disabled[self.readonly] aria-describedby=[described] aria-invalid=[invalid] {
                    @for (value, label) in options { option value=(value) selected[*value == self.value] { (label) } }
                    @if !self.value.is_empty() && options.iter().all(|(value, _)| *value != self.value) {
                        option value=(self.value) selected { (if self.named.is_empty() { &self.value } else { &self.named }) }
                    }
                }
                @if self.readonly { input type="hidden" name=(self.name) value=(self.value); }
            },
            Kind::Person(known) => html! {
                input class=(class) type="text" id=(id) name=(self.name) value=(self.value) list={ (id) "-l" } data-person
                    required[self.required] autofocus[self.autofocus] autocomplete=[self.autocomplete] maxlength="200"
                    aria-describedby=[described] aria-invalid=[invalid];
                datalist id={ (id) "-l" } { @for text in known { option value=(text); } }
                input type="hidden" name="_person" value=(self.name);
            },
            Kind::Input(kind) => html! {
                input class=(class) type=(kind) id=(id) name=(self.name) value=[(*kind != "password").then_some(&self.value)]
                    required[self.required] readonly[self.readonly] autofocus[self.autofocus] placeholder=[&self.placeholder]
                    autocomplete=[self.autocomplete] maxlength=[self.length_max] aria-describedby=[described] aria-invalid=[invalid]
                    list=[(!self.suggested.is_empty()).then(|| format!("{id}-l"))];
                @if !self.suggested.is_empty() {
                    datalist id={ (id) "-l" } { @for text in &self.suggested { option value=(text); } }
                }
            },
        }
    }

    fn notes(&self) -> Markup {
        html! {
            @if let Some(error) = &self.error { span.error id={ (self.id()) "-e" } { (drawing(Tone::Critical)) (error) } }
            @if let Some(help) = &self.help { span.help id={ (self.id()) "-h" } { (help) } }
        }
    }
}

impl Render for Field {
    fn render(&self) -> Markup {
        match self.kind {
            Kind::Hidden => self.control(),
            Kind::Checkbox => html! {
                div.check { (self.control()) label for=(self.id()) { (self.label) } (self.notes()) }
            },
            _ => html! {
                div.field {
                    label for=(self.id()) { (self.label) @if !self.required && !self.readonly { " " span.optional { "optional" } } }
                    (self.control())
                    (self.notes())
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Field;
    use maud::Render;

    #[test]
    fn a_password_is_never_written_into_the_page() {
        let html = Field::password("password", "Password").value("correct horse").render().0;
        assert!(!html.contains("correct horse"));
    }

    #[test]
    fn a_stored_value_that_is_no_option_stays_selected() {
        let field = Field::select("owner", "Owner", [("", "Nobody"), ("1", "Ada")]).value("7");
        let html = field.clone().named("Gone").render().0;
        assert!(html.contains(r#"<option value="7" selected>Gone</option>"#), "{html}");
        assert!(field.render().0.contains(r#"<option value="7" selected>7</option>"#));
        let known = Field::select("owner", "Owner", [("", "Nobody"), ("1", "Ada")]).value("1").named("Ada").render().0;
        assert_eq!(known.matches("<option").count(), 2, "{known}");
        let empty = Field::select("role", "Role", [("a", "A")]).render().0;
        assert_eq!(empty.matches("<option").count(), 1, "{empty}");
    }

    #[test]
    fn an_error_is_tied_to_its_field() {
        let html = Field::text("name", "Name").error(Some("Give it a name.")).help("Short").render().0;
        assert!(html.contains(r#"aria-describedby="f-name-e f-name-h""#), "{html}");
        assert!(html.contains(r#"aria-invalid="true""#));
    }
}
