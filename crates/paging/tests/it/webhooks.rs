//! What a program gets by a webhook: fields that it can act on.

use kernel::{Access, Cx, Domain, Effect, Entry, Operation, Result, Route, get};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::house::{Catcher, House};

/// Monitoring's list of the alerts of a group, with two, of which one is gone.
#[derive(Deserialize, Serialize, schemars::JsonSchema)]
struct Alerts {
    id: i64,
    open: Option<bool>,
    limit: usize,
}

impl Operation for Alerts {
    const NAME: &'static str = "monitor.group.alerts";
    const ROUTE: Route = get("/monitor/groups/{id}/alerts");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Value;

    fn run(&self, cx: &mut Cx) -> Result<Value> {
        cx.reach(Self::NAME)?;
        let labels = json!({ "alertname": "PaymentDown", "job": "pay" });
        let out = json!({ "check": 8, "asset": null, "name": "PaymentDown", "joined_at": cx.now, "cleared_at": null, "labels": labels });
        let gone = json!({ "check": 7, "asset": null, "name": "DiskLow", "joined_at": cx.now, "cleared_at": cx.now, "labels": {} });
        let items = if self.open == Some(true) { vec![out] } else { vec![out, gone] };
        Ok(json!({ "items": items.into_iter().take(self.limit).collect::<Vec<Value>>(), "next": null }))
    }
}

fn bodies(to: &Catcher) -> Vec<Value> {
    to.got().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
}

#[test]
fn a_webhook_says_what_a_program_needs_to_act_on_it() {
    let monitor = Domain { name: "monitor", operations: vec![Entry::of::<Alerts>()], ..Domain::default() };
    let house = House::beside(vec![monitor]);
    let hook = Catcher::new();
    house.set("kernel.webhooks", json!({ "webhooks": [], "allow_private": true }));
    let url = format!("{}/in", hook.url);
    house.call("kernel.webhook.save", json!({ "name": "auto", "url": url, "events": [] }));
    let channel = house.call("paging.channel.save", json!({ "name": "auto", "kind": "webhook", "address": "auto" }));
    house.policy("0 channel:auto", json!({}));
    let asset = house.call("assets.thing.create", json!({ "name": "web-01", "kind": "server" }))["id"].clone();
    let team = house.call("people.team.create", json!({ "slug": "web", "name": "Web" }))["id"].clone();
    let about = json!({ "asset": format!("asset:{asset}"), "team": team, "labels": { "alertname": "PaymentDown", "site": "oslo" } });
    house.opened(812, about);
    house.recovered(812);
    house.call("paging.channel.test", json!({ "id": channel["id"] }));
    house.world.settle().unwrap();
    let all = bodies(&hook);
    assert_eq!(all.len(), 3, "{all:?}");
    let (page, over, test) = (&all[0], &all[1], &all[2]);
    assert_eq!((&page["status"], &page["severity"]), (&json!("firing"), &json!("critical")));
    assert_eq!(
        (&page["subject"], &page["about"]),
        (&json!("Alert: Fault 812"), &json!("alert_group:812")),
        "as before"
    );
    assert!(page["body"].as_str().unwrap().contains("it fails"), "as before: {page}");
    assert_eq!((&page["group"]["number"], &page["group"]["title"]), (&json!(812), &json!("Fault 812")));
    assert_eq!(page["group"]["address"], "https://it.example.org/monitoring/groups/812");
    assert!(page["group"]["acknowledge"].as_str().unwrap().starts_with("https://it.example.org/acknowledge/"));
    assert_eq!((&page["labels"]["alertname"], &page["labels"]["site"]), (&json!("PaymentDown"), &json!("oslo")));
    assert_eq!(page["asset"], json!({ "id": asset, "name": "web-01", "kind": "server" }));
    assert_eq!((&page["team"], &page["place"]), (&json!({ "id": team, "name": "Web" }), &Value::Null));
    let alerts = page["alerts"].as_array().unwrap();
    assert_eq!(
        (alerts.len(), &alerts[0]["name"], &alerts[0]["labels"]["job"]),
        (1, &json!("PaymentDown"), &json!("pay"))
    );
    assert_eq!((&alerts[0]["status"], &alerts[0]["check"]), (&json!("firing"), &json!("check:8")));
    assert_eq!((&over["status"], &over["group"]["number"]), (&json!("resolved"), &json!(812)));
    assert_eq!(over["alerts"][1]["status"], "resolved", "{over}");
    assert_eq!((&test["status"], &test["group"]), (&json!("test"), &Value::Null), "{test}");
    assert_eq!((&page["alert"], &over["alert"]), (&Value::Null, &Value::Null), "they are about the group");
}

#[test]
fn a_webhook_says_which_alert_of_a_group_it_is_about() {
    let house = House::new();
    let hook = Catcher::new();
    house.set("kernel.webhooks", json!({ "webhooks": [], "allow_private": true }));
    let url = format!("{}/in", hook.url);
    house.call("kernel.webhook.save", json!({ "name": "auto", "url": url, "events": [] }));
    house.call("paging.channel.save", json!({ "name": "auto", "kind": "webhook", "address": "auto" }));
    let policy = house.policy("0 channel:auto", json!({}));
    house.call("paging.route.add", json!({ "name": "Pay", "matchers": "job=\"pay\"", "policy": policy }));
    house.policy("0 user:ada", json!({}));
    let own = json!([{ "check": "check:88", "title": "Payment fails", "severity": "critical", "labels": { "job": "pay" }, "evidence": [] }]);
    house.opened(812, json!({ "severity": "warning", "own": own }));
    let page = &bodies(&hook)[0];
    assert_eq!(page["alert"], json!({ "title": "Payment fails", "check": "check:88" }), "{page}");
    assert_eq!((&page["severity"], &page["labels"]["job"]), (&json!("critical"), &json!("pay")), "{page}");
    assert_eq!(page["group"]["title"], "Fault 812");
}
