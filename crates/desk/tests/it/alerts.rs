//! What the desk does when alerts and runbooks tell something.

use serde_json::{Value, json};

use crate::town::Town;

fn opened(town: &Town) -> Value {
    json!({
        "group": "alert_group:9", "check": "check:3", "checks": ["check:3"], "asset": format!("asset:{}", town.asset), "severity": "critical",
        "title": "Fails on sw-core-01: Web server runs", "evidence": ["no process nginx runs"],
        "changed_before": [{ "at": "2026-03-02T07:58:00Z", "title": "nginx upgraded" }], "silenced": false,
    })
}

fn recovered() -> Value {
    json!({ "group": "alert_group:9", "evidence": ["1 process nginx runs"], "lasted_s": 95, "proven": true })
}

#[test]
fn a_group_of_alerts_is_one_incident_of_the_things_team_with_its_evidence() {
    let town = Town::new();
    town.tell("monitor.group.opened", opened(&town));
    town.tell("monitor.group.opened", opened(&town));
    let incident = town.incident();
    assert_eq!(incident["team"]["name"], "Network");
    assert_eq!((incident["priority"].as_str(), incident["source"].as_str()), (Some("urgent"), Some("alert")));
    let detail = incident["detail"].as_str().unwrap();
    assert!(detail.contains("- no process nginx runs") && detail.contains("nginx upgraded"), "{detail}");
    let of_thing = town.list(&town.admin, &format!("asset:{}", town.asset));
    assert_eq!(of_thing, [incident["id"].as_i64().unwrap()]);
    let asset = kernel::Ref::new("asset", town.asset);
    let told = town.world.kernel.read_as(&town.admin, |cx| cx.timeline(&asset, None, 10)).unwrap();
    assert!(told.iter().any(|event| event.name == "desk.ticket.opened"));
}

#[test]
fn a_silenced_group_opens_nothing() {
    let town = Town::new();
    let mut event = opened(&town);
    event["silenced"] = json!(true);
    town.tell("monitor.group.opened", event);
    assert_eq!(town.list(&town.admin, ""), [] as [i64; 0]);
}

#[test]
fn a_recovery_resolves_the_incident_that_nobody_has_taken_in_hand() {
    let town = Town::new();
    town.tell("monitor.group.opened", opened(&town));
    town.tell("runbooks.run.started", json!({ "run": "run:4", "cause": "alert_group:9", "tried": [] }));
    town.tell("runbooks.run.finished", json!({ "run": "run:4", "cause": "alert_group:9", "outcome": "Repaired", "tried": ["restarted nginx"], "evidence": ["nginx answers"] }));
    town.tell("monitor.group.recovered", recovered());
    let incident = town.incident();
    assert_eq!(incident["status"], "resolved");
    let said: Vec<(&str, &str)> = incident["conversation"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["kind"].as_str().unwrap(), one["text"].as_str().unwrap()))
        .collect();
    assert_eq!(said.len(), 3);
    assert!(said[1].1.contains("- restarted nginx") && said[1].1.contains("- nginx answers"), "{said:?}");
    assert_eq!(said[2].0, "resolution");
    assert!(said[2].1.contains("after 1 min") && said[2].1.contains("1 process nginx runs"), "{said:?}");
}

#[test]
fn an_alert_that_comes_and_goes_says_on_its_incident_why_it_stays_open() {
    let town = Town::new();
    town.tell("monitor.group.opened", opened(&town));
    let change = |change: &str, detail: &str| json!({ "group": "alert_group:9", "asset": format!("asset:{}", town.asset), "change": change, "severity": "critical", "detail": detail });
    town.tell("monitor.group.changed", change("joined", "Joined: another"));
    town.tell("monitor.group.changed", change("flapping", "It keeps coming back: it failed 3 times in 2 min."));
    town.tell("monitor.group.changed", change("steady", "12 results in a row were bad."));
    let incident = town.incident();
    assert_eq!(incident["status"], "new");
    let said: Vec<(&str, &str)> = incident["conversation"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["kind"].as_str().unwrap(), one["text"].as_str().unwrap()))
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].0 == "note" && said[0].1.starts_with("The alert comes and goes."), "{said:?}");
    assert!(said[0].1.contains("it failed 3 times in 2 min"), "{said:?}");
    assert!(said[1].1.starts_with("The alert no longer comes and goes, but stays."), "{said:?}");
    town.tell("monitor.group.recovered", recovered());
    assert_eq!(town.incident()["status"], "resolved", "the notes are nobody's hand");
    town.tell("monitor.group.changed", change("flapping", "It keeps coming back"));
    assert_eq!(town.incident()["conversation"].as_array().unwrap().len(), 3, "what is over is not told again");
}

#[test]
fn a_recovery_is_only_noted_when_somebody_has_the_incident_or_proof_or_policy_is_missing() {
    for (taken, proven, policy) in [("owner", true, true), ("reply", true, true), ("", false, true), ("", true, false)]
    {
        let town = Town::new();
        town.tell("monitor.group.opened", opened(&town));
        let id = town.incident()["id"].clone();
        match taken {
            "owner" => drop(town.done(&town.nia, "desk.ticket.assign", json!({ "id": id, "me": true }))),
            "reply" => drop(town.done(&town.nia, "desk.ticket.reply", json!({ "id": id, "text": "Looking" }))),
            _ => {}
        }
        if !policy {
            town.done(
                &town.admin,
                "kernel.setting.set",
                json!({ "key": "desk.alerts", "value": { "auto_resolve": false } }),
            );
        }
        let mut event = recovered();
        event["proven"] = json!(proven);
        town.tell("monitor.group.recovered", event);
        let incident = town.incident();
        assert_ne!(incident["status"], "resolved", "{taken} {proven} {policy}");
        let last = incident["conversation"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["kind"], "note");
        assert!(last["text"].as_str().unwrap().contains("1 process nginx runs"));
    }
}

#[test]
fn a_failed_run_leaves_the_incident_open_and_calls_for_a_person_until_one_takes_it() {
    let town = Town::new();
    town.tell("monitor.group.opened", opened(&town));
    town.tell("runbooks.run.failed", json!({ "run": "run:4", "cause": "alert_group:9", "outcome": "Verification failed", "tried": ["restarted nginx", "undid it"] }));
    let incident = town.incident();
    assert_eq!(incident["status"], "new");
    let words = || {
        let all = town.world.kernel.read_as(&town.nia, |cx| cx.attention(50)).unwrap();
        all.into_iter().map(|need| need.word).collect::<Vec<_>>()
    };
    assert!(words().contains(&"Runbook failed".to_owned()), "{:?}", words());
    town.done(&town.nia, "desk.ticket.assign", json!({ "id": incident["id"], "me": true }));
    assert_eq!(words(), [] as [String; 0]);
}

#[test]
fn nobody_takes_the_name_of_an_incident_before_it_is_opened() {
    let town = Town::new();
    let early = json!({ "summary": "Nothing", "external_key": " alert_group:9 " });
    let refused = town.call(&town.admin, "desk.ticket.open", early.clone()).unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("external_key"));
    assert!(refused.message.contains("erp-9"), "{}", refused.message);
    let service = kernel::Actor::service("importer", &["*"]);
    let id = town.open(&service, early);
    town.tell("monitor.group.opened", opened(&town));
    let incident = town.incident();
    assert_ne!(incident["id"], id, "a ticket from elsewhere does not stand for the incident");
    town.tell("monitor.group.recovered", recovered());
    assert_eq!(town.incident()["status"], "resolved");
    assert_eq!(town.show(&town.admin, id)["status"], "new");
}

#[test]
fn who_only_follows_an_incident_does_not_take_it_in_hand_by_replying() {
    let town = Town::new();
    town.tell("monitor.group.opened", opened(&town));
    let id = town.incident()["id"].clone();
    town.done(&town.nia, "desk.ticket.update", json!({ "id": id, "participants": [town.omar.user()] }));
    town.done(&town.omar, "desk.ticket.reply", json!({ "id": id, "text": "Me too" }));
    assert_eq!(town.incident()["status"], "new");
    town.tell("monitor.group.recovered", recovered());
    assert_eq!(town.incident()["status"], "resolved");
}

#[test]
fn who_owns_a_ticket_speaks_for_the_desk_even_from_outside() {
    let town = Town::new();
    town.tell("monitor.group.opened", opened(&town));
    let id = town.incident()["id"].clone();
    town.done(&town.nia, "desk.ticket.assign", json!({ "id": id, "owner": town.exa.user() }));
    town.done(&town.exa, "desk.ticket.reply", json!({ "id": id, "text": "Looking" }));
    town.done(&town.nia, "desk.ticket.assign", json!({ "id": id, "owner": null }));
    town.tell("monitor.group.recovered", recovered());
    assert_ne!(town.incident()["status"], "resolved");
}

#[test]
fn a_group_that_went_into_another_leaves_one_incident_open() {
    let town = Town::new();
    town.tell("monitor.group.opened", opened(&town));
    let mut other = opened(&town);
    other["group"] = json!("alert_group:10");
    other["title"] = json!("Host not heard from");
    town.tell("monitor.group.opened", other);
    town.tell(
        "monitor.group.merged",
        json!({ "group": "alert_group:9", "into": "alert_group:10", "detail": "It follows from the host" }),
    );
    let open = town.list(&town.admin, "is:open");
    let merged = town.list(&town.admin, "status:resolved");
    assert_eq!((open.len(), merged.len()), (1, 1));
    let shown = town.show(&town.admin, merged[0]);
    let points = |one: &Value| one["ref"] == format!("ticket:{}", open[0]) && one["kind"] == "duplicate";
    assert!(shown["links"].as_array().unwrap().iter().any(points), "{shown}");
}

#[test]
fn two_writers_of_one_external_key_make_one_ticket() {
    let town = Town::new();
    let kernel = town.world.kernel.clone();
    let ids: Vec<i64> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..8)
            .map(|_| {
                let (kernel, admin) = (kernel.clone(), town.admin.clone());
                scope.spawn(move || {
                    let input = json!({ "summary": "Race", "external_key": "erp-77" });
                    let call = kernel::Call::new(admin.into(), "desk.ticket.open", input, kernel::Via::Rest);
                    kernel.dispatch(call).unwrap().output["id"].as_i64().unwrap()
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(town.list(&town.admin, ""), [ids[0]]);
}

fn back(town: &Town) -> Value {
    let mut event = opened(town);
    event["evidence"] = json!(["no process nginx runs again"]);
    event["over_s"] = json!(240);
    event
}

#[test]
fn an_alert_that_is_back_takes_its_incident_up_again_and_says_so() {
    let town = Town::new();
    town.tell("monitor.group.opened", opened(&town));
    town.tell("monitor.group.recovered", recovered());
    assert_eq!(town.incident()["status"], "resolved");
    town.tell("monitor.group.reopened", back(&town));
    let incident = town.incident();
    assert_eq!(incident["status"], "new", "{incident}");
    let last = incident["conversation"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["kind"], "note", "the desk alone reads it");
    let text = last["text"].as_str().unwrap();
    assert!(text.starts_with("The alert is back, 4 min after it was over."), "{text}");
    assert!(text.contains("- no process nginx runs again") && text.contains("nginx upgraded"), "{text}");
    let ticket = kernel::Ref::new("ticket", incident["id"].as_i64().unwrap());
    let told = town.world.kernel.read_as(&town.admin, |cx| cx.timeline(&ticket, None, 10)).unwrap();
    assert!(told.iter().any(|event| event.name == "desk.ticket.reopened"), "the timeline says so");
    town.tell("monitor.group.reopened", back(&town));
    assert_eq!(town.incident()["status"], "new", "twice is no harm");
    town.tell("monitor.group.recovered", recovered());
    assert_eq!(town.incident()["status"], "resolved", "and it ends by itself like the first time");
}

#[test]
fn an_incident_that_was_closed_for_good_stays_closed_and_a_new_one_points_at_it() {
    let town = Town::new();
    town.tell("monitor.group.opened", opened(&town));
    town.tell("monitor.group.recovered", recovered());
    let first = town.incident()["id"].as_i64().unwrap();
    town.done(&town.admin, "desk.ticket.update", json!({ "id": first, "status": "closed" }));
    town.tell("monitor.group.reopened", back(&town));
    let all = town.list(&town.admin, "kind:incident");
    assert_eq!(all.len(), 2, "{all:?}");
    let second = *all.iter().find(|id| **id != first).unwrap();
    let shown = town.show(&town.admin, second);
    assert_eq!(shown["status"], "new");
    assert!(shown["links"].to_string().contains(&format!("ticket:{first}")), "{shown}");
    assert_eq!(town.show(&town.admin, first)["status"], "closed");
    town.tell("monitor.group.recovered", recovered());
    assert_eq!(town.show(&town.admin, second)["status"], "resolved");
}

#[test]
fn an_incident_in_somebodys_hand_goes_back_to_them_and_what_is_silenced_changes_nothing() {
    let town = Town::new();
    town.tell("monitor.group.opened", opened(&town));
    let id = town.incident()["id"].as_i64().unwrap();
    town.done(&town.admin, "desk.ticket.assign", json!({ "id": id, "me": true }));
    town.done(&town.admin, "desk.ticket.resolve", json!({ "id": id, "how": "Restarted by hand" }));
    let mut silenced = back(&town);
    silenced["silenced"] = json!(true);
    town.tell("monitor.group.reopened", silenced);
    assert_eq!(town.incident()["status"], "resolved");
    let mut again = opened(&town);
    again["again"] = json!(true);
    town.tell("monitor.group.opened", again);
    assert_eq!(town.incident()["status"], "in_progress", "the silence ended and it is still out");
}

#[test]
fn what_is_back_and_nobody_was_told_of_opens_an_incident_of_its_own() {
    let town = Town::new();
    let mut silenced = opened(&town);
    silenced["silenced"] = json!(true);
    town.tell("monitor.group.opened", silenced);
    town.tell("monitor.group.recovered", recovered());
    town.tell("monitor.group.reopened", back(&town));
    assert_eq!(town.incident()["status"], "new");
}
