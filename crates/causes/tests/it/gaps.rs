//! Where the graph says nothing: what is put together by time and labels, and what stays apart.

use causes::{Cause, Engine, Graph, Look, Observation, Options, Rules, Symptom, Thing, What};

/// Things by name, kind and site, each with a symptom and its label; how many groups there are, and the first's doubt.
fn groups(things: &[(&str, &str)], symptoms: &[(u64, What, &str)]) -> (usize, String) {
    let mut graph = Graph::new();
    for (id, (name, site)) in (1_u64..).zip(things) {
        graph.put(Thing { id, kind: "server".into(), name: (*name).into(), site: (*site).into() });
    }
    let mut engine = Engine::new(graph, Rules::built_in(), Options::default());
    let start = 1_000_000;
    for (thing, what, label) in symptoms {
        let look = Look {
            key: 100 + thing,
            thing: *thing,
            what: *what,
            vantage: None,
            interval_ms: 10_000,
            by_name: false,
            label: (*label).into(),
        };
        let symptom = Symptom { what: *what, look, since_ms: start, evidence: "x".into() };
        engine.observe(Observation::Fired(symptom), start);
    }
    for second in 1..=20 {
        engine.tick(start + second * 1_000);
    }
    let all = engine.groups();
    let doubt = all.first().and_then(|group| group.cluster.clone()).and_then(|cluster| cluster.undetermined);
    (all.len(), doubt.unwrap_or_default())
}

#[test]
fn only_what_shares_something_that_says_something_is_put_together() {
    let oslo = [("db-1", "oslo"), ("cam-7", "oslo"), ("door-3", "oslo")];
    let nowhere = [("db-1", ""), ("cam-7", ""), ("door-3", "")];
    let alike = [("cam-1", ""), ("cam-2", ""), ("cam-3", "")];
    let full = |labels: [&'static str; 3]| {
        [(1, What::DiskFull, labels[0]), (2, What::DiskFull, labels[1]), (3, What::DiskFull, labels[2])]
    };
    let other = |labels: [&'static str; 3]| {
        [(1, What::Other, labels[0]), (2, What::Other, labels[1]), (3, What::Other, labels[2])]
    };
    let beyond = |labels: [&'static str; 3]| {
        [(901, What::DiskFull, labels[0]), (902, What::DiskFull, labels[1]), (903, What::DiskFull, labels[2])]
    };
    assert_eq!(groups(&oslo, &full(["", "", ""])).0, 1, "the same trouble at one place");
    assert_eq!(groups(&nowhere, &full(["", "", ""])).0, 3, "no place and no name in common");
    let (many, doubt) = groups(&alike, &full(["", "", ""]));
    assert!(many == 1 && doubt.contains("(cam*)") && doubt.contains("time and name alone"), "{many} {doubt}");
    assert_eq!(groups(&oslo, &other(["A", "B", "C"])).0, 3, "three rules of somebody's own have nothing in common");
    assert_eq!(groups(&oslo, &other(["", "", ""])).0, 3, "and what they are is not known");
    assert_eq!(groups(&oslo, &other(["A", "A", "A"])).0, 1, "one rule has");
    let (many, doubt) = groups(&nowhere, &full(["Disk", "Disk", "Disk"]));
    assert!(many == 1 && doubt.contains("(Disk)") && doubt.contains("time and labels alone"), "{many} {doubt}");
    assert_eq!(
        groups(&nowhere, &other(["A", "A", "A"])).0,
        1,
        "a rule of somebody's own at things of which no place is known"
    );
    assert_eq!(
        groups(&nowhere, &full(["Disk", "Disk", "Room"])).0,
        3,
        "two are not many, and the third is of another rule"
    );
    let apart = [("db-1", "oslo"), ("cam-7", "bergen"), ("door-3", "bodo")];
    assert_eq!(groups(&apart, &full(["Disk", "Disk", "Disk"])).0, 3, "known to be at different places");
    assert_eq!(groups(&[], &beyond(["", "", ""])).0, 3, "things that are not known share no name");
    let (many, doubt) = groups(&[], &beyond(["Queue", "Queue", "Queue"]));
    assert!(many == 1 && doubt.contains("(Queue)") && doubt.contains("time and labels alone"), "{many} {doubt}");
}

#[test]
fn a_name_that_most_things_have_says_nothing() {
    let names: Vec<String> = (0..10).map(|n| format!("srv-{n}")).collect();
    let things: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let full: Vec<(u64, What, &str)> = (1..=3).map(|id| (id, What::DiskFull, "")).collect();
    assert_eq!(groups(&things, &full).0, 3);
}

/// Looks by the server at things by name and by address; which of them fail to be looked up, and what is good after.
fn blindness(unresolved: u64, good_name: bool) -> Vec<Cause> {
    let mut graph = Graph::new();
    let names = ["alpha", "bravo", "carol", "delta", "echo", "golf"];
    for (id, name) in (1_u64..).zip(names) {
        graph.put(Thing { id, kind: "server".into(), name: name.into(), site: name.into() });
    }
    let mut engine = Engine::new(graph, Rules::built_in(), Options::default());
    let look = |id: u64| Look {
        key: 100 + id,
        thing: id,
        what: What::Down,
        vantage: None,
        interval_ms: 10_000,
        by_name: id < 6,
        label: String::new(),
    };
    let start = 1_000_000;
    for id in 1..=unresolved {
        let evidence = "it cannot be resolved".to_owned();
        let symptom = Symptom { look: look(id), what: What::NameFails, since_ms: start, evidence };
        engine.observe(Observation::Fired(symptom), start);
    }
    for second in 1..=20_i64 {
        let now = start + second * 1_000;
        if second == 8 {
            // The last one is looked at by its address.
            engine.observe(Observation::Seen { look: look(6), good: true, at_ms: now }, now);
        }
        if second == 8 && good_name {
            engine.observe(Observation::Seen { look: look(5), good: true, at_ms: now }, now);
        }
        engine.tick(now);
    }
    let first = |view: causes::GroupView| Some(view.cluster?.candidates.first()?.cause.clone());
    engine.groups().into_iter().filter_map(first).collect()
}

#[test]
fn lookups_that_fail_while_addresses_answer_are_the_monitors_own_trouble() {
    assert_eq!(blindness(4, false), [Cause::Vantage { thing: None, names: true }]);
    assert!(
        !blindness(4, true).contains(&Cause::Vantage { thing: None, names: true }),
        "who finds one name finds names"
    );
    assert!(!blindness(2, false).contains(&Cause::Vantage { thing: None, names: true }), "two names may be wrong");
}
