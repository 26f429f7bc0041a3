//! The sections of the gallery.

use super::{
    HOSTILE,
    sample::{NOW_US, PEOPLE, TICKETS},
};
use crate::ui::{
    Attention, Bulk, Button, Card, Clock, Column, Dialog, Difference, Empty, Entry, Facts, Field, Fill, Filter, Form,
    ICON_NAMES, List, Map, MapBranch, MapNode, Menu, Row, Sorted, Stat, Step, StepState, Stripe, Strips, Tab, Table,
    Tabs, Tile, Tone, avatar, bar, bit_rate, byte_rate, bytes, code, count, differences, duration, icon, lazy, meter,
    nobody, notice, percent, person, pill, post_button, progress, shape, stats, status, steps as step_list, tag, tiles,
    timeline as entries, uptime,
};
use jiff::Timestamp;
use maud::{Markup, html};

const WORDS: [&str; 7] = ["Healthy", "In progress", "Degraded", "Down", "New", "Planned", "Waiting on user"];

pub(super) fn tones() -> Markup {
    html! {
        (Card::new("Status").note(html! { "shape, word and colour; none is needed alone" }).body(html! {
            div.flow { @for (tone, word) in Tone::ALL.into_iter().zip(WORDS) { (pill(tone, word)) } }
            div.flow { @for (tone, word) in Tone::ALL.into_iter().zip(WORDS) { (status(tone, word)) } }
            div.flow { @for (tone, word) in Tone::ALL.into_iter().zip(WORDS) { (shape(tone, word)) } (tag("critical")) (tag("core")) }
        }))
    }
}

pub(super) fn icons() -> Markup {
    html! {
        (Card::new("Icons").count(ICON_NAMES.len()).body(html! {
            div.flow { @for name in ICON_NAMES { span.tag { (icon(name)) " " (name) } } }
        }))
    }
}

pub(super) fn buttons() -> Markup {
    let menu = Menu::new(Button::plain("More actions").caret()).link("edit", "Edit", "#", Some("e")).post(
        "trash",
        "Delete",
        "#",
        "token",
        &[("ref", "ticket:4821")],
    );
    let tile = |icon, label: &str, primary| Tile { icon, label: label.to_owned(), href: "#".to_owned(), primary };
    let dialog = Dialog::new("gallery-dialog", "Assign 4 tickets")
        .body(html! { (Form::post("#", "token").field(Field::select("owner", "Owner", PEOPLE.map(|name| (name, name))).required())) })
        .action(Button::plain("Cancel").hook("close", ""))
        .action(Button::submit("Assign").primary());
    html! {
        (Card::new("Buttons").body(html! {
            div.flow {
                (Button::link("New ticket", "#").primary().icon("plus").key("c")) (Button::link("Answers", "#").icon("book"))
                (Button::plain("Quiet").quiet()) (Button::submit("Delete").danger()) (Button::link("Small", "#").small())
                (Button::plain("Refresh").icon_only("refresh")) (Button::link("Run", "#").disabled("You may not run runbooks here"))
                (Button::submit("Wait").disabled("A run is under way")) (Button::plain("Open dialog").opens("gallery-dialog")) (menu)
                (post_button("#", "token", &[("ref", "ticket:4821")], &Button::submit("Resolve").confirm("Resolve ticket 4821?")))
            }
            (tiles(&[tile("play", "Start work", true), tile("checklist", "Checklist", false), tile("camera", "Note, photo", false)]))
        }))
        (dialog)
    }
}

pub(super) fn fields() -> Markup {
    html! {
        (Card::new("Form").body(html! {
            div.narrow {
                (Form::post("#", "token").back("/_ui").error(Some("The ticket was not opened: one field needs you."))
                    .field(Field::text("summary", "What is wrong").required().help("In the requester's words.").error(Some("Say in a few words what is wrong.")))
                    .field(Field::textarea("detail", "Details").placeholder("Since when, what changed, what was tried"))
                    .fields([
                        Field::select("team", "Team", [("network", "Network"), ("desktop", "Desktop")]).value("desktop").required(),
                        Field::input("email", "mail", "Mail").value(HOSTILE[0]).autocomplete("off"),
                    ])
                    .field(Field::text("serial", "Serial").mono().value("FDO2541A0KQ").readonly())
                    .field(Field::password("password", "Password").required())
                    .field(Field::checkbox("tell", "Tell the requester").checked(true).help("They get one mail now."))
                    .field(Field::hidden("expected_version", "7"))
                    .action(Button::submit("Open ticket").primary()).action(Button::link("Cancel", "#").quiet()))
            }
        }))
    }
}

pub(super) fn notices() -> Markup {
    html! {
        (Card::new("Notices").body(html! {
            @for (tone, word) in Tone::ALL.into_iter().zip(WORDS) { (notice(tone, word)) }
            (lazy("gallery-lazy", "neighbours", "/_ui/missing"))
            (code("mainstay desk ticket list --fields id,summary -o table\nPort 22/tcp open"))
        }))
    }
}

pub(super) fn figures() -> Markup {
    let wave: Vec<f64> = (0..24_u32).map(|n| f64::from((n * 37) % 11)).collect();
    let stat = |label: &str, value: &str, note: &str, tone| Stat {
        label: label.to_owned(),
        value: value.to_owned(),
        note: note.to_owned(),
        spark: wave.clone(),
        tone,
        href: Some("#".to_owned()),
    };
    let cells: Vec<(Tone, String)> = (0..30_u32)
        .map(|hour| match hour {
            4 | 28 => (Tone::Warn, format!("{hour}:00 degraded")),
            17 => (Tone::Critical, format!("{hour}:00 down 12 min")),
            29 => (Tone::Idle, format!("{hour}:00 not measured")),
            _ => (Tone::Ok, format!("{hour}:00 up")),
        })
        .collect();
    html! {
        (stats(&[
            stat("Services up", "46 / 48", "2 degraded", Tone::Critical), stat("Open tickets", "27", "9 unassigned", Tone::Idle),
            stat("First reply, median", "11 min", "goal 30 min", Tone::Ok), Stat { label: "Backups".into(), value: "58 / 58".into(), ..Stat::default() },
        ]))
        (Card::new("Last 30 hours").body(html! { (uptime("VPN gateway", "98.90 %", &cells)) (uptime(HOSTILE[3], "100 %", &cells)) }))
        (Card::new("Who is on call").flush(html! { (who_when()) }))
        (Card::new("What is affected").body(html! { (affected()) }))
        (Card::new("Shares and quantities").body(html! {
            div.flow {
                (meter(0.97, Tone::Critical, "12 min over")) (meter(0.8, Tone::Warn, "1 h")) (meter(0.2, Tone::Ok, "8 h")) (meter(f64::NAN, Tone::Idle, "not known"))
                (bar(0.5, Tone::Planned, false))
            }
            (progress(37, 120, "Machines patched"))
            div.flow { @for text in [bytes(228_170_137_600), bit_rate(419e6), byte_rate(1.24e6), count(12_400), percent(0.941), duration(11_520)] { (tag(&text)) } }
        }))
    }
}

pub(super) fn attention() -> Markup {
    let row = |tone, word: &str, title: &str, why: &str, verb: &str| Attention {
        tone,
        word: word.to_owned(),
        title: title.to_owned(),
        href: Some("#".to_owned()),
        why: html! { (why) },
        action: Some(Button::link(verb, "#")),
    };
    html! {
        (Card::new("Needs you now").count(3).link("Why this order?", "#").flush(crate::ui::attention_list(&[
            row(Tone::Critical, "Down 4 min", "sw-flr3-02 is unreachable", "41 devices behind it · last change: firmware 17.9.4, 35 min ago", "Open incident"),
            row(Tone::Warn, "Approve", "Change 118: replace core uplink optics, tonight 22:00", "Low risk, tested rollback · asked by Dev Patel", "Review"),
            row(Tone::Info, "Expiring", HOSTILE[1], HOSTILE[0], "Run"),
        ])))
    }
}

pub(super) fn facts() -> Markup {
    html! {
        (Card::new("At a glance").link("Edit", "#").tight(html! {
            (Facts::new().text("Up for", "412 days").row("Software", html! { "IOS-XE 17.9.3 " (pill(Tone::Warn, "1 update")) })
                .row("Backup", status(Tone::Ok, "Verified, 8 h ago")).mono("Address", "10.20.0.1/24").row("Owner", person(PEOPLE[2], Some("#")))
                .row("Deputy", nobody("Nobody")).text("Note", HOSTILE[3]).known("Lease", None))
        }))
        (Card::new("People").body(html! { div.flow { @for name in PEOPLE.into_iter().chain(HOSTILE) { (avatar(name, true)) (person(name, None)) } } }))
    }
}

fn ago(minutes: i64) -> Timestamp {
    Timestamp::from_microsecond(NOW_US - minutes * 60_000_000).unwrap_or_default()
}

pub(super) fn times(clock: &Clock) -> Markup {
    html! {
        (Card::new("Times").body(html! {
            div.flow { @for minutes in [0, 5, 190, -60, 1500, 9000, 30_000, 600_000] {
                span.tag { (clock.ago(ago(minutes))) " · " (clock.short(ago(minutes))) " · " (clock.when(ago(minutes))) " · " (clock.at(ago(minutes))) }
            } }
        }))
    }
}

pub(super) fn changes() -> Markup {
    let change = |subject: &str, field: &str, old: Option<&str>, new: Option<&str>| Difference {
        subject: Some(subject.to_owned()),
        field: field.to_owned(),
        old: old.map(str::to_owned),
        new: new.map(str::to_owned),
    };
    html! {
        (Card::new("What changes").count(3).flush(differences(&[
            change("#4821", "Owner", None, Some("Lena Fischer")), change("#4820", "Status", Some("New"), Some("In progress")),
            change("#4819", "Summary", Some(HOSTILE[0]), Some(HOSTILE[3])),
        ])))
    }
}

pub(super) fn timeline(clock: &Clock) -> Markup {
    let entry = |tone, title: &str, detail: &str, minutes| Entry {
        tone,
        title: title.to_owned(),
        href: Some("#".to_owned()),
        detail: Some(html! { (detail) }),
        body: None,
        at: clock.when(ago(minutes)),
    };
    let reply = Entry {
        body: Some(html! { p.pre { (HOSTILE[1]) "\n" (HOSTILE[0]) } }),
        ..entry(Tone::Idle, "Amara Okafor replied", "by mail", 90)
    };
    html! {
        (Card::new("Timeline").link("All events", "#").body(entries(&[
            entry(Tone::Critical, "Link down Te1/0/12", "towards sw-flr3-02", 9), entry(Tone::Planned, "Change 118 approved", "by Lena Fischer", 48), reply,
            entry(Tone::Ok, "Configuration saved", "no difference to yesterday", 1600), entry(Tone::Warn, HOSTILE[0], HOSTILE[4], 30_000),
        ])))
    }
}

pub(super) fn steps() -> Markup {
    use StepState::{Approval, Done, Failed, Running, Skipped, Unknown, Waiting};
    let all = [
        ("Check that nobody is signed in", Done),
        ("Restart the print spooler", Running),
        ("Approve the reboot", Approval),
        ("Reboot", Waiting),
        ("Empty the queue", Failed),
        ("Tell the floor", Skipped),
        (HOSTILE[3], Unknown),
    ];
    let list: Vec<Step> = all
        .into_iter()
        .map(|(title, state)| Step {
            title: title.to_owned(),
            state,
            detail: (state == Failed).then(|| code("spooler: 3 jobs are locked by pid 812")),
            took: (state == Done).then(|| "3 s".to_owned()),
        })
        .collect();
    html! { (Card::new("Steps of a run").tight(step_list(&list))) }
}

pub(super) fn list() -> Markup {
    let clock = Clock::utc_us(NOW_US);
    let rows = TICKETS.iter().enumerate().map(|(at, (number, subject, from, thing, owner, minutes))| {
        let tone = Tone::ALL.into_iter().cycle().nth(at + 2).unwrap_or_default();
        let owner = owner.and_then(|place| PEOPLE.get(place));
        Row::new(*subject)
            .reference(format!("ticket:{number}"))
            .href(format!("/desk/tickets/{number}"))
            .unread(at < 3)
            .text(&number.to_string())
            .main()
            .text(from)
            .cell(if thing.is_empty() {
                nobody("—")
            } else {
                html! { a.mono href="#" { (thing) } }
            })
            .cell(owner.map_or_else(|| nobody("Unassigned"), |name| person(name, None)))
            .cell(pill(tone, WORDS.get((at + 2) % 7).copied().unwrap_or_default()))
            .cell(meter(
                0.9 - 0.2 * f64::from(u8::try_from(at).unwrap_or(0)),
                if at == 0 { Tone::Critical } else { Tone::Ok },
                "3 h",
            ))
            .cell(clock.short(ago(*minutes)))
    });
    let columns = [
        Column::new("No.").wide(),
        Column::new("Subject").main(),
        Column::new("Requester").wide(),
        Column::new("Thing").extra(),
        Column::new("Owner").wide(),
        Column::new("Status"),
        Column::new("Due").wide().sort("?sort=-due", Sorted::Up),
        Column::new("Updated").wide().sort("?sort=updated", Sorted::No),
    ];
    let views = [
        Tab::new("My queue", "?view=mine").count(34).current(true),
        Tab::new("Unassigned", "?view=none").count(63),
        Tab::new("SLA at risk", "?view=risk").count(3).hot(),
    ];
    html! {
        (List::new("gallery-list", Table::new("Tickets").columns(columns).rows(rows))
            .tabs(Tabs::new("Views of tickets", views))
            .filter(Filter::new("/_ui", "").placeholder("Filter: word, team:network, status:new").chip("Status is not Resolved", "?q=").suggest("Filter", "?q=owner:me"))
            .bulk(Bulk::new("/_ui/bulk", "token").back("/_ui").button(Button::submit("Assign").value("do", "assign").key("a")).button(Button::submit("Resolve").value("do", "resolve").key("e")))
            .total("34 tickets").paging(Some("?after=4798".to_owned()), None))
    }
}

pub(super) fn empty() -> Markup {
    let nothing =
        Empty::new("Nothing matches", "No ticket in this view fits “zebra”. Remove a word, or look in all tickets.")
            .action(Button::link("Search all tickets", "#"))
            .action(Button::link("Clear filter", "#").quiet());
    html! { (List::new("gallery-empty", Table::new("Tickets")).filter(Filter::new("/_ui", "zebra")).empty(nothing)) (Card::new("").body(html! { "A card without a heading." })) }
}

pub(super) fn hostile() -> Markup {
    html! {
        @for text in HOSTILE {
            (Card::new(text).count(text).link(text, text).body(html! {
                div.flow { (pill(Tone::Warn, text)) (tag(text)) (Button::link(text, text)) (person(text, Some(text))) (shape(Tone::Info, text)) }
                (code(text))
                (Table::new(text).columns([Column::new(text).main(), Column::new("No.").num()]).rows([Row::new(text).href(text).reference(text).main().text(text)]))
            }))
        }
    }
}

/// A strip with somebody, nobody, a planned pause and hostile names.
/// A switch with its machines, one of which nobody knows how it hangs there.
fn affected() -> Map {
    let node = |title: &str, word: &str, tone, branches| MapNode {
        title: title.into(),
        word: word.into(),
        tone,
        href: Some("#".into()),
        branches,
        ..MapNode::default()
    };
    let branch = |words: &str, nodes| MapBranch { words: words.into(), nodes, ..MapBranch::default() };
    let services = branch(
        "hosts",
        vec![node("intranet", "Unreachable", Tone::Critical, vec![]), node(HOSTILE[0], "Cleared", Tone::Ok, vec![])],
    );
    let machines =
        vec![node("app-01", "Firing", Tone::Critical, vec![services]), node("app-02", "Cleared", Tone::Ok, vec![])];
    let more = Some(("248 more, 3 cleared".to_owned(), HOSTILE[6].to_owned()));
    let fan = MapBranch { more, ..branch("uplink of", machines) };
    let lost = MapBranch { loose: true, ..branch("same time", vec![node(HOSTILE[3], "No data", Tone::Warn, vec![])]) };
    let root =
        MapNode { note: "254 behind it".into(), ..node("sw-core-01", "Likely cause", Tone::Idle, vec![fan, lost]) };
    Map::new("What is affected, beginning at the switch", root)
}

fn who_when() -> Strips {
    let stripe =
        |from: f64, to: f64, text: &str, fill: Fill| Stripe { from, to, text: text.into(), title: text.into(), fill };
    let days = ["Mon 2", "Tue 3", "Wed 4", "Thu 5", "Fri 6", "Sat 7", "Sun 8"];
    let people = vec![stripe(0.0, 0.45, PEOPLE[0], Fill::Person), stripe(0.45, 0.8, HOSTILE[3], Fill::Person)];
    let last = vec![
        stripe(0.0, 0.45, PEOPLE[0], Fill::Person),
        stripe(0.45, 0.7, "Nobody", Fill::Gap),
        stripe(0.7, 1.0, "Nobody", Fill::Quiet),
    ];
    Strips::new("Who is on call this week")
        .marks(days.iter().zip([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).map(|(day, at)| (at / 7.0, (*day).to_owned())))
        .now(0.2)
        .row("Week", people)
        .row("On call", last)
}
