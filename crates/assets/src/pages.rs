//! The pages of assets: the list with bulk edit, the form for a new thing, and the page of one thing, which every other
//! domain adds its parts to.

use kernel::Operation;
use maud::{Markup, html};
use web::domain::{Create, Group, Place};
use web::page::Page;
use web::ui::{Tone, pill};

use crate::thing::{Criticality, KINDS, Status};
use crate::{CreateThing, ListThings, ShowCoverage, ShowThing};

mod coverage;
mod fields;
mod glance;
mod list;
mod new;
mod overview;
mod storage;
mod tables;
mod thing;

pub(crate) fn all() -> Vec<Page> {
    vec![
        Page::console("/assets", ListThings::NAME, list::page),
        Page::console("/assets/coverage", ShowCoverage::NAME, coverage::page),
        Page::console("/assets/new", CreateThing::NAME, new::page),
        Page::console("/assets/{id}", ShowThing::NAME, thing::page),
    ]
}

pub(crate) fn nav() -> Vec<Place> {
    vec![Place { group: Group::Know, label: "Assets", icon: "assets", href: "/assets", grant: ListThings::NAME }]
}

pub(crate) fn creates() -> Vec<Create> {
    vec![Create { label: "Thing", href: "/assets/new", grant: CreateThing::NAME }]
}

/// A status as a pill.
fn status_pill(status: Status) -> Markup {
    let tone = match status {
        Status::Planned => Tone::Planned,
        Status::InUse => Tone::Ok,
        Status::InRepair => Tone::Warn,
        Status::Stored | Status::Retired => Tone::Idle,
    };
    pill(tone, status.title())
}

/// A criticality; what is normal is quiet.
fn criticality_word(level: Criticality) -> Markup {
    match level {
        Criticality::Critical | Criticality::High => html! { b { (level.title()) } },
        Criticality::Normal | Criticality::Low => html! { span.none { (level.title()) } },
    }
}

/// Options of a picker with an empty first choice.
fn options(empty: &str, choices: &[(i64, String)]) -> Vec<(String, String)> {
    let first = std::iter::once((String::new(), empty.to_owned()));
    first.chain(choices.iter().map(|(id, name)| (id.to_string(), name.clone()))).collect()
}

fn kind_options() -> Vec<(String, String)> {
    KINDS.iter().map(|(word, title, _)| ((*word).to_owned(), (*title).to_owned())).collect()
}

fn status_options() -> Vec<(String, String)> {
    Status::ALL.iter().map(|status| (status.as_str().to_owned(), status.title().to_owned())).collect()
}

fn criticality_options() -> Vec<(String, String)> {
    Criticality::ALL.iter().map(|level| (level.as_str().to_owned(), level.title().to_owned())).collect()
}

/// What the pickers of places, teams and people offer.
#[derive(Clone, Debug, Default)]
struct Pickers {
    places: Vec<(i64, String)>,
    teams: Vec<(i64, String)>,
    users: people::Persons,
}

impl Pickers {
    /// What the reader may choose; `owner` holds the thing that the form is about.
    fn of(page: &mut web::PageCx, owner: Option<i64>) -> kernel::Result<Self> {
        Ok(Self {
            places: people::place_choices(page.cx)?,
            teams: people::team_choices(page.cx)?,
            users: people::Persons::load(page.cx, owner.as_slice())?,
        })
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Things for the tests of pages.

    use super::*;
    use crate::thing::Thing;
    use crate::thing::list::ThingRow;

    /// Text that would break a page that does not escape it.
    pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}🙂";

    pub(crate) fn clock() -> web::ui::Clock {
        web::ui::Clock::utc_us(kernel::world::START.0)
    }

    pub(crate) fn row(id: i64, name: &str) -> ThingRow {
        let thing = Thing {
            id,
            reference: Thing::subject(id),
            name: name.into(),
            kind: "server".into(),
            tag: crate::thing::own_tag(id),
            status: Status::InUse,
            criticality: Criticality::High,
            place: Some(1),
            team: Some(1),
            owner: Some(1),
            notes: name.into(),
            last_seen_at: Some(kernel::world::START.plus(-20 * kernel::time::SECOND)),
            created_at: kernel::world::START,
            updated_at: kernel::world::START,
            version: 1,
        };
        ThingRow { thing, place_name: name.into(), team_name: name.into(), owner_name: name.into() }
    }

    pub(crate) fn check(markup: &Markup, wanted: &[&str]) {
        assert!(!markup.0.contains("<script>alert"), "hostile text is escaped");
        assert!(!markup.0.contains(" style="), "no inline style");
        for text in wanted {
            assert!(markup.0.contains(text), "{text} in {}", markup.0);
        }
    }
}
