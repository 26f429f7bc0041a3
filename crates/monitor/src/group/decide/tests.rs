//! Decisions about groups that end while others become one with them.

use std::collections::BTreeMap;

use causes::{Candidate, Cause, Cluster, Decision, Look, Member, Symptom, What};
use kernel::world::World;
use kernel::{Actor, Cx};
use serde_json::json;

use super::apply;
use crate::causal::{Applied, Decided};
use crate::live::actor;
use crate::machine::{Machine, State, Step};
use crate::store;

/// Checks whose alerts are out, and which of our groups the engine's are.
struct Scene {
    world: World,
    checks: Vec<i64>,
    ids: BTreeMap<u64, i64>,
}

impl Scene {
    fn new() -> Self {
        let world = World::new(vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel]).unwrap();
        let call = |operation: &str, input| world.call(&Actor::os("ada"), operation, input).unwrap();
        let checks: Vec<i64> = (0..3)
            .map(|number| {
                let thing = json!({"name": format!("web-{number}"), "kind": "server"});
                let asset = call("assets.thing.create", thing)["id"].as_i64().unwrap();
                let check = json!({"asset": asset, "kind": "process", "process": "nginx"});
                call("monitor.check.create", check)["id"].as_i64().unwrap()
            })
            .collect();
        let mut scene = Self { world, checks, ids: BTreeMap::new() };
        let checks = scene.checks.clone();
        scene.write(move |cx| {
            let mut machine = Machine::new(cx.now);
            machine.open = true;
            let step = Step { from: State::Pending, to: State::Firing, fired: true, cleared: false, flap: None };
            let moved = |check: &i64| store::alerts::Moved {
                check: *check,
                asset: None,
                step: &step,
                machine: &machine,
                evidence: "x",
                at: cx.now,
            };
            store::alerts::moved(cx.tx, &checks.iter().map(moved).collect::<Vec<_>>())
        });
        let opened = scene.apply(vec![scene.opened(1, 0), scene.opened(2, 1)]);
        scene.ids = opened.ids;
        scene
    }

    fn write<T: Send + 'static>(&self, work: impl Fn(&mut Cx) -> kernel::Result<T> + Send + 'static) -> T {
        self.world.kernel.write_as(actor(), "monitor.test", work).unwrap()
    }

    fn apply(&self, decisions: Vec<Decision>) -> Applied {
        let (decided, ids): (Vec<_>, _) = (decisions.into_iter().map(Decided::Engine).collect(), self.ids.clone());
        self.write(move |cx| apply(cx, &decided, &ids))
    }

    fn member(&self, nth: usize) -> Member {
        let key = u64::try_from(self.checks[nth]).unwrap();
        let look = Look {
            key,
            thing: key,
            what: What::Down,
            vantage: None,
            interval_ms: 10_000,
            by_name: false,
            label: String::new(),
        };
        Member::of(&Symptom { look, what: What::Down, since_ms: 0, evidence: "x".into() })
    }

    fn opened(&self, group: u64, nth: usize) -> Decision {
        let cluster = Cluster { looks: Vec::new(), candidates: Vec::new(), undetermined: None };
        Decision::Open { group, cluster, members: vec![self.member(nth)], again: Vec::new() }
    }

    /// The first group ends with us, and the engine does not know it yet.
    fn end_the_first(&self) {
        let (check, group) = (self.checks[0], self.ids[&1]);
        self.write(move |cx| crate::group::recover::left(cx, group, check, Vec::new()));
    }

    /// A group of the first alert and of the third, which follows from it.
    fn follows(&mut self) -> i64 {
        let check = self.checks[0];
        let found = self.world.kernel.db.read(|tx| store::checks::by_id(tx, &[check])).unwrap();
        let thing = u64::try_from(found[0].asset.unwrap()).unwrap();
        let suspect = Candidate {
            cause: Cause::Thing { thing, state: What::Down, fault: "stopped".into() },
            score: 5.0,
            share: 0.9,
            explained: 2,
            symptoms: 2,
            absent: 0,
            reasons: Vec::new(),
        };
        let known = Cluster { looks: Vec::new(), candidates: vec![suspect], undetermined: None };
        let members = vec![self.member(0), self.member(2)];
        let opened = Decision::Open { group: 3, cluster: known, members, again: Vec::new() };
        self.ids = self.apply(vec![opened]).ids;
        self.ids[&3]
    }

    fn group_of(&self, nth: usize) -> Option<i64> {
        let check = self.checks[nth];
        let found = self.world.kernel.db.read(|tx| store::checks::by_id(tx, &[check])).unwrap();
        found[0].group
    }
}

impl Scene {
    /// The things of the alerts that a group's changes tell for themselves.
    fn own(&self, group: i64) -> Vec<String> {
        let subject = kernel::Ref::new("alert_group", group);
        let events = self.world.kernel.read_as(&Actor::os("ada"), move |cx| cx.timeline(&subject, None, 50)).unwrap();
        let own = |event: &kernel::StoredEvent| {
            let all = event.payload["own"].as_array().cloned().unwrap_or_default();
            all.iter().map(|one| one["labels"]["asset"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        events.iter().filter(|event| event.name == "monitor.group.changed").flat_map(own).collect()
    }
}

#[test]
fn what_goes_into_another_group_is_told_on_to_its_own_people() {
    let scene = Scene::new();
    let open = scene.ids[&1];
    scene.apply(vec![Decision::Merge { from: 2, into: 1 }]);
    assert_eq!(scene.own(open), ["web-1"]);
}

#[test]
fn what_no_longer_follows_from_a_cause_is_told_to_its_own_people() {
    let mut scene = Scene::new();
    let open = scene.follows();
    assert_eq!(scene.own(open), Vec::<String>::new());
    let unknown = Cluster { looks: Vec::new(), candidates: Vec::new(), undetermined: None };
    scene.apply(vec![Decision::Rerank { group: 3, cluster: unknown }]);
    assert_eq!(scene.own(open), ["web-2"]);
}

impl Scene {
    /// A silence of an hour over a check.
    fn silence(&self, nth: usize) -> i64 {
        let input = json!({"check": self.checks[nth], "minutes": 60, "reason": "It is known"});
        self.world.call(&Actor::os("ada"), "monitor.silence.create", input).unwrap()["id"].as_i64().unwrap()
    }

    fn end(&self, silence: i64) {
        self.world.call(&Actor::os("ada"), "monitor.silence.end", json!({"id": silence})).unwrap();
        let now = self.world.kernel.now();
        let bare = self.world.kernel.db.read(|tx| crate::silence::all_bare(tx, now)).unwrap();
        self.write(move |cx| crate::silence::review(cx, &bare));
    }
}

#[test]
fn what_was_silenced_when_its_group_went_into_another_is_told_when_the_silence_ends() {
    let scene = Scene::new();
    let silence = scene.silence(1);
    scene.apply(vec![Decision::Merge { from: 2, into: 1 }]);
    assert_eq!(scene.own(scene.ids[&1]), Vec::<String>::new(), "a silence covers it");
    scene.end(silence);
    assert_eq!(scene.own(scene.ids[&1]), ["web-1"]);
    scene.end(scene.silence(0));
    assert_eq!(scene.own(scene.ids[&1]), ["web-1"], "once");
}

#[test]
fn what_was_silenced_when_it_no_longer_followed_from_a_cause_is_told_when_the_silence_ends() {
    let mut scene = Scene::new();
    let open = scene.follows();
    let silence = scene.silence(2);
    let unknown = Cluster { looks: Vec::new(), candidates: Vec::new(), undetermined: None };
    scene.apply(vec![Decision::Rerank { group: 3, cluster: unknown }]);
    assert_eq!(scene.own(open), Vec::<String>::new());
    scene.end(silence);
    assert_eq!(scene.own(open), ["web-2"]);
}

#[test]
fn what_could_not_join_a_group_that_ended_is_in_the_one_that_goes_on_as_it() {
    let scene = Scene::new();
    scene.end_the_first();
    let open = scene.ids[&2];
    let applied =
        scene.apply(vec![Decision::Join { group: 1, member: scene.member(2) }, Decision::Merge { from: 2, into: 1 }]);
    assert_eq!(applied.ids, BTreeMap::from([(1, open)]), "the open one goes on as the one that ended");
    assert!(applied.over.is_empty(), "and nothing is over: {:?}", applied.over);
    assert_eq!((scene.group_of(1), scene.group_of(2)), (Some(open), Some(open)));
}

#[test]
fn what_could_not_join_a_group_that_ended_and_went_into_another_is_in_that_one() {
    let scene = Scene::new();
    scene.end_the_first();
    let open = scene.ids[&2];
    let applied =
        scene.apply(vec![Decision::Join { group: 1, member: scene.member(2) }, Decision::Merge { from: 1, into: 2 }]);
    assert_eq!((applied.ids, applied.over), (BTreeMap::from([(2, open)]), BTreeMap::new()));
    assert_eq!(scene.group_of(2), Some(open));
}

#[test]
fn what_would_join_a_group_that_ended_is_named_to_whoever_judges() {
    let scene = Scene::new();
    scene.end_the_first();
    let applied = scene.apply(vec![Decision::Join { group: 1, member: scene.member(2) }]);
    assert_eq!(applied.over, BTreeMap::from([(1, vec![scene.checks[2]])]));
    assert_eq!(scene.group_of(2), None);
}

#[test]
fn what_cleared_while_it_was_judged_is_in_its_group_and_not_out_of_it_for_ever() {
    let scene = Scene::new();
    let check = scene.checks[2];
    scene.write(move |cx| {
        let machine = Machine::new(cx.now);
        let step = Step { from: State::Firing, to: State::Ok, fired: false, cleared: true, flap: None };
        let gone =
            store::alerts::Moved { check, asset: None, step: &step, machine: &machine, evidence: "y", at: cx.now };
        store::alerts::moved(cx.tx, &[gone])
    });
    scene.apply(vec![Decision::Join { group: 2, member: scene.member(2) }]);
    let input = json!({"id": scene.ids[&2], "open": true});
    let out = scene.world.call(&Actor::os("ada"), "monitor.group.alerts", input).unwrap();
    let named: Vec<_> = out["items"].as_array().unwrap().iter().map(|one| one["check"].as_i64().unwrap()).collect();
    assert_eq!(named, [scene.checks[1]], "{out}");
}

#[test]
fn a_team_whose_only_alert_is_behind_many_of_others_is_not_missed() {
    let scene = Scene::new();
    let call = |operation: &str, input| scene.world.call(&Actor::os("ada"), operation, input).unwrap();
    let number = |value: serde_json::Value| value["id"].as_i64().unwrap();
    let team = number(call("people.team.create", json!({"name": "Payments", "slug": "payments"})));
    let first = scene.checks[0];
    let found = scene.world.kernel.db.read(|tx| store::checks::by_id(tx, &[first])).unwrap();
    let check = |nth: usize, more: serde_json::Value| {
        let mut input = json!({"asset": found[0].asset, "kind": "process", "process": format!("p{nth}")});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        number(call("monitor.check.create", input))
    };
    let mut checks: Vec<i64> = (0..201).map(|nth| check(nth, json!({}))).collect();
    checks.push(check(201, json!({"team": team})));
    let rows = scene.write(move |cx| super::own::looked_at(cx, &checks));
    assert_eq!((rows.len(), rows.iter().filter(|check| check.team == Some(team)).count()), (201, 1));
}
