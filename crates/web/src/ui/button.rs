//! Things to press: buttons, links that look like them, menus, tiles on a phone.

use super::{href, icon};
use maud::{Markup, Render, html};

#[derive(Debug, Clone)]
enum Kind {
    Link(String),
    Submit,
    Plain,
}

/// A button or a link that looks like one. Verbs on buttons: "Reply", "Open incident".
#[derive(Debug, Clone)]
pub struct Button {
    label: String,
    kind: Kind,
    class: &'static str,
    small: bool,
    square: bool,
    block: bool,
    icon: Option<&'static str>,
    caret: bool,
    key: Option<String>,
    value: Option<(String, String)>,
    form_action: Option<String>,
    opens: Option<String>,
    confirm: Option<String>,
    swap: Option<String>,
    disabled: Option<String>,
    hook: Option<(&'static str, String)>,
}

impl Button {
    fn new(label: impl Into<String>, kind: Kind) -> Self {
        Self {
            label: label.into(),
            kind,
            class: "",
            small: false,
            square: false,
            block: false,
            icon: None,
            caret: false,
            key: None,
            value: None,
            form_action: None,
            opens: None,
            confirm: None,
            swap: None,
            disabled: None,
            hook: None,
        }
    }

    /// A link to a page.
    pub fn link(label: impl Into<String>, to: impl Into<String>) -> Self {
        Self::new(label, Kind::Link(to.into()))
    }

    /// Sends the form it stands in.
    pub fn submit(label: impl Into<String>) -> Self {
        Self::new(label, Kind::Submit)
    }

    /// Does nothing without script; give it [`Button::opens`] or [`Button::hook`].
    pub fn plain(label: impl Into<String>) -> Self {
        Self::new(label, Kind::Plain)
    }

    /// The one thing most people came to do.
    #[must_use]
    pub const fn primary(mut self) -> Self {
        self.class = "primary";
        self
    }

    /// No border until pointed at.
    #[must_use]
    pub const fn quiet(mut self) -> Self {
        self.class = "quiet";
        self
    }

    /// Cannot be undone.
    #[must_use]
    pub const fn danger(mut self) -> Self {
        self.class = "danger";
        self
    }

    /// For rows and cards.
    #[must_use]
    pub const fn small(mut self) -> Self {
        self.small = true;
        self
    }

    /// As wide as its container.
    #[must_use]
    pub const fn block(mut self) -> Self {
        self.block = true;
        self
    }

    /// An icon before the label.
    #[must_use]
    pub const fn icon(mut self, name: &'static str) -> Self {
        self.icon = Some(name);
        self
    }

    /// An icon instead of the label, which is still read aloud and shown on hover.
    #[must_use]
    pub const fn icon_only(mut self, name: &'static str) -> Self {
        self.icon = Some(name);
        self.square = true;
        self
    }

    /// A small arrow that says more choices follow.
    #[must_use]
    pub const fn caret(mut self) -> Self {
        self.caret = true;
        self
    }

    /// The key that presses it, shown on it. A single letter works outside inputs only.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// What it sends with its form: `name=value`.
    #[must_use]
    pub fn value(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.value = Some((name.into(), value.into()));
        self
    }

    /// Sends its form to another address.
    #[must_use]
    pub fn form_action(mut self, action: impl Into<String>) -> Self {
        self.form_action = Some(action.into());
        self
    }

    /// Opens the dialog with this id (without `#`). On a link, the link is the way without script.
    #[must_use]
    pub fn opens(mut self, dialog: impl Into<String>) -> Self {
        self.opens = Some(dialog.into());
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

    /// Cannot be pressed; the reason is shown on hover.
    #[must_use]
    pub fn disabled(mut self, reason: impl Into<String>) -> Self {
        self.disabled = Some(reason.into());
        self
    }

    /// Marks it for a script: becomes `data-do="name"` and `data-arg="value"`.
    #[must_use]
    pub fn hook(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hook = Some((name, value.into()));
        self
    }

    fn classes(&self) -> String {
        let mut all = String::from("btn");
        let flags = [
            (self.small, "small"),
            (self.square, "square"),
            (self.block, "block"),
            (!self.class.is_empty(), self.class),
        ];
        for (_, name) in flags.into_iter().filter(|(on, _)| *on) {
            all.push(' ');
            all.push_str(name);
        }
        all
    }

    fn inside(&self) -> Markup {
        html! {
            @if let Some(name) = self.icon { (icon(name)) }
            @if self.square { span.sr { (self.label) } } @else { (self.label) }
            @if let Some(key) = &self.key { @if !self.square { kbd { (key) } } }
            @if self.caret { (icon("chevron-down")) }
        }
    }

    fn hint(&self) -> Option<&str> {
        self.disabled.as_deref().or_else(|| self.square.then_some(self.label.as_str()))
    }
}

impl Render for Button {
    fn render(&self) -> Markup {
        let (hook, arg) = self.hook.as_ref().map_or((None, None), |(name, value)| (Some(*name), Some(value)));
        let (name, value) = self.value.as_ref().map_or((None, None), |(name, value)| (Some(name), Some(value)));
        match &self.kind {
            Kind::Link(_) if self.disabled.is_some() => html! {
                span class=(self.classes()) aria-disabled="true" title=[self.hint()] { (self.inside()) }
            },
            Kind::Link(to) => html! {
                a class=(self.classes()) href=(href(to)) title=[self.hint()] data-key=[&self.key] data-open=[&self.opens]
                    data-confirm=[&self.confirm] data-swap=[&self.swap] data-do=[hook] data-arg=[arg] { (self.inside()) }
            },
            Kind::Submit | Kind::Plain => {
                let kind = if matches!(self.kind, Kind::Submit) { "submit" } else { "button" };
                html! {
                    button class=(self.classes()) type=(kind) name=[name] value=[value] title=[self.hint()] data-key=[&self.key]
                        formaction=[self.form_action.as_deref().map(href)] data-open=[&self.opens] data-confirm=[&self.confirm]
                        data-swap=[&self.swap] disabled[self.disabled.is_some()] data-do=[hook] data-arg=[arg] { (self.inside()) }
                }
            }
        }
    }
}

/// One button that posts `fields` to `action`: its own small form, with the session's token.
#[must_use]
pub fn post_button(action: &str, csrf: &str, fields: &[(&str, &str)], button: &Button) -> Markup {
    html! {
        form.inline method="post" action=(href(action)) {
            input type="hidden" name="_csrf" value=(csrf);
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            (button)
        }
    }
}

/// A button that opens a short list of links and buttons; works without script.
#[derive(Debug, Clone)]
pub struct Menu {
    button: Button,
    lead: Option<Markup>,
    items: Vec<Markup>,
}

impl Menu {
    /// The menu behind `button`, whose label says what is inside.
    #[must_use]
    pub const fn new(button: Button) -> Self {
        Self { button, lead: None, items: Vec::new() }
    }

    /// Text above the choices, such as who is signed in.
    #[must_use]
    pub fn lead(mut self, text: Markup) -> Self {
        self.lead = Some(text);
        self
    }

    /// A choice that leads to a page.
    #[must_use]
    pub fn link(mut self, icon_name: &str, label: &str, to: &str, key: Option<&str>) -> Self {
        self.items.push(html! {
            a.item href=(href(to)) data-key=[key] { (icon(icon_name)) span { (label) } @if let Some(key) = key { kbd { (key) } } }
        });
        self
    }

    /// A choice that posts.
    #[must_use]
    pub fn post(mut self, icon_name: &str, label: &str, action: &str, csrf: &str, fields: &[(&str, &str)]) -> Self {
        self.items.push(html! {
            form method="post" action=(href(action)) {
                input type="hidden" name="_csrf" value=(csrf);
                @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                button.item type="submit" { (icon(icon_name)) span { (label) } }
            }
        });
        self
    }
}

impl Render for Menu {
    fn render(&self) -> Markup {
        html! {
            details.menu {
                summary class=(self.button.classes()) title=[self.button.hint()] { (self.button.inside()) }
                div {
                    @if let Some(lead) = &self.lead { div.who { (lead) } }
                    @for item in &self.items { (item) }
                }
            }
        }
    }
}

/// A big button for thumbs.
#[derive(Debug, Clone)]
pub struct Tile {
    /// Icon name.
    pub icon: &'static str,
    /// One or two words.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// The one most people came for.
    pub primary: bool,
}

/// Up to six tiles above the content on phones.
#[must_use]
pub fn tiles(tiles: &[Tile]) -> Markup {
    html! {
        div.tiles {
            @for tile in tiles {
                a class=(if tile.primary { "tile primary" } else { "tile" }) href=(href(&tile.href)) { (icon(tile.icon)) (tile.label) }
            }
        }
    }
}
