//! Looking again before people are told, and groups that are taken over or given up.

use causes::{
    Again, Answer, Cause, Decision, Engine, Graph, Look, Observation, Options, Over, Restored, Rules, Symptom, Thing,
    What,
};

use crate::house::{House, INTERVAL};

/// What the first group that opened says of looking again.
fn opened(decided: &[Decision]) -> Option<&[Again]> {
    decided.iter().find_map(|one| if let Decision::Open { again, .. } = one { Some(again.as_slice()) } else { None })
}

#[test]
fn what_was_looked_at_again_is_told_with_its_answer() {
    let mut house = House::switches(3);
    house.fire("srv-1", What::Unreachable);
    house.pass(20);
    let again = opened(&house.decided).unwrap();
    let of = |name: &str| again.iter().find(|one| one.thing == house.id(name)).unwrap().answer;
    assert!(matches!(of("srv-1"), Answer::Bad(_)) && matches!(of("sw-a"), Answer::Good(_)), "{again:?}");
}

#[test]
fn what_does_not_answer_is_waited_for_a_bounded_time_and_what_cannot_be_asked_is_not() {
    let opened_after = |able: bool| {
        let mut house = House::switches(3);
        house.mute();
        let key = house.fire("srv-1", What::Unreachable);
        for seconds in 1..=15 {
            let asked = house.pass_mute();
            for key in asked.into_iter().filter(|_| !able) {
                house.see(Observation::Unable { key });
            }
            if let Some(again) = opened(&house.decided) {
                let answers: Vec<Answer> = again.iter().filter(|one| one.key != key).map(|one| one.answer).collect();
                return (seconds, answers);
            }
        }
        panic!("it does not open");
    };
    let (waited, answers) = opened_after(true);
    assert!(waited >= 12 && !answers.is_empty() && answers.iter().all(|one| *one == Answer::None), "{answers:?}");
    let (waited, answers) = opened_after(false);
    assert!((4..12).contains(&waited) && answers.iter().all(|one| *one == Answer::Unable), "{waited} {answers:?}");
}

#[test]
fn a_group_that_could_not_be_written_comes_again_and_so_does_a_symptom_that_did_not_get_into_it() {
    let mut house = House::switches(3);
    let key = house.fire("srv-1", What::Unreachable);
    house.pass(15);
    let first = house.engine.group_of(key).unwrap();
    house.engine.disband(first);
    house.pass(15);
    let second = house.engine.group_of(key).unwrap();
    assert_ne!(first, second);
    assert_eq!((house.pages(), house.causes()), (2, vec!["srv-1".to_owned()]));
    house.engine.release(key);
    assert_eq!(house.engine.group_of(key), None);
    house.pass(15);
    assert!(house.engine.group_of(key).is_some(), "it is in a group again");
}

#[test]
fn restored_groups_keep_their_judgement_until_what_is_well_is_known_again() {
    let mut graph = Graph::new();
    let put = |graph: &mut Graph, id: u64, name: &str, kind: &str| {
        graph.put(Thing { id, kind: kind.into(), name: name.into(), site: "oslo".into() });
    };
    let names = ["core", "sw-a", "sw-b", "srv-a1", "srv-b1", "srv-a2", "srv-b2"];
    for (id, name) in (1..).zip(names) {
        put(&mut graph, id, name, if name.starts_with("srv") { "server" } else { "switch" });
    }
    for (from, to) in [(2, 1), (3, 1), (4, 2), (5, 3), (6, 2), (7, 3)] {
        let (kind, source) = (causes::RelationKind::ConnectedTo, causes::Source::Declared);
        graph.relate(&causes::Relation { from, kind, to, group: String::new(), source });
    }
    let look = |id: u64| Look {
        key: 100 + id,
        thing: id,
        what: What::Unreachable,
        vantage: None,
        interval_ms: INTERVAL,
        by_name: false,
        label: String::new(),
    };
    let symptom = |id: u64| Symptom { look: look(id), what: What::Unreachable, since_ms: 0, evidence: "x".into() };
    let mut engine = Engine::new(graph, Rules::built_in(), Options::default());
    // Two servers failed for reasons of their own; the switches and the others are well, which nobody knows yet.
    let group = |group: u64, id: u64| Restored {
        group,
        paged: true,
        opened_ms: 0,
        relapses: 0,
        members: vec![(symptom(id), None)],
        over: None,
    };
    let start = 60_000;
    engine.restore(vec![group(1, 4), group(2, 5)], start);
    let mut decided = Vec::new();
    for step in 1..=40 {
        let now = start + step * 1_000;
        if step == 20 {
            for id in [1, 2, 3, 6, 7] {
                engine.observe(Observation::Seen { look: look(id), good: true, at_ms: now }, now);
            }
        }
        for id in [4, 5] {
            engine.observe(Observation::Seen { look: look(id), good: false, at_ms: now }, now);
        }
        decided.extend(engine.tick(now));
        if step < 20 {
            assert!(decided.is_empty(), "nothing is decided from nothing: {decided:?}");
        }
    }
    let merged = decided.iter().any(|one| matches!(one, Decision::Merge { .. }));
    assert!(!merged && engine.groups().len() == 2, "{decided:?}");
    let judged = engine.groups().into_iter().filter_map(|group| group.cluster).count();
    assert_eq!(judged, 2, "and then they are judged");
}

#[test]
fn a_restored_group_that_was_over_comes_back_with_its_cause_within_the_relapse_time() {
    let look = |key: u64, thing: u64| Look {
        key,
        thing,
        what: What::Down,
        vantage: None,
        interval_ms: INTERVAL,
        by_name: false,
        label: String::new(),
    };
    let symptom =
        |key: u64, thing: u64| Symptom { look: look(key, thing), what: What::Down, since_ms: 0, evidence: "x".into() };
    let relapse = Options::default().relapse_ms;
    // How long ago it was over, what fails, and whether the same group comes back: at its cause it does.
    let table =
        [(relapse - 60_000, (101, 1), true), (relapse - 60_000, (102, 2), false), (relapse + 1, (101, 1), false)];
    for (ago, (key, thing), same) in table {
        let mut graph = Graph::new();
        for (id, name) in [(1, "db-01"), (2, "web-01")] {
            graph.put(Thing { id, kind: "server".into(), name: name.into(), site: "oslo".into() });
        }
        let start = 10 * relapse;
        let mut engine = Engine::new(graph, Rules::built_in(), Options::default());
        engine.restore(
            vec![Restored {
                group: 7,
                paged: true,
                opened_ms: start - ago - 60_000,
                relapses: 0,
                members: vec![(symptom(101, 1), Some(start - ago)), (symptom(102, 2), Some(start - ago))],
                over: Some(Over {
                    at_ms: start - ago,
                    cause: Some(Cause::Thing { thing: 1, state: What::Down, fault: "crash".into() }),
                }),
            }],
            start,
        );
        assert!(engine.tick(start + 1_000).is_empty(), "nothing is out");
        engine.observe(Observation::Fired(symptom(key, thing)), start + 2_000);
        let decided = (2..=30).flat_map(|second| engine.tick(start + second * 1_000)).collect::<Vec<_>>();
        let back = decided.iter().any(|one| matches!(one, Decision::Reopen { group: 7, .. }));
        let new = decided.iter().any(|one| matches!(one, Decision::Open { group, .. } if *group > 7));
        assert_eq!((back, new), (same, !same), "{ago} {key}: {decided:?}");
    }
}
