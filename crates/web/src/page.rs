//! Pages: functions from a read transaction to markup. The server adds the shell, the session and the response.

use std::collections::BTreeMap;

use kernel::{Cx, Error, Ref, Result};
use maud::Markup;

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
}

impl Page {
    /// A page of the console.
    pub const fn console(path: &'static str, grant: &'static str, render: fn(&mut PageCx) -> Result<Content>) -> Self {
        Self { path, grant, audience: Audience::Console, render }
    }

    /// A page of the portal.
    pub const fn portal(path: &'static str, grant: &'static str, render: fn(&mut PageCx) -> Result<Content>) -> Self {
        Self { path, grant, audience: Audience::Portal, render }
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
    /// The token every form carries as `_csrf`.
    pub csrf: String,
    /// The zone times are shown in.
    pub zone: jiff::tz::TimeZone,
    /// The panels of all domains.
    pub all_panels: &'c [PanelSlot],
}

/// A panel as a page lists it: enough to place it and load it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl PanelSlot {
    /// Where it is loaded from.
    pub fn src(&self, subject: &Ref) -> String {
        format!("/_panel/{}/{}/{}", self.name, subject.kind, subject.id)
    }
}

impl PageCx<'_, '_, '_> {
    /// A parameter of the path as a number; what is no number does not exist.
    pub fn id(&self, name: &str) -> Result<i64> {
        let text = self.path.get(name).ok_or_else(|| Error::internal("path-parameter-missing", name))?;
        text.parse().map_err(|_| Error::not_found("This page"))
    }

    /// The panels about a kind that this actor may see, in order of declaration.
    pub fn panels(&self, about: &str) -> Vec<PanelSlot> {
        self.all_panels.iter().filter(|slot| slot.about == about && self.cx.may(slot.grant)).cloned().collect()
    }

    /// The clock for times on this page: now, in the reader's zone.
    pub fn clock(&self) -> crate::ui::Clock {
        crate::ui::Clock::new(self.cx.now.timestamp(), self.zone.clone())
    }

    /// The first value of a query parameter; empty counts as absent.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
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

/// Where a panel stands on a thing's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelPlace {
    /// In the wide column.
    Main,
    /// In the narrow column beside it.
    Side,
}
