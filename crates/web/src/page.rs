//! Pages: functions from a read transaction to markup. The server adds the shell, the session and the response.

use std::any::Any;
use std::collections::BTreeMap;

use kernel::{Actor, Cx, Error, Kernel, Ref, Result, Time};
use maud::{Markup, html};

use crate::later::Later;
use crate::ui::{Tone, notice};

/// Who a page is made for; it decides the frame around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// People who run things: the console with its navigation.
    Console,
    /// Employees: the portal.
    Portal,
}

/// A page: a path, who may open it, and the function that makes it.
pub struct Page {
    /// The path with `{name}` for parameters.
    pub path: &'static str,
    /// The operation whose grant opens the page; empty: any signed-in user.
    pub grant: &'static str,
    /// Which frame it has.
    pub audience: Audience,
    /// Makes the page in one read transaction.
    pub render: fn(&mut PageCx) -> Result<Content>,
    /// What it asks before; the server then makes it with that.
    pub early: Option<Early>,
}

/// What takes long and needs no transaction: asked before the page, so that no reader of the database waits for it.
#[derive(Clone, Copy)]
pub struct Early {
    /// Asks.
    pub ask: fn(&Asking) -> Result<Asked>,
    /// Makes the page with what was answered.
    pub render: fn(&mut PageCx, Asked) -> Result<Content>,
}

/// An answer of the page's own kind.
pub type Asked = Box<dyn Any + Send>;

/// For whom a page asks, and what its address says.
pub struct Asking<'a> {
    /// The kernel: short reads, and whatever the domains keep in memory.
    pub kernel: &'a Kernel,
    /// Who opens the page.
    pub actor: &'a Actor,
    /// The moment of the call.
    pub now: Time,
    /// Parameters of the path.
    pub path: BTreeMap<String, String>,
    /// The query string, decoded, in order.
    pub query: Vec<(String, String)>,
}

impl Page {
    /// A page of the console.
    pub const fn console(path: &'static str, grant: &'static str, render: fn(&mut PageCx) -> Result<Content>) -> Self {
        Self { path, grant, audience: Audience::Console, render, early: None }
    }

    /// The same page, with something that is asked before.
    pub const fn asks(mut self, early: Early) -> Self {
        self.early = Some(early);
        self
    }

    /// A page of the portal.
    pub const fn portal(path: &'static str, grant: &'static str, render: fn(&mut PageCx) -> Result<Content>) -> Self {
        Self { path, grant, audience: Audience::Portal, render, early: None }
    }
}

/// What a page answers: the title of the window and the body inside the frame.
pub struct Content {
    /// The window's title.
    pub title: String,
    /// What stands inside `<main>`.
    pub body: Markup,
}

impl Content {
    /// A title and a body.
    pub fn new(title: impl Into<String>, body: Markup) -> Self {
        Self { title: title.into(), body }
    }
}

/// What a page function gets.
pub struct PageCx<'c, 'a, 'tx> {
    /// The read context: `cx.call(&SomeOperation { .. })` checks permission and runs it.
    pub cx: &'c mut Cx<'a, 'tx>,
    /// Parameters of the path.
    pub path: BTreeMap<String, String>,
    /// The query string, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The full path and query of this page, for forms that come back here (`_back`).
    pub here: String,
    /// How the reader's browser reaches this console, such as `https://it.example.org`; empty when it did not say.
    pub origin: String,
    /// The token every form carries as `_csrf`.
    pub csrf: String,
    /// The zone times are shown in.
    pub zone: jiff::tz::TimeZone,
    /// The panels of all domains.
    pub all_panels: &'c [PanelSlot],
    /// What is drawn when the transaction is over.
    pub later: Later,
}

/// A panel as the server lists it.
#[derive(Clone, Debug)]
pub struct PanelSlot {
    /// Its name.
    pub name: &'static str,
    /// The kind of noun it is about.
    pub about: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Where it stands.
    pub place: PanelPlace,
    /// The operation whose grant shows it.
    pub grant: &'static str,
    /// Makes it.
    pub render: fn(&mut PageCx, &Ref) -> Result<Option<Markup>>,
}

impl PanelSlot {
    /// The panel about a subject. `/_panel/NAME/KIND/ID` answers the same, for parts that renew themselves. A panel that fails says so and leaves the page whole.
    pub fn draw(&self, page: &mut PageCx, subject: &Ref) -> Markup {
        let body = match (self.render)(page, subject) {
            Ok(body) => body.unwrap_or_else(|| html! {}),
            Err(error) => notice(Tone::Warn, &error.message),
        };
        html! { div.stack id={ "panel-" (self.name.replace('.', "-")) } { (body) } }
    }
}

/// A panel as it stands on a page.
#[derive(Clone, Debug)]
pub struct Part {
    /// Where it stands.
    pub place: PanelPlace,
    /// What it shows.
    pub body: Markup,
}

/// The parts of one place, in order.
pub fn placed(parts: &[Part], place: PanelPlace) -> Markup {
    html! { @for part in parts.iter().filter(|part| part.place == place) { (part.body) } }
}

impl PageCx<'_, '_, '_> {
    /// A parameter of the path as a number; what is no number does not exist.
    pub fn id(&self, name: &str) -> Result<i64> {
        number(&self.path, name)
    }

    /// What other domains show about a subject to this actor, in order of declaration. It is drawn with the page, so that
    /// nothing moves afterwards and pages are whole without script.
    pub fn parts(&mut self, subject: &Ref) -> Vec<Part> {
        let all = self.all_panels;
        let wanted = all.iter().filter(|slot| slot.about == subject.kind.as_ref());
        let mut parts = Vec::new();
        for slot in wanted {
            if self.cx.may(slot.grant) {
                parts.push(Part { place: slot.place, body: slot.draw(self, subject) });
            }
        }
        parts
    }

    /// The clock for times on this page: now, in the reader's zone.
    pub fn clock(&self) -> crate::ui::Clock {
        crate::ui::Clock::new(self.cx.now.timestamp(), self.zone.clone())
    }

    /// The first value of a query parameter; empty counts as absent.
    pub fn param(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// For what is asked before, where it is asked within the transaction after all.
    pub fn asking(&self) -> Asking<'_> {
        let (path, query) = (self.path.clone(), self.query.clone());
        Asking { kernel: self.cx.kernel, actor: self.cx.actor, now: self.cx.now, path, query }
    }
}

impl Asking<'_> {
    /// A parameter of the path as a number; what is no number does not exist.
    pub fn id(&self, name: &str) -> Result<i64> {
        number(&self.path, name)
    }

    /// The first value of a query parameter; empty counts as absent.
    pub fn param(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }
}

fn number(path: &BTreeMap<String, String>, name: &str) -> Result<i64> {
    let text = path.get(name).ok_or_else(|| Error::internal("path-parameter-missing", name))?;
    text.parse().map_err(|_| Error::not_found("This page"))
}

fn first<'q>(query: &'q [(String, String)], name: &str) -> Option<&'q str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

/// A part of a thing's page that a domain adds to another domain's noun.
pub struct Panel {
    /// Unique; part of the address it is loaded from.
    pub name: &'static str,
    /// The kind of noun it is about, for example `asset`.
    pub about: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Where it stands.
    pub place: PanelPlace,
    /// The operation whose grant shows it.
    pub grant: &'static str,
    /// Makes it; `None` shows nothing at all.
    pub render: fn(&mut PageCx, &Ref) -> Result<Option<Markup>>,
}

/// What the form behind a door does: the secret, then the form's fields.
pub type ActOnDoor = fn(&kernel::Handle, &str, &[(String, String)]) -> Result<Content>;

/// A small page that whoever has its address may open: the last part of the address is the secret, which the domain judges.
/// Looking changes nothing, since programs look at links before people do; pressing its button does.
pub struct Door {
    /// The path, ending in `/{secret}`.
    pub path: &'static str,
    /// Makes the page.
    pub show: fn(&kernel::Handle, &str) -> Result<Content>,
    /// Does what its form asks, with the form's fields, and makes the page that says so.
    pub act: ActOnDoor,
}

/// Where a panel stands on a thing's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelPlace {
    /// In the wide column.
    Main,
    /// In the narrow column beside it.
    Side,
}
