//! Show a thing, and its timeline.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, StoredEvent, Time, get, page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::reached;
use super::list::{ThingRow, rows};
use crate::relation::list::{Related, related};
use crate::{address, facts};

/// A section of facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SectionShown {
    /// Its name.
    pub name: String,
    /// How many facts it has.
    pub facts: i64,
}

/// A thing with what hangs on it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ThingShown {
    /// The thing, with the names of what it points at.
    #[serde(flatten)]
    pub row: ThingRow,
    /// The sections of facts that are known.
    pub sections: Vec<SectionShown>,
    /// The addresses that a person says it has; those that its agent reports are among its facts.
    pub addresses: Vec<String>,
    /// How it stands to other things, as far as you may see them.
    pub relations: Vec<Related>,
}

/// Show a thing with its place, team, owner, relations and which facts are known.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowThing {
    /// The thing's number.
    pub id: i64,
}

impl Operation for ShowThing {
    const NAME: &'static str = "assets.thing.show";
    const ROUTE: Route = get("/assets/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ThingShown;

    fn run(&self, cx: &mut Cx) -> Result<ThingShown> {
        let thing = reached(cx, self.id, Self::NAME)?;
        let sections = facts::store::sections(cx.tx, thing.id)?;
        let sections = sections.into_iter().map(|(name, facts)| SectionShown { name, facts }).collect();
        let addresses = address::store::given(cx.tx, thing.id)?;
        let relations = related(cx, thing.id)?;
        let row = rows(cx, vec![thing])?.pop().ok_or_else(|| Error::internal("asset-row", self.id))?;
        Ok(ThingShown { row, sections, addresses, relations })
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Moment {
    /// The event's number.
    pub id: i64,
    /// When.
    pub at: Time,
    /// What kind of event, for example `desk.ticket.opened`.
    pub name: String,
    /// In plain words.
    pub title: String,
    /// How it looks: ok, working, warn, critical, info, planned or idle.
    pub mark: String,
    /// Who caused it.
    pub actor: String,
    /// What it is about, as far as you may see it, with a title and a page each.
    pub about: Vec<About>,
}

/// Something a moment is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct About {
    /// What.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Its title now.
    pub title: String,
    /// Its page.
    pub href: String,
}

/// A page of a timeline.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Moments {
    /// Newest first.
    pub items: Vec<Moment>,
    /// Where the next page starts; send it back as `cursor`. Null on the last page.
    pub next: Option<String>,
}

/// Show what happened to a thing, newest first, from every part of Mainstay.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ThingTimeline {
    /// The thing's number.
    pub id: i64,
    /// Where to start: `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many on a page, 1 to 500; 50 when empty.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl Operation for ThingTimeline {
    const NAME: &'static str = "assets.thing.timeline";
    const ROUTE: Route = get("/assets/{id}/timeline");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Moments;

    fn run(&self, cx: &mut Cx) -> Result<Moments> {
        let thing = reached(cx, self.id, Self::NAME)?;
        let limit = page::rows(self.limit)?;
        let before = self.cursor.as_deref().filter(|text| !text.is_empty());
        let before = before.map(|text| page::before(Some(text))).transpose()?;
        let rows = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let events = cx.timeline(&thing.reference, before, rows)?;
        let page = page::Page::of(events, limit, |event| event.id);
        Ok(Moments { items: moments(cx, &thing.reference, page.items)?, next: page.next })
    }
}

/// Events as the actor may see them: what is mainly about something they may not see is left out.
fn moments(cx: &mut Cx, thing: &Ref, events: Vec<StoredEvent>) -> Result<Vec<Moment>> {
    let events = cx.readable(Some(thing), events)?;
    let mut others: Vec<Ref> = events.iter().flat_map(|event| event.subjects.clone()).collect();
    others.sort();
    others.dedup();
    others.retain(|one| one != thing);
    let seen = cx.resolve(&others)?;
    let moment = |event: StoredEvent| {
        let about = event.subjects.into_iter().filter_map(|reference| {
            let found = seen.get(&reference)?;
            Some(About { reference, title: found.title.clone(), href: found.href.clone() })
        });
        Moment {
            id: event.id,
            at: event.at,
            about: about.collect(),
            name: event.name,
            title: event.title,
            mark: event.mark,
            actor: web::ui::actor(&event.actor, &event.actor_name).to_owned(),
        }
    };
    Ok(events.into_iter().map(moment).collect())
}
