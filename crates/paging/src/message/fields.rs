//! What the JSON of a webhook says besides subject and text, so that a program can act on it: how it stands, how much it
//! matters, the alert group, the alert of it that is told for itself, labels, what it is about, and its alerts.

use kernel::{Actor, Cx, Ref, Result, Time};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Message;
use crate::channel::payload::{Note, What};
use crate::page::{self, Own};

/// The operation that lists the alerts of a group.
const ALERTS: &str = "monitor.group.alerts";
/// Most alerts of a message.
const ALERTS_MAX: usize = 20;

/// Who reads the alerts for a message.
pub(super) fn actor() -> Actor {
    Actor::service("paging", &[ALERTS])
}

const fn status(what: What) -> &'static str {
    match what {
        What::Page => "firing",
        What::Recovery => "resolved",
        What::Test => "test",
        What::Failing => "failing",
        What::Working => "working",
    }
}

/// What a message says by itself.
pub(super) fn least(message: &Message, note: &Note) -> Map<String, Value> {
    Map::from_iter([
        ("version".to_owned(), json!("1")),
        ("status".to_owned(), json!(status(note.what))),
        ("severity".to_owned(), json!(message.severity)),
    ])
}

/// The fields of a message; those of an alert group only when it is about one.
pub(super) fn of(cx: &mut Cx, message: &Message, note: &Note) -> Result<Map<String, Value>> {
    let mut fields = least(message, note);
    let Some(number) = message.group else { return Ok(fields) };
    let known = page::store::group(cx.tx, number)?.unwrap_or_default();
    // What tells of one alert of the group says what is known of that one.
    let page = page::store::get(cx.tx, message.page)?.unwrap_or_default();
    let own = known.own(&page);
    let facts = own.map_or(&known.facts, |own| &own.facts);
    let asset = facts.asset;
    let brief = assets::brief(cx.tx, asset.as_slice())?.into_values().next();
    let open = note.what != What::Recovery;
    fields.extend([
        (
            "group".to_owned(),
            json!({
                "number": number, "title": known.title, "address": note.link, "acknowledge": note.acknowledge,
                "opened_at": known.opened_at, "ended_at": known.ended_at,
            }),
        ),
        ("alert".to_owned(), json!(own.map(alert))),
        ("labels".to_owned(), json!(facts.labels)),
        ("team".to_owned(), named(cx, "team", message.team)?),
        ("place".to_owned(), named(cx, "place", message.place)?),
        ("asset".to_owned(), json!(brief.map(|one| json!({ "id": asset, "name": one.name, "kind": one.kind })))),
        ("alerts".to_owned(), alerts(cx, number, open)?),
    ]);
    Ok(fields)
}

/// The one alert of a group that a message is about.
fn alert(own: &Own) -> Value {
    let check = Some(own.check).filter(|check| *check != 0).map(|check| Ref::new("check", check));
    json!({ "title": own.title, "check": check })
}

fn named(cx: &mut Cx, kind: &str, id: Option<i64>) -> Result<Value> {
    let Some(id) = id else { return Ok(Value::Null) };
    let name = people::names(cx.tx, kind, &[id])?.remove(&id);
    Ok(json!({ "id": id, "name": name }))
}

/// An alert as monitoring lists it.
#[derive(Deserialize)]
struct Alert {
    check: i64,
    asset: Option<i64>,
    name: String,
    joined_at: Time,
    cleared_at: Option<Time>,
    #[serde(default)]
    labels: Value,
}

/// The alerts that are out, or of a group that is over all that were, the newest checks first.
fn alerts(cx: &mut Cx, group: i64, open: bool) -> Result<Value> {
    if cx.kernel.registry().operation(ALERTS).is_none() {
        return Ok(json!([]));
    }
    let asked = json!({ "id": group, "open": open.then_some(true), "limit": ALERTS_MAX });
    let mut found = match cx.call_named(ALERTS, asked) {
        Ok(found) => found,
        // What is told of is told even when its group is gone by now.
        Err(error) if error.kind == kernel::ErrorKind::NotFound => return Ok(json!([])),
        Err(error) => return Err(error),
    };
    let items = found.get_mut("items").map(Value::take).unwrap_or_default();
    let items: Vec<Alert> =
        serde_json::from_value(items).map_err(|error| kernel::Error::internal("group-alerts", error))?;
    let one = |alert: Alert| {
        json!({
            "status": if alert.cleared_at.is_none() { "firing" } else { "resolved" },
            "name": alert.name, "labels": alert.labels, "since": alert.joined_at, "until": alert.cleared_at,
            "check": Ref::new("check", alert.check), "asset": alert.asset,
        })
    };
    Ok(items.into_iter().map(one).collect())
}
