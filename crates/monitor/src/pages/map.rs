//! What an alert group affects, drawn: the cause, what hangs on it and how, and how many more.

use maud::{Markup, html};
use web::ui::{Card, Map, MapBranch, MapNode, Tone};

use super::looks;
use crate::group::affected::{Affected, More, Spot};

/// A relation read from the thing below to what hangs on it, short enough to stand on a line.
fn words(relation: Option<&str>) -> &'static str {
    match relation {
        Some("runs_on") => "hosts",
        Some("connected_to") => "uplink of",
        Some("depends_on") => "needed by",
        Some("powered_by") => "powers",
        Some("part_of") => "holds",
        Some("resolves_by") => "DNS of",
        Some("routes_by") => "gateway of",
        Some("stores_on") => "stores for",
        Some("secured_by") => "certificate of",
        Some("synced_by") => "clock of",
        _ => "same time",
    }
}

/// The card with the map of a group; nothing while there is nothing but the cause.
pub(super) fn card(group: i64, affected: &Affected, cause: &str) -> Markup {
    if affected.things.is_empty() {
        return html! {};
    }
    let all = format!("/monitoring/groups/{group}/alerts");
    let root = match &affected.cause {
        Some(spot) if spot.state.is_none() => MapNode { word: "Likely cause".to_owned(), ..node(spot, affected, &all) },
        Some(spot) => node(spot, affected, &all),
        None => MapNode {
            title: "Cause".to_owned(),
            word: cause.to_owned(),
            tone: Tone::Idle,
            branches: branches(None, affected, &all),
            ..MapNode::default()
        },
    };
    let loose = affected.cause.is_some() && affected.things.iter().any(|spot| spot.on.is_none());
    let things = if affected.total == 1 { "thing" } else { "things" };
    let note = html! { (affected.out) " of " (affected.total) " " (things) " have an alert out" };
    let map = Map::new("What is affected, beginning at the cause", with_loose(root, affected, &all));
    html! {
        (Card::new("What is affected").note(note).link("All alerts", &all).body(html! {
            (map)
            @if loose { p.hint { "A broken line: no relation to the cause is known; these failed at the same time." } }
        }))
    }
}

/// The cause also shows what has no known relation to it.
fn with_loose(mut root: MapNode, affected: &Affected, all: &str) -> MapNode {
    if affected.cause.is_some() {
        root.branches.extend(branches(None, affected, all));
    }
    root
}

/// What hangs on a thing, by the kind of relation.
fn branches(on: Option<i64>, affected: &Affected, all: &str) -> Vec<MapBranch> {
    let mut kinds: Vec<Option<&str>> = Vec::new();
    let things = affected.things.iter().filter(|spot| spot.on == on).map(|spot| spot.relation.as_deref());
    for kind in things.chain(affected.more.iter().filter(|more| more.on == on).map(|more| more.relation.as_deref())) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let branch = |kind: Option<&str>| MapBranch {
        words: words(kind).to_owned(),
        loose: kind.is_none(),
        nodes: affected
            .things
            .iter()
            .filter(|spot| spot.on == on && spot.relation.as_deref() == kind)
            .map(|spot| node(spot, affected, all))
            .collect(),
        more: affected
            .more
            .iter()
            .find(|more| more.on == on && more.relation.as_deref() == kind)
            .map(|more| (count(more), all.to_owned())),
    };
    kinds.into_iter().map(branch).collect()
}

fn count(more: &More) -> String {
    match more.things - more.out {
        0 => format!("{} more", more.things),
        cleared => format!("{} more, {cleared} cleared", more.things),
    }
}

fn node(spot: &Spot, affected: &Affected, all: &str) -> MapNode {
    let (tone, word) = match (spot.state, spot.open) {
        (None, _) => (Tone::Idle, "No alert"),
        (Some(_), false) => (Tone::Ok, "Cleared"),
        (Some(state), true) => looks(state, true, false),
    };
    let hang = branches(Some(spot.asset), affected, all);
    let note = if spot.behind > 0 { format!("{} behind it", spot.behind) } else { String::new() };
    MapNode {
        title: spot.name.clone(),
        word: word.to_owned(),
        note,
        tone,
        href: Some(format!("/assets/{}", spot.asset)).filter(|_| !spot.hidden),
        branches: hang,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::State;
    use crate::pages::HOSTILE;

    fn spot(asset: i64, name: &str, on: Option<(i64, &str)>) -> Spot {
        Spot {
            asset,
            name: name.into(),
            hidden: false,
            state: Some(State::Firing),
            open: true,
            on: on.map(|on| on.0),
            relation: on.map(|on| on.1.to_owned()),
            behind: 0,
        }
    }

    #[test]
    fn a_map_names_the_kinds_of_relations_counts_the_rest_and_escapes_names() {
        let affected = Affected {
            cause: Some(Spot { behind: 300, ..spot(1, "pdu-01", None) }),
            things: vec![
                spot(2, HOSTILE, Some((1, "powered_by"))),
                spot(3, "vm-7", Some((2, "runs_on"))),
                spot(4, "far", None),
            ],
            more: vec![More { on: Some(1), relation: Some("powered_by".into()), things: 297, out: 290 }],
            total: 301,
            out: 294,
        };
        let html = card(9, &affected, "pdu-01 has lost power").into_string();
        for part in
            ["powers", "hosts", "same time", "297 more, 7 cleared", "A broken line", "/assets/3", "294 of 301 things"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("<script>alert"));
        let none = Affected { cause: None, things: vec![], more: vec![], total: 0, out: 0 };
        assert_eq!(card(9, &none, "x").into_string(), "");
        let lost = Affected { things: vec![spot(4, "far", None)], total: 1, out: 1, ..none };
        let html = card(9, &lost, "cannot be determined").into_string();
        assert!(
            html.contains("Cause: cannot be determined")
                && html.contains("1 of 1 thing ")
                && !html.contains("A broken line")
        );
    }
}
