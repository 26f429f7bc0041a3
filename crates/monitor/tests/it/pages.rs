//! The pages on a real house, as the server makes them.

use kernel::Ref;
use serde_json::json;
use web::page::PageCx;

use crate::house::House;

pub(crate) fn page(house: &House, path: &'static str, id: Option<i64>, query: &[(&str, &str)]) -> String {
    let domain = monitor::domain();
    let page = domain.pages.iter().find(|page| page.path == path).unwrap();
    let made = house
        .kernel()
        .read_as(&house.admin, |cx| {
            let mut page_cx = PageCx {
                cx,
                path: id.map(|id| ("id".to_owned(), id.to_string())).into_iter().collect(),
                query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
                here: path.to_owned(),
                origin: "http://127.0.0.1:7300".to_owned(),
                csrf: "token".into(),
                zone: jiff::tz::TimeZone::UTC,
                all_panels: &[],
                later: web::Later::default(),
            };
            Ok(((page.render)(&mut page_cx)?.body, page_cx.later))
        })
        .unwrap_or_else(|error| panic!("{path}: {error} {:?}", error.cause));
    made.1.fill(made.0, house.kernel()).into_string()
}

fn panel(house: &House, name: &str, asset: i64) -> String {
    let domain = monitor::domain();
    let panel = domain.panels.iter().find(|panel| panel.name == name).unwrap();
    let made = house
        .kernel()
        .read_as(&house.admin, |cx| {
            let mut page_cx = PageCx {
                cx,
                path: [].into(),
                query: vec![],
                here: "/".into(),
                origin: "http://127.0.0.1:7300".to_owned(),
                csrf: "token".into(),
                zone: jiff::tz::TimeZone::UTC,
                all_panels: &[],
                later: web::Later::default(),
            };
            Ok(((panel.render)(&mut page_cx, &Ref::new("asset", asset))?.unwrap(), page_cx.later))
        })
        .unwrap();
    made.1.fill(made.0, house.kernel()).into_string()
}

#[test]
fn every_page_shows_the_house_as_it_is() {
    let house = House::new();
    assert!(page(&house, "/monitoring", None, &[]).contains("Nothing is wrong"));
    assert!(page(&house, "/monitoring/checks", None, &[]).contains("No checks yet"));
    let web = house.asset("web-01");
    let check = house.check(web, "Web server runs");
    house.report(web, check, "gbb");
    let group = house.groups("open")[0]["id"].as_i64().unwrap();
    let board = page(&house, "/monitoring", None, &[]);
    assert!(board.contains("Fails on web-01: Web server runs") && board.contains("Firing"));
    let shown = page(&house, "/monitoring/groups/{id}", Some(group), &[]);
    assert!(shown.contains("no process nginx runs") && shown.contains("Check created: Web server runs"));
    let shown = page(&house, "/monitoring/checks/{id}", Some(check), &[]);
    assert!(shown.contains("process nginx runs") && shown.contains("Firing"));
    let list = page(&house, "/monitoring/checks", None, &[("state", "firing"), ("q", "web")]);
    assert!(list.contains("Web server runs"));
    let asset = web.to_string();
    for kind in ["process", "tcp", "http", "file_system", "unit", "silent"] {
        let form = page(&house, "/monitoring/checks/new", None, &[("kind", kind), ("asset", &asset)]);
        assert!(form.contains("/do/monitor.check.create"), "{kind}");
    }
    house.call("monitor.silence.create", json!({"asset": web, "minutes": 60, "reason": "Disk is being replaced"}));
    let silences = page(&house, "/monitoring/silences", None, &[("check", &check.to_string())]);
    assert!(silences.contains("Disk is being replaced") && silences.contains("Silence Web server runs"));
    assert!(panel(&house, "monitor.health", web).contains("1 alert is out"));
    assert!(panel(&house, "monitor.charts", web).contains("data-chart"));
}

#[test]
fn a_check_of_any_asset_can_be_made_however_many_there_are() {
    let house = House::new();
    for n in 0..200 {
        house.asset(&format!("app-{n:03}"));
    }
    let form = |query: &[(&str, &str)]| page(&house, "/monitoring/checks/new", None, query);
    assert!(!form(&[]).contains("Words of the asset"), "all fit");
    let last = house.asset("zeta-01");
    assert!(form(&[]).contains("Words of the asset") && !form(&[]).contains("zeta-01"));
    let found = form(&[("q", "zeta"), ("kind", "tcp")]);
    assert!(found.contains(&format!("value=\"{last}\"")) && found.contains("zeta-01") && !found.contains("app-000"));
    assert!(form(&[("q", "status:nonsense \"")]).contains("Choose an asset"));
}

#[test]
fn the_board_and_the_checks_are_found_by_their_labels() {
    let house = House::new();
    let web = house.asset("web-01");
    let check = |name: &str, labels: serde_json::Value| {
        let input = json!({"name": name, "asset": web, "kind": "process", "process": "nginx", "labels": labels});
        house.call("monitor.check.create", input)["id"].as_i64().unwrap()
    };
    let oslo = check("Oslo service", json!(["site=oslo", "tier=1"]));
    check("Bergen service", json!(["site=bergen"]));
    let checks = |q: &str| {
        let found = house.call("monitor.check.list", json!({"q": q}));
        found["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(checks("site=oslo"), ["Oslo service"]);
    assert_eq!(checks("site= service"), ["Bergen service", "Oslo service"]);
    assert_eq!(checks("site=os"), Vec::<String>::new(), "a value is the whole value");
    assert_eq!(checks("tier=1 bergen"), Vec::<String>::new());
    house.report(web, oslo, "gbb");
    house.settle();
    let groups = |input: serde_json::Value| house.call("monitor.group.list", input)["items"].as_array().unwrap().len();
    assert_eq!(groups(json!({"state": "open", "q": "site=oslo"})), 1);
    assert_eq!(groups(json!({"state": "open", "q": "site=bergen"})), 0);
    assert_eq!(
        groups(json!({"state": "open", "q": "oslo", "severity": "critical", "acknowledged": false, "silenced": false})),
        1
    );
    assert_eq!(groups(json!({"state": "open", "acknowledged": true})), 0);
    assert_eq!(groups(json!({"oldest": true, "limit": 1})), 1);
    let board = page(&house, "/monitoring", None, &[("q", "site=bergen")]);
    assert!(board.contains("No open group fits"));
    let list = page(&house, "/monitoring/checks", None, &[("q", "site=oslo")]);
    assert!(list.contains("Oslo service") && list.contains("tier=1") && !list.contains("Bergen"));
}

#[test]
fn the_button_for_a_silence_by_labels_leads_to_its_form() {
    let house = House::new();
    let shown = page(&house, "/monitoring/silences", None, &[]);
    assert!(shown.contains("/monitoring/silences?new=labels") && !shown.contains("name=\"matchers\""), "{shown}");
    let form = page(&house, "/monitoring/silences", None, &[("new", "labels")]);
    assert!(form.contains("name=\"matchers\""), "{form}");
}

#[test]
fn the_line_of_a_job_asks_at_the_address_under_which_the_console_is_read() {
    let house = House::new();
    let input = json!({"name": "Backup", "asset": house.asset("web-01"), "kind": "heartbeat", "cron": "0 3 * * *"});
    let check = house.call("monitor.check.create", input)["id"].as_i64().unwrap();
    let shown = page(&house, "/monitoring/checks/{id}", Some(check), &[]);
    assert!(shown.contains("--retry 5 http://127.0.0.1:7300/heartbeat/") && !shown.contains("THIS-SERVER"), "{shown}");
}
