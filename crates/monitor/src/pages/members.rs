//! Every alert of a group, a page at a time.

use kernel::Result;
use kernel::address::with_query;
use maud::{Markup, html};
use web::page::{Content, PageCx};
use web::ui::{Clock, Empty, List, PageHeader, Tab, Table, Tabs};

use super::Names;
use super::group::{member, member_columns};
use crate::group::members::{ListMembers, Members};

struct View {
    clock: Clock,
    id: i64,
    title: String,
    open: Option<bool>,
    later: bool,
    members: Members,
    names: Names,
}

pub(super) fn page(page: &mut PageCx) -> Result<Content> {
    let id = page.id("id")?;
    let open = page.param("open").and_then(|text| text.parse::<bool>().ok());
    let cursor = page.param("cursor").filter(|text| !text.is_empty()).map(str::to_owned);
    let later = cursor.is_some();
    let members = page.cx.call(&ListMembers { id, open, cursor, limit: None })?;
    let group = crate::group::find(page.cx, ListMembers::OPERATION, id)?;
    let assets: Vec<i64> = members.items.iter().filter_map(|one| one.asset).collect();
    let names = Names::load(page, &assets, &[])?;
    let view = View { clock: page.clock(), id, title: group.title, open, later, members, names };
    Ok(Content::new(format!("Alerts: {}", view.title), draw(&view)))
}

fn draw(view: &View) -> Markup {
    let here = format!("/monitoring/groups/{}/alerts", view.id);
    let open = view.open.map(|open| open.to_string()).unwrap_or_default();
    let tab = |label: &str, value: &str| Tab::new(label, with_query(&here, &[("open", value)])).current(open == value);
    let table = Table::new("Alerts of this group")
        .columns(member_columns())
        .rows(view.members.items.iter().map(|one| member(&view.clock, &view.names, one)));
    let first = view.later.then(|| with_query(&here, &[("open", &open)]));
    let next = view.members.next.as_ref().map(|cursor| with_query(&here, &[("open", &open), ("cursor", cursor)]));
    let list = List::new("members", table)
        .tabs(Tabs::new("Which alerts", [tab("All", ""), tab("Out", "true"), tab("Cleared", "false")]))
        .paging(next, first)
        .empty(Empty::new("No alert fits", "Nothing of this group stands so. Look at all of them."));
    html! {
        (PageHeader::new("Alerts of the group").crumb("Monitoring", Some("/monitoring"))
            .crumb(view.title.clone(), Some(&format!("/monitoring/groups/{}", view.id)))
            .subtitle(html! { "Every alert that ever belonged to it, those of the newest checks first." }))
        (list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Member;
    use crate::pages::HOSTILE;

    #[test]
    fn the_alerts_of_a_group_draw_none_many_and_hostile_text() {
        let drawn = |items: Vec<Member>, next: Option<String>| {
            let view = View {
                clock: Clock::utc_us(0),
                id: 9,
                title: HOSTILE.into(),
                open: Some(true),
                later: true,
                members: Members { items, next },
                names: Names::default(),
            };
            draw(&view).into_string()
        };
        assert!(drawn(vec![], None).contains("No alert fits"));
        let one = Member {
            check: 3,
            asset: Some(417),
            name: HOSTILE.into(),
            joined_at: kernel::Time(0),
            cleared_at: None,
            labels: Default::default(),
        };
        let many = drawn(vec![one; 50], Some("3".into()));
        assert!(many.contains("open=true&amp;cursor=3") && many.len() < 120_000 && !many.contains("<script>alert"));
    }
}
