//! Relations that facts speak for: found once, gone with the facts, behind what people say.

use crate::store_room::Room;
use agent_proto::facts::{Section, whole};
use serde_json::{Value, json};

/// The agent of a thing reports its addresses, its gateway and its name servers, and what follows is done.
fn report(room: &Room, asset: i64, own: &[&str], gateway: Option<&str>, resolvers: &[&str]) {
    let section: Section = [
        ("interfaces.eth0", json!({ "addresses": own, "physical": true })),
        ("network.gateway", json!(gateway)),
        ("network.resolvers", json!(resolvers)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_string()))
    .collect();
    let message = whole("interfaces", room.world.kernel.now().millis(), &section);
    let store = move |cx: &mut kernel::Cx| assets::store_facts(cx, asset, "agent", &message);
    room.world.kernel.write_as(kernel::Actor::service("assets.facts", &[]), "assets.facts.store", store).unwrap();
    room.world.settle().unwrap();
}

/// What a thing stands on: how, what, and whether facts speak for it.
fn on(room: &Room, id: i64) -> Vec<(String, i64, bool)> {
    let shown = room.call(&room.os(), "assets.relation.list", json!({ "id": id })).unwrap();
    let row = |one: &Value| {
        let kind = one["kind"].as_str().unwrap().to_owned();
        (kind, one["other"].as_i64().unwrap(), one["discovered"].as_bool().unwrap())
    };
    shown["items"].as_array().unwrap().iter().filter(|one| one["stands_on"] == true).map(row).collect()
}

fn found(kind: &str, to: i64) -> (String, i64, bool) {
    (kind.to_owned(), to, true)
}

fn relation(room: &Room, id: i64) -> i64 {
    let shown = room.call(&room.os(), "assets.relation.list", json!({ "id": id })).unwrap();
    shown["items"][0]["relation"].as_i64().unwrap()
}

fn things<const N: usize>(room: &Room, names: [&str; N]) -> [i64; N] {
    names.map(|name| room.add(name, json!({})))
}

#[test]
fn the_gateway_and_the_name_servers_that_an_agent_names_are_relations() {
    let room = Room::new();
    let [web, gate, dns] = things(&room, ["web", "gate", "dns"]);
    report(&room, gate, &["10.0.0.1/24"], Some("192.0.2.1"), &["10.0.0.2"]);
    report(&room, dns, &["10.0.0.2/24", "2001:db8::2/64"], Some("10.0.0.1"), &["10.0.0.2", "127.0.0.53"]);
    report(&room, web, &["10.0.0.5/24"], Some("10.0.0.1"), &["2001:DB8::2", "9.9.9.9"]);
    assert_eq!(on(&room, web), [found("resolves_by", dns), found("routes_by", gate)]);
    assert_eq!(on(&room, dns), [found("routes_by", gate)], "it does not stand on itself");
    assert_eq!(on(&room, gate), [found("resolves_by", dns)], "also when the other came later");
    let told = room.titles(web);
    assert!(told.contains(&"web goes out by gate".to_owned()), "{told:?}");
    let list = room.call(&room.os(), "assets.relation.list", json!({ "id": web })).unwrap();
    assert_eq!(list["items"][0]["source"], "agent");
    report(&room, web, &["10.0.0.5/24"], Some("10.0.0.1"), &["2001:DB8::2", "9.9.9.9"]);
    report(&room, web, &["10.0.0.6/24"], Some("10.0.0.1"), &["2001:DB8::2"]);
    assert_eq!(room.titles(web), told, "what is so already is not told again");
}

#[test]
fn what_facts_no_longer_say_is_gone_and_what_people_said_stays() {
    let room = Room::new();
    let [web, old, new, switch] = things(&room, ["web", "gate-old", "gate-new", "sw-1"]);
    report(&room, old, &["10.0.0.1/24"], None, &[]);
    report(&room, web, &["10.0.0.5/24"], Some("10.0.0.1"), &[]);
    let input = json!({ "id": web, "kind": "connected_to", "to": switch });
    room.call(&room.os(), "assets.relation.add", input).unwrap();
    let declared = ("connected_to".to_owned(), switch, false);
    assert_eq!(on(&room, web), [declared.clone(), found("routes_by", old)]);
    report(&room, new, &["10.0.0.1/24"], None, &[]);
    assert_eq!(on(&room, web), [declared.clone(), found("routes_by", old)], "while two have it, what was known stays");
    let late = room.add("late", json!({}));
    report(&room, late, &["10.0.0.7/24"], Some("10.0.0.1"), &[]);
    assert!(on(&room, late).is_empty(), "an address of two things names neither");
    room.call(&room.os(), "assets.thing.retire", json!({ "id": old, "reason": "scrapped" })).unwrap();
    room.world.settle().unwrap();
    assert_eq!(on(&room, web), [declared.clone(), found("routes_by", new)]);
    report(&room, web, &["10.0.0.5/24"], None, &[]);
    assert_eq!(on(&room, web), [declared]);
    assert!(room.titles(web).contains(&"No longer: web goes out by gate-new".to_owned()));
}

#[test]
fn a_gateway_of_another_place_is_not_the_one_that_is_meant() {
    let room = Room::new();
    let yard = room.call(&room.os(), "people.place.create", json!({ "name": "Yard", "kind": "client" })).unwrap()["id"]
        .clone();
    let here = room.add("gate-here", json!({ "place": room.site }));
    let there = room.add("gate-there", json!({ "place": yard.clone() }));
    report(&room, here, &["192.168.1.1/24"], None, &[]);
    let web = room.add("web", json!({ "place": room.site }));
    let far = room.add("far", json!({ "place": yard }));
    for (thing, own) in [(web, "192.168.1.5/24"), (far, "192.168.1.6/24")] {
        report(&room, thing, &[own], Some("192.168.1.1"), &[]);
    }
    assert_eq!((on(&room, web), on(&room, far)), (vec![found("routes_by", here)], Vec::new()));
    report(&room, there, &["192.168.1.1/24"], None, &[]);
    assert_eq!((on(&room, web), on(&room, far)), (vec![found("routes_by", here)], vec![found("routes_by", there)]));
}

#[test]
fn who_does_not_reach_everything_says_no_addresses() {
    let room = Room::new();
    let gate = room.add("gate", json!({ "place": room.site }));
    let input = json!({ "id": gate, "addresses": ["10.0.0.1"] });
    let refused = room.call(&room.sam(kernel::Scope::Places(vec![room.site])), "assets.address.set", input.clone());
    assert_eq!(refused.unwrap_err().kind, kernel::ErrorKind::Denied);
    room.call(&room.sam(kernel::Scope::Everything), "assets.address.set", input).unwrap();
}

#[test]
fn what_a_person_says_of_a_kind_goes_before_what_facts_say() {
    let room = Room::new();
    let [web, gate, pair] = things(&room, ["web", "gate", "gate-pair"]);
    report(&room, gate, &["10.0.0.1/24"], None, &[]);
    report(&room, web, &["10.0.0.5/24"], Some("10.0.0.1"), &[]);
    let add = |to: i64| {
        let input = json!({ "id": web, "kind": "routes_by", "to": to });
        room.world.answer(&room.os(), "assets.relation.add", input).unwrap()
    };
    let undo = |audit: Option<i64>| room.call(&room.os(), "kernel.audit.undo", json!({ "id": audit })).unwrap();
    let added = add(pair);
    assert_eq!(on(&room, web), [("routes_by".to_owned(), pair, false)]);
    report(&room, web, &["10.0.0.6/24"], Some("10.0.0.1"), &["10.0.0.9"]);
    assert_eq!(on(&room, web), [("routes_by".to_owned(), pair, false)]);
    undo(added.audit);
    assert_eq!(on(&room, web), [found("routes_by", gate)]);
    let taken_over = add(gate);
    assert_eq!(on(&room, web), [("routes_by".to_owned(), gate, false)], "somebody says so now");
    undo(taken_over.audit);
    assert_eq!(on(&room, web), [found("routes_by", gate)]);
}

#[test]
fn what_a_person_declined_does_not_come_back_until_somebody_says_it() {
    let room = Room::new();
    let [web, gate] = things(&room, ["web", "gate"]);
    report(&room, gate, &["10.0.0.1/24"], None, &[]);
    report(&room, web, &["10.0.0.5/24"], Some("10.0.0.1"), &[]);
    let declined =
        room.world.answer(&room.os(), "assets.relation.remove", json!({ "relation": relation(&room, web) })).unwrap();
    assert_eq!(on(&room, web), []);
    report(&room, web, &["10.0.0.6/24"], Some("10.0.0.1"), &[]);
    report(&room, web, &["10.0.0.6/24"], None, &[]);
    report(&room, web, &["10.0.0.6/24"], Some("10.0.0.1"), &[]);
    assert_eq!(on(&room, web), [], "whatever the agent reports");
    let undone = room.world.answer(&room.os(), "kernel.audit.undo", json!({ "id": declined.audit })).unwrap();
    assert_eq!(on(&room, web), [found("routes_by", gate)]);
    room.call(&room.os(), "kernel.audit.undo", json!({ "id": undone.audit })).unwrap();
    assert_eq!(on(&room, web), []);
    room.call(&room.os(), "assets.relation.add", json!({ "id": web, "kind": "routes_by", "to": gate })).unwrap();
    room.call(&room.os(), "assets.relation.remove", json!({ "relation": relation(&room, web) })).unwrap();
    assert_eq!(on(&room, web), [], "who takes it back declines it, too");
}

#[test]
fn a_group_of_what_facts_speak_for_stays_while_they_do() {
    let room = Room::new();
    let [web, gate] = things(&room, ["web", "gate"]);
    report(&room, gate, &["10.0.0.1/24"], None, &[]);
    report(&room, web, &["10.0.0.5/24"], Some("10.0.0.1"), &[]);
    let group = json!({ "relation": relation(&room, web), "group": "ways out" });
    room.call(&room.os(), "assets.relation.update", group).unwrap();
    report(&room, web, &["10.0.0.6/24"], Some("10.0.0.1"), &[]);
    assert_eq!(on(&room, web), [found("routes_by", gate)]);
    let shown = room.call(&room.os(), "assets.relation.list", json!({ "id": web })).unwrap();
    assert_eq!(shown["items"][0]["group"], "ways out");
}

#[test]
fn everybody_who_names_a_gateway_follows_when_it_is_known() {
    let room = Room::new();
    let machines: Vec<i64> = (0..120).map(|number| room.add(&format!("pc-{number:03}"), json!({}))).collect();
    for (number, machine) in machines.iter().enumerate() {
        report(&room, *machine, &[&format!("10.0.1.{number}/16")], Some("10.0.0.1"), &[]);
    }
    let gate = room.add("gate", json!({}));
    report(&room, gate, &["10.0.0.1/16"], None, &[]);
    let mut all = machines.iter();
    assert!(all.all(|machine| on(&room, *machine) == [found("routes_by", gate)]), "in slices, all of them");
}

#[test]
fn facts_of_an_earlier_version_are_read_at_the_next_start() {
    let room = Room::new();
    let [web, gate] = things(&room, ["web", "gate"]);
    report(&room, gate, &["10.0.0.1/24"], None, &[]);
    report(&room, web, &["10.0.0.5/24"], Some("10.0.0.1"), &[]);
    let forget = |tx: &mut kernel::db::Tx<'_>| {
        tx.execute("DELETE FROM assets_relations", &[])?;
        tx.execute("DELETE FROM assets_addresses", &[])
    };
    room.world.kernel.db.write("test", kernel::db::Priority::Interactive, forget).unwrap();
    for _ in 0..2 {
        assets::domain().kernel.start.unwrap()(&room.world.kernel).unwrap();
        room.world.settle().unwrap();
        assert_eq!(on(&room, web), [found("routes_by", gate)]);
    }
}

#[test]
fn a_router_without_an_agent_is_found_by_the_address_that_a_person_says_it_has() {
    let room = Room::new();
    let [web, gate, liar] = things(&room, ["web", "gate", "liar"]);
    let set = |addresses: Value| {
        let input = json!({ "id": gate, "addresses": addresses });
        let done = room.world.answer(&room.os(), "assets.address.set", input)?;
        room.world.settle().unwrap();
        Ok::<_, kernel::Error>(done)
    };
    report(&room, web, &["10.0.0.5/24"], Some("10.0.0.1"), &[]);
    let done = set(json!(["10.0.0.1", " 2001:DB8::1"])).unwrap();
    assert_eq!(done.output["addresses"], json!(["10.0.0.1", "2001:db8::1"]));
    assert_eq!(on(&room, web), [found("routes_by", gate)]);
    assert_eq!(room.titles(gate)[1], "gate: addresses from none to 10.0.0.1, 2001:db8::1");
    report(&room, liar, &["10.0.0.1/24"], None, &[]);
    report(&room, web, &["10.0.0.6/24"], Some("10.0.0.1"), &[]);
    assert_eq!(on(&room, web), [found("routes_by", gate)], "what a person says goes before what an agent claims");
    let shown = room.call(&room.os(), "assets.thing.show", json!({ "id": gate })).unwrap();
    assert_eq!(shown["addresses"], json!(["10.0.0.1", "2001:db8::1"]));
    room.call(&room.os(), "assets.thing.retire", json!({ "id": liar, "reason": "taken over" })).unwrap();
    room.call(&room.os(), "kernel.audit.undo", json!({ "id": done.audit })).unwrap();
    room.world.settle().unwrap();
    assert_eq!(on(&room, web), []);
    for wrong in [json!(["127.0.0.1"]), json!(["gate.example"]), json!(["10.0.0.1", "fe80::1"])] {
        assert_eq!(set(wrong).unwrap_err().field.as_deref(), Some("addresses"));
    }
}

#[test]
fn coverage_counts_what_is_known_and_the_filter_lists_the_rest() {
    let room = Room::new();
    let switch = room.add("sw-1", json!({ "kind": "switch" }));
    let router = room.add("gate", json!({ "kind": "router" }));
    let [web, mail, gone] = things(&room, ["web", "mail", "gone"]);
    let machine = room.add("vm-1", json!({ "kind": "virtual_machine", "team": room.team }));
    room.call(&room.os(), "assets.thing.retire", json!({ "id": gone, "reason": "scrapped" })).unwrap();
    report(&room, router, &["10.0.0.1/24"], None, &[]);
    report(&room, web, &["10.0.0.5/24"], Some("10.0.0.1"), &[]);
    let relate = |id: i64, kind: &str, to: i64| {
        let input = json!({ "id": id, "kind": kind, "to": to });
        room.call(&room.os(), "assets.relation.add", input).unwrap();
    };
    relate(mail, "connected_to", switch);
    relate(mail, "resolves_by", web);
    relate(machine, "runs_on", mail);
    let covered = |actor: &kernel::Actor| -> Vec<(String, i64, i64, i64, Vec<String>)> {
        let coverage = room.call(actor, "assets.relation.coverage", json!({})).unwrap();
        let row = |one: &Value| {
            let number = |field: &str| one[field].as_i64().unwrap();
            let others = room.call(actor, "assets.thing.list", json!({ "filter": one["filter"] })).unwrap();
            let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
            let names = others["items"].as_array().unwrap().iter().map(name).collect();
            (one["need"].as_str().unwrap().to_owned(), number("things"), number("known"), number("discovered"), names)
        };
        coverage["items"].as_array().unwrap().iter().map(row).collect()
    };
    let row = |need: &str, things: i64, known: i64, discovered: i64, others: &[&str]| {
        (need.to_owned(), things, known, discovered, others.iter().map(|name| (*name).to_owned()).collect())
    };
    assert_eq!(
        covered(&room.os()),
        [
            row("network", 4, 2, 1, &["sw-1", "vm-1"]),
            row("names", 3, 1, 0, &["vm-1", "web"]),
            row("power", 4, 0, 0, &["gate", "mail", "sw-1", "web"]),
            row("host", 1, 1, 0, &[]),
        ]
    );
    let team = room.sam(kernel::Scope::Teams(vec![room.team]));
    assert_eq!(
        covered(&team),
        [row("network", 1, 0, 0, &["vm-1"]), row("names", 1, 0, 0, &["vm-1"]), row("host", 1, 1, 0, &[])],
        "only what one may see is counted"
    );
    room.call(&room.os(), "assets.thing.retire", json!({ "id": switch, "reason": "scrapped" })).unwrap();
    assert_eq!(covered(&room.os())[0], row("network", 3, 1, 1, &["mail", "vm-1"]), "what is gone carries nothing");
    let both = room.call(&room.os(), "assets.thing.list", json!({ "filter": "lacks:names,power" })).unwrap();
    assert_eq!(both["count"], 4);
    let wrong = room.call(&room.os(), "assets.thing.list", json!({ "filter": "lacks:colour" })).unwrap_err();
    assert!(wrong.message.contains("lacks:network"), "{}", wrong.message);
    let reads = &room.world.kernel.db.stats().statements;
    let before = reads.load(std::sync::atomic::Ordering::Relaxed);
    room.call(&room.os(), "assets.relation.coverage", json!({})).unwrap();
    assert_eq!(reads.load(std::sync::atomic::Ordering::Relaxed) - before, 1, "however many things there are");
}
