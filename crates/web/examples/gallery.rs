//! Writes the gallery and sample pages into a folder, to look at them in a browser: `cargo run -p web --example gallery -- out`,
//! then serve `out` with any web server. The people and machines are those of the demo company, Northwind Marine.

use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use std::{error::Error, fs, path::Path};
use web::{
    assets, gallery,
    shell::{self, NavGroup, NavItem, Shell, ShellUser},
    ui::*,
};

const TOKEN: &str = "sample-token";

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args().nth(1).unwrap_or_else(|| "gallery".to_owned());
    let out = Path::new(&out);
    fs::create_dir_all(out.join("_static"))?;
    for asset in assets::all() {
        fs::write(out.join(asset.path.trim_start_matches('/')), asset.bytes)?;
    }
    let clock = Clock::new("2026-11-21T09:05:00Z".parse()?, TimeZone::UTC);
    let nav = places();
    let user = ShellUser { name: "Sam Reyes".into(), href: "#".into() };
    let create = [
        shell::Create { icon: "ticket", label: "Ticket".into(), href: "#".into(), key: Some("n t") },
        shell::Create { icon: "assets", label: "Asset".into(), href: "#".into(), key: Some("n a") },
    ];
    let base = Shell {
        nav: &nav,
        user: Some(user),
        alerts_count: 4,
        alerts_href: "/monitor.html",
        csrf: TOKEN,
        create: &create,
        search_href: "/search",
        ..Shell::default()
    };
    let with = |title, current, body: &Markup| shell::page(&Shell { title, current, ..base.clone() }, body);
    let done = Flash {
        tone: Tone::Ok,
        text: "Ticket 4821 resolved".into(),
        undo: Some(Undo { action: "#".into(), fields: vec![] }),
    };
    let pages = [
        ("gallery", with("Components", "/_ui", &gallery::page())),
        ("home", with("Home", "/", &home(&clock))),
        ("tickets", with("Service desk", "/desk", &tickets(&clock))),
        (
            "flash",
            shell::page(&Shell { title: "Empty", current: "/desk", flash: Some(done), ..base.clone() }, &nothing()),
        ),
        ("thing", with("sw-core-01", "/assets", &thing(&clock))),
        ("signin", shell::bare(&Shell { title: "Sign in", csrf: TOKEN, ..Shell::default() }, &sign_in())),
        (
            "portal",
            shell::portal(
                &Shell { nav: &portal_places(), current: "/portal", ..base.clone() },
                "Northwind Marine",
                &portal(),
            ),
        ),
    ];
    for (name, page) in pages {
        fs::write(out.join(format!("{name}.html")), page.0)?;
    }
    fs::create_dir_all(out.join("_ui/charts"))?;
    for word in ["one", "two", "many", "tiny", "none", "hostile"] {
        let data = gallery::chart_numbers(word).unwrap_or_default();
        fs::write(out.join("_ui/charts").join(word), serde_json::to_string(&data)?)?;
    }
    Ok(())
}

fn place(label: &str, href: &str, icon: &'static str, count: Option<u64>, phone: Option<&'static str>) -> NavItem {
    NavItem { label: label.into(), href: href.into(), icon, count, hot: icon == "monitoring", phone }
}

fn places() -> Vec<NavGroup> {
    let group = |title: &str, items| NavGroup { title: title.into(), items, foot: false };
    vec![
        group("", vec![place("Home", "/", "home", None, Some("Home"))]),
        group(
            "Respond",
            vec![
                place("Service desk", "/desk", "desk", Some(27), Some("Desk")),
                place("Monitoring", "/monitor", "monitoring", Some(3), Some("Monitor")),
            ],
        ),
        group(
            "Know",
            vec![
                place("Assets", "/assets", "assets", None, Some("Assets")),
                place("People", "/people", "people", None, None),
            ],
        ),
        group("Protect", vec![place("Endpoints", "/fleet", "endpoints", Some(12), None)]),
        group("Improve", vec![place("Runbooks", "/runbooks", "runbook", Some(5), None)]),
        NavGroup {
            foot: true,
            ..group(
                "",
                vec![
                    place("Knowledge", "/answers", "knowledge", None, None),
                    place("Settings", "/settings", "settings", None, None),
                ],
            )
        },
    ]
}

fn portal_places() -> Vec<NavGroup> {
    let items = vec![
        place("Help", "/portal", "home", None, None),
        place("My requests", "/portal/requests", "ticket", None, None),
        place("My devices", "/portal/devices", "endpoints", None, None),
    ];
    vec![NavGroup { items, ..NavGroup::default() }]
}

/// The figures of a page, one beside the other; a zoom shows the page again.
fn figures(page: &str, clock: &Clock, all: &[(&str, &str)]) -> Markup {
    let data = gallery::chart_numbers("two").unwrap_or_default();
    let range = Range::around(&[], (data.from, data.to), data.to);
    let charts = all.iter().map(|(id, title)| Chart::new(*id, *title, "/_ui/charts/two", data.clone(), clock));
    html! { (Charts::new("figures", page, range, clock, grid(&html! { @for chart in charts { (chart.link("Explore", "#")) } }))) }
}

fn wave(seed: u32) -> Vec<f64> {
    (0..28_u32).map(|n| (f64::from(n + seed) / 4.0).sin() * 6.0 + f64::from((n * 37 + seed) % 11)).collect()
}

fn needs(tone: Tone, word: &str, title: &str, why: &str, verb: &str) -> Attention {
    Attention {
        tone,
        word: word.into(),
        title: title.into(),
        href: Some("#".into()),
        why: html! { (why) },
        action: (!verb.is_empty()).then(|| Button::link(verb, "#")),
    }
}

fn home(clock: &Clock) -> Markup {
    let stat = |label: &str, value: &str, note: &str, seed, tone| Stat {
        label: label.into(),
        value: value.into(),
        note: note.into(),
        spark: wave(seed),
        tone,
        href: Some("#".into()),
    };
    let up = |at: u32| {
        (
            if at == 4 || at == 27 {
                Tone::Warn
            } else if at == 28 {
                Tone::Critical
            } else {
                Tone::Ok
            },
            format!("{at} h"),
        )
    };
    html! {
        (PageHeader::new("Good morning, Sam").subtitle(html! { "Saturday 21 November · you are on call until Monday 08:00 · 7 things need you" })
            .action(Menu::new(Button::plain("My work").icon("user").caret()).link("user", "My work", "#", None).link("people", "My team", "#", None)))
        (stats(&[stat("Services up", "46 / 48", "2 degraded", 3, Tone::Critical), stat("Open tickets", "27", "9 unassigned", 9, Tone::Idle), stat("First reply, median", "11 min", "goal 30 min", 14, Tone::Idle),
            stat("Endpoints compliant", "94.1 %", "12 to patch", 20, Tone::Idle), stat("Backups last 24 h", "58 / 58", "1 test overdue", 26, Tone::Idle)]))
        (columns(Split::Home, &html! {
            (Card::new("Needs you now").count(7).link("Why this order?", "#").flush(attention_list(&[
                needs(Tone::Critical, "Down 4 min", "sw-flr3-02 is unreachable", "41 devices behind it · last change: firmware 17.9.4, 35 min ago by Kira Novak", "Open incident"),
                needs(Tone::Critical, "SLA missed", "#4821 VPN drops every few minutes from home office", "Amara Okafor, Finance · 12 min over · same pattern in 3 other tickets today", "Reply"),
                needs(Tone::Warn, "Approve", "Change CHG-118: replace core uplink optics, tonight 22:00", "Low risk, tested rollback · asked by Dev Patel · touches sw-core-01, sw-core-02", "Review"),
                needs(Tone::Warn, "Backup", "sql-prod-1 has no restore test in 34 days", "Policy says 30 days · last backup fine, 02:14 today, 212 GiB", "Test restore"),
                needs(Tone::Warn, "Patch", "CVE-2026-31204 (9.8) on 12 laptops, fix is ready", "Canary ring passed 4/4 · 8 users are in a meeting until 15:00", "Plan rollout"),
                needs(Tone::Info, "Joiner", "Priya Raman starts 1 December, 3 of 7 steps done", "Laptop LT-2310 is staged · missing: payroll group, badge, desk", "Continue"),
                needs(Tone::Info, "Expiring", "Certificate intranet.example.org ends in 6 days", "Renewal runbook is ready · owner: you", "Run"),
            ])))
            (Card::new("Today").link("Calendar", "#").flush(attention_list(&[
                needs(Tone::Planned, "13:30", "On-site: replace UPS battery, room B2", "Scan label on arrival · spare in store, shelf 4", ""),
                needs(Tone::Planned, "22:00", "Change window CHG-118", "Core uplink optics · 15 min expected", ""),
                needs(Tone::Ok, "23:00", "Monthly restore drill, file server", "Automatic; result in your inbox", ""),
            ])))
        }, &html! {
            (figures("/home.html", clock, &[("internet", "Internet, head office")]))
            (Card::new("Last 30 hours").link("Status page", "#").body(html! {
                (uptime("ERP", "99.98 %", &(0..30).map(|n| up(n % 20)).collect::<Vec<_>>())) (uptime("VPN gateway", "98.90 %", &(0..30).map(up).collect::<Vec<_>>()))
            }))
        }))
    }
}

fn ticket(clock: &Clock, at: u32) -> Row {
    const SUBJECTS: [&str; 6] = [
        "VPN drops every few minutes from home office",
        "Laptop will not wake from sleep after update",
        "Printer on floor 3 prints blank pages",
        "Shared mailbox access for Procurement",
        "Wi-Fi slow in meeting room Oslo",
        "Phone lost on train, please wipe",
    ];
    const NAMES: [&str; 5] = ["Oliver Grant", "Hana Suzuki", "Fatima Al-Sayed", "Lucía Fernández", "Piotr Zieliński"];
    const STATES: [(Tone, &str); 5] = [
        (Tone::Working, "In progress"),
        (Tone::Info, "New"),
        (Tone::Planned, "Planned"),
        (Tone::Idle, "Waiting on user"),
        (Tone::Working, "In progress"),
    ];
    let pick = |list: &[&'static str]| list.iter().copied().cycle().nth(at as usize).unwrap_or_default();
    let (tone, word) = STATES.into_iter().cycle().nth(at as usize).unwrap_or_default();
    let urgency =
        [Tone::Critical, Tone::Idle, Tone::Warn, Tone::Idle].into_iter().cycle().nth(at as usize).unwrap_or_default();
    let owner = if at.is_multiple_of(3) {
        nobody("Unassigned")
    } else {
        person(if at.is_multiple_of(2) { "Lena Fischer" } else { "Sam Reyes" }, None)
    };
    let due = match at {
        0 => meter(1.0, Tone::Critical, "12 min over"),
        1 | 2 => meter(0.85, Tone::Warn, "1 h"),
        _ => meter(f64::from(at % 7) / 10.0, Tone::Ok, "8 h"),
    };
    let changed = clock.now() - jiff::SignedDuration::from_mins(i64::from(5 + at * at * 4));
    Row::new(pick(&SUBJECTS))
        .reference(format!("ticket:{}", 4821 - at))
        .href("/thing.html")
        .unread(at < 4)
        .text(&(4821 - at).to_string())
        .cell(shape(urgency, "Priority"))
        .main()
        .text(pick(&NAMES))
        .cell(html! { a.mono href="#" { (pick(&["fw-edge-02", "LT-2291", "prn-3f-west"])) } })
        .cell(owner)
        .cell(pill(tone, word))
        .cell(due)
        .cell(clock.short(changed))
}

fn tickets(clock: &Clock) -> Markup {
    let columns = [
        Column::new("No.").wide(),
        Column::new("P"),
        Column::new("Subject").main(),
        Column::new("Requester").wide(),
        Column::new("Thing").extra(),
        Column::new("Owner").wide(),
        Column::new("Status"),
        Column::new("Due").wide().sort("?sort=-due", Sorted::Up),
        Column::new("Updated").extra(),
    ];
    let tabs = [
        Tab::new("My queue", "#").count(34).current(true),
        Tab::new("Unassigned", "#").count(63),
        Tab::new("SLA at risk", "#").count(39),
        Tab::new("Waiting on user", "#").count(22),
        Tab::new("All tickets", "#").count(200),
    ];
    html! {
        (PageHeader::new("Service desk").action(Button::link("Answers", "#").icon("book")).action(Button::link("New ticket", "#").primary().icon("plus")))
        (List::new("tickets", Table::new("Tickets").columns(columns).rows((0..22).map(|at| ticket(clock, at)))).tabs(Tabs::new("Views", tabs))
            .filter(Filter::new("#", "").placeholder("Filter: word, team:network, status:new …").chip("Status is not Resolved", "#").suggest("Filter", "#"))
            .bulk(Bulk::new("#", TOKEN).button(Button::submit("Assign").key("a")).button(Button::submit("Status").key("s")).button(Button::submit("Merge").key("m")).button(Button::submit("Resolve").key("e")))
            .total("34 tickets").paging(Some("#next".into()), None))
    }
}

fn nothing() -> Markup {
    html! {
        (PageHeader::new("Service desk").action(Button::link("New ticket", "#").primary().icon("plus")))
        (List::new("tickets", Table::new("Tickets")).tabs(Tabs::new("Views", [Tab::new("My queue", "#").count(34).current(true)])).filter(Filter::new("#", "zebra").chip("Status is not Resolved", "#"))
            .empty(Empty::new("Nothing matches", "No ticket in this view fits “zebra”. Remove a word, or look in all tickets.").action(Button::link("Search all tickets", "#")).action(Button::link("Clear filter", "#").quiet())))
    }
}

fn thing(clock: &Clock) -> Markup {
    let at = |minutes: i64| clock.when(clock.now() - jiff::SignedDuration::from_mins(minutes));
    let entry = |tone, title: &str, detail: &str, minutes| Entry {
        tone,
        title: title.into(),
        href: None,
        detail: Some(html! { (detail) }),
        body: None,
        at: at(minutes),
    };
    let ended: Timestamp = clock.now() - jiff::SignedDuration::from_hours(8);
    let tile = |icon, label: &str, primary| Tile { icon, label: label.into(), href: "#".into(), primary };
    html! {
        (PageHeader::new("sw-core-01").mono().crumb("Assets", Some("#")).crumb("Switches", Some("#")).crumb("Head office, room B2, rack 1", None)
            .pill(pill(Tone::Ok, "Healthy")).pill(pill(Tone::Planned, "Change tonight 22:00")).pill(tag("critical")).pill(tag("core"))
            .subtitle(html! { "Cisco Catalyst 9500-24Y4C · asset MS-00417 · owned by " a href="#" { "Dev Patel" } " · serves " a href="#" { "11 services, 214 people" } })
            .action(Button::link("Run…", "#").icon("play").key("r")).action(Button::link("Terminal", "#").icon("terminal")).action(Button::link("Ticket", "#").primary().icon("plus")))
        (tiles(&[tile("play", "Start work", true), tile("checklist", "Checklist", false), tile("plus", "Note, photo", false), tile("wrench", "Swap part", false), tile("pin", "Move", false), tile("scan", "Scan next", false)]))
        (Tabs::new("Parts", [Tab::new("Overview", "#").current(true), Tab::new("Timeline", "#"), Tab::new("Health", "#"), Tab::new("Tickets", "#").count(2), Tab::new("Changes", "#").count(3), Tab::new("Vulnerabilities", "#").count(1), Tab::new("Documents", "#").count(4)]))
        (columns(Split::Wide, &html! {
            (Card::new("Run: restart the uplink").note(html! { "started 08:55 by Dev Patel" }).tight(steps(&[
                Step { title: "Check the standby link".into(), state: StepState::Done, detail: None, took: Some("3 s".into()) },
                Step { title: "Shut Te1/0/12".into(), state: StepState::Running, detail: Some(progress(2, 5, "Checks")), took: None },
                Step { title: "Bring it back".into(), state: StepState::Waiting, detail: None, took: None }])))
            (figures("/thing.html", clock, &[("load", "Load"), ("uplink", "Uplink Te1/1/1")]))
        }, &html! {
            (Card::new("At a glance").link("Edit", "#").tight(html! { (Facts::new().text("Up for", "412 days").row("Software", html! { "IOS-XE 17.9.3 " (pill(Tone::Warn, "1 update")) }).text("Config", "Saved 02:10, no drift")
                .row("Backup", html! { (status(Tone::Ok, "Verified")) (clock.ago(ended)) }).row("Vulnerable", status(Tone::Warn, "1 high, fix planned in CHG-118")).mono("Address", "10.20.0.1/24").text("Warranty", "until 30 Jun 2028").mono("Serial", "FDO2541A0KQ")) }))
            (Card::new("Timeline").link("All events", "#").body(timeline(&[entry(Tone::Critical, "Link down Te1/0/12", "towards sw-flr3-02 · incident INC-77 opened", 14), entry(Tone::Planned, "CHG-118 approved", "by Lena Fischer", 53), entry(Tone::Ok, "Configuration saved", "no difference to yesterday", 415), entry(Tone::Info, "Ticket 4790 linked", "Wi-Fi slow in meeting room Oslo", 1500), entry(Tone::Warn, "CVE-2026-20711 found", "score 8.6 · web UI is disabled here", 3000), entry(Tone::Ok, "Optics replaced", "Dev Patel, scanned on site", 13_000)])))
        }))
    }
}

fn sign_in() -> Markup {
    html! {
        div { h1 { "Sign in" } p.lead { "Northwind Marine" } }
        (Card::new("").body(html! {
            (Form::post("#", TOKEN).error(Some("Name and password do not fit. Try again, or ask your administrator for a new password."))
                .field(Field::text("name", "Name or mail").required().autocomplete("username").autofocus()).field(Field::password("password", "Password").required())
                .field(Field::checkbox("stay", "Stay signed in on this machine")).action(Button::submit("Sign in").primary().block()))
        }))
    }
}

fn portal() -> Markup {
    html! {
        div.ask { h1 { "What do you need, Amara?" } (Form::get("#").part(html! { div.field { input.control type="search" name="q" aria-label="Describe it in your own words" placeholder="Describe it in your own words"; } })) }
        (notice(Tone::Warn, "VPN is slow for people at home. We are on it; next word at 10:00."))
        (columns(Split::Even, &html! {
            (Card::new("Answers people need").flush(html! { @for (title, text) in [("Reset your password", "2 minutes, no ticket needed"), ("Connect to the VPN", "For Windows, macOS and Linux"), ("Print from your phone", "Every floor")] { a.answer href="#" { (icon("book")) span { b { (title) } span { (text) } } } } }))
        }, &html! {
            (Card::new("My requests").count(2).link("All", "#").flush(attention_list(&[needs(Tone::Working, "In progress", "VPN drops every few minutes", "Lena Fischer replied 12 min ago", "Read"), needs(Tone::Idle, "Waiting on you", "New laptop", "Which keyboard layout do you want?", "Answer")])))
        }))
    }
}
