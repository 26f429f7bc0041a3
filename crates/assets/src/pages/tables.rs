//! The other tabs of a thing's page: its whole timeline, all facts, its software.

use kernel::Result;
use kernel::address::with_query;
use maud::{Markup, html};
use web::page::PageCx;
use web::ui::{Card, Clock, Column, Empty, Filter, List, Row, Table, nobody};

use super::fields::{name_words, short, title, words};
use super::overview::{entries, lines};
use crate::facts::Fact;
use crate::facts::list::{Facts, ListFacts};
use crate::thing::show::Moments;
use crate::{ThingShown, ThingTimeline};

/// Facts on one page.
const ROWS: usize = 200;
/// Sections that are software; the others are shown as facts.
const SOFTWARE: &[&str] = &["packages", "services", "updates"];

/// Which of a tab's parts is asked for.
struct Asked {
    id: i64,
    tab: &'static str,
    word: String,
    cursor: Option<String>,
}

impl Asked {
    fn of(page: &PageCx, id: i64, tab: &'static str) -> Self {
        let word = page.param("q").unwrap_or_default().to_owned();
        Self { id, tab, word, cursor: page.param("cursor").map(str::to_owned) }
    }

    fn address(&self, cursor: &str) -> String {
        with_query(&format!("/assets/{}?tab={}", self.id, self.tab), &[("q", &self.word), ("cursor", cursor)])
    }
}

/// The tab "Timeline".
pub(super) fn timeline(page: &mut PageCx, shown: &ThingShown) -> Result<Markup> {
    let asked = Asked::of(page, shown.row.thing.id, "timeline");
    let call = ThingTimeline { id: asked.id, cursor: asked.cursor.clone(), limit: Some(100) };
    let moments = page.cx.call(&call)?;
    Ok(draw_timeline(&asked, &moments, &page.clock()))
}

fn draw_timeline(asked: &Asked, moments: &Moments, clock: &Clock) -> Markup {
    let more = moments.next.as_deref().map(|next| asked.address(next));
    html! {
        (Card::new("Timeline").body(html! {
            @if moments.items.is_empty() { (nobody("Nothing happened yet.")) } @else { (lines(&entries(&moments.items, clock))) }
            @if let Some(more) = more { p { a href=(more) rel="next" { "Older" } } }
        }))
    }
}

/// The tab "Facts".
pub(super) fn facts(page: &mut PageCx, shown: &ThingShown) -> Result<Markup> {
    let sections = shown.sections.iter().map(|section| section.name.clone());
    let sections = sections.filter(|name| !SOFTWARE.contains(&name.as_str())).collect();
    let asked = Asked::of(page, shown.row.thing.id, "facts");
    let facts = find(page, &asked, sections)?;
    Ok(draw_facts(&asked, "facts", &facts, &page.clock()))
}

/// The tab "Software": packages, and services and updates where they are known.
pub(super) fn software(page: &mut PageCx, shown: &ThingShown) -> Result<Markup> {
    let asked = Asked::of(page, shown.row.thing.id, "software");
    let facts = find(page, &asked, SOFTWARE.iter().map(|name| (*name).to_owned()).collect())?;
    Ok(draw_facts(&asked, "packages and services", &facts, &page.clock()))
}

fn find(page: &mut PageCx, asked: &Asked, sections: Vec<String>) -> Result<Facts> {
    let (word, cursor) = (asked.word.clone(), asked.cursor.clone());
    page.cx.call(&ListFacts { id: asked.id, sections, word, cursor, limit: Some(ROWS) })
}

fn draw_facts(asked: &Asked, what: &str, facts: &Facts, clock: &Clock) -> Markup {
    let columns = [
        Column::new("Fact").main(),
        Column::new("Value"),
        Column::new("Part").wide(),
        Column::new("Source").extra(),
        Column::new("Looked at").extra(),
        Column::new("Since"),
    ];
    let table = Table::new("Facts").columns(columns).rows(facts.items.iter().map(|fact| line(fact, clock)));
    let next = facts.next.as_deref().map(|next| asked.address(next));
    let first = asked.cursor.as_ref().map(|_| asked.address(""));
    let empty = if asked.word.is_empty() {
        Empty::new("Nothing is known yet", "The agent reports within a minute of its start.")
    } else {
        Empty::new("Nothing matches", "Try a shorter word.")
    };
    let filter = Filter::new(format!("/assets/{}", asked.id), asked.word.as_str())
        .keep("tab", asked.tab)
        .placeholder(format!("Find in {what}"));
    html! { (List::new("facts", table).filter(filter).paging(next, first).empty(empty)) }
}

fn line(fact: &Fact, clock: &Clock) -> Row {
    let key = short(&fact.section, &fact.key);
    let name = if fact.section == "packages" { key.to_owned() } else { name_words(key) };
    Row::new(name.as_str())
        .cell(html! { span.mono dir="ltr" { (name) } })
        .cell(html! { span dir="auto" { (kernel::text::shorten(&words(&fact.key, &fact.value), 200)) } })
        .text(&title(&fact.section))
        .text(&fact.source)
        .cell(clock.short(fact.seen_at.timestamp()))
        .cell(clock.short(fact.changed_at.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{HOSTILE, check, clock};
    use super::*;
    use crate::thing::show::Moment;
    use serde_json::json;

    fn asked(word: &str, cursor: Option<&str>) -> Asked {
        Asked { id: 7, tab: "facts", word: word.into(), cursor: cursor.map(str::to_owned) }
    }

    fn fact(key: &str, value: serde_json::Value) -> Fact {
        let at = kernel::world::START;
        Fact { section: "os".into(), key: key.into(), value, source: "agent".into(), seen_at: at, changed_at: at }
    }

    #[test]
    fn facts_show_none_one_many_and_hostile_values() {
        let drawn = |asked: &Asked, items: Vec<Fact>, next: Option<&str>| {
            draw_facts(asked, "facts", &Facts { items, next: next.map(str::to_owned) }, &clock())
        };
        check(&drawn(&asked("", None), vec![], None), &["Nothing is known yet"]);
        check(&drawn(&asked("x", None), vec![], None), &["Nothing matches"]);
        check(&drawn(&asked("", None), vec![fact("os.kernel", json!("6.8"))], None), &["kernel", "6.8", "System"]);
        let hostile = vec![fact(HOSTILE, json!({ HOSTILE: HOSTILE })), fact("os.name", json!(HOSTILE))];
        check(&drawn(&asked(HOSTILE, Some("x")), hostile, Some("os a&b")), &["cursor=os%20a%26b", "First page"]);
    }

    #[test]
    fn a_timeline_shows_none_and_many_moments() {
        let moment = |title: &str| Moment {
            id: 1,
            at: kernel::world::START,
            name: "assets.thing.created".into(),
            title: title.into(),
            mark: "info".into(),
            actor: HOSTILE.into(),
            about: vec![],
        };
        let drawn = |items: Vec<Moment>, next: Option<&str>| {
            draw_timeline(&asked("", None), &Moments { items, next: next.map(str::to_owned) }, &clock())
        };
        check(&drawn(vec![], None), &["Nothing happened yet."]);
        check(&drawn(vec![moment("srv-01 was added"), moment(HOSTILE)], Some("9")), &["srv-01 was added", "cursor=9"]);
    }
}
