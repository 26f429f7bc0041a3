//! Which messages a reach finds, and how they are found.

use kernel::world::World;

use super::*;

fn world() -> World {
    World::new(vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel]).unwrap()
}

fn reaches() -> Vec<Reach> {
    let none = Reach::default;
    vec![
        Reach { everything: true, ..none() },
        Reach { teams: vec![1], ..none() },
        Reach { places: vec![1, 2], ..none() },
        Reach { own: Some(3), ..none() },
        Reach { teams: vec![1, 2], places: vec![2], own: Some(3), ..none() },
        Reach { places: (2..=200).collect(), ..none() },
        none(),
    ]
}

fn filters() -> Vec<Filter> {
    let mut all: Vec<Filter> =
        MessageState::ALL.iter().map(|state| Filter { state: Some(*state), ..Filter::default() }).collect();
    all.extend([Filter::default(), Filter { group: Some(3), ..Filter::default() }]);
    all.push(Filter { user: Some(3), ..Filter::default() });
    all
}

#[test]
fn the_list_and_its_count_find_what_a_reach_covers_by_an_index_and_never_walk_the_log() {
    let world = world();
    for reach in reaches() {
        for filter in filters() {
            for query in [page_query(&filter, &reach, 100, 51), count_query(&filter, &reach)] {
                let keys = reach.teams.len() + reach.places.len();
                let walks = reach.everything && filter.state.is_none() || keys > 100;
                let without_key = world.walks(query.sql(), "paging_messages").unwrap();
                assert!(walks || without_key.is_empty(), "{}: {without_key:?}", query.sql());
                // SQLite alone tells which index it takes whatever is in the tables.
                let plan = world.plan(query.sql()).unwrap().unwrap_or_default();
                for step in plan.iter().filter(|step| step.contains("paging_messages")) {
                    let by_number = step.contains("USING INTEGER PRIMARY KEY (rowid=?)");
                    assert!(by_number || walks || step.contains("INDEX paging_messages_"), "{}: {plan:?}", query.sql());
                }
            }
        }
    }
}

#[test]
fn messages_that_were_not_sent_are_found_without_those_that_were() {
    let filter = Filter { state: Some(MessageState::Failed), ..Filter::default() };
    let reach = Reach { teams: vec![1], places: vec![2], ..Reach::default() };
    let world = world();
    let query = count_query(&filter, &reach);
    assert_eq!(world.walks(query.sql(), "paging_messages").unwrap(), Vec::<String>::new());
    let Some(plan) = world.plan(query.sql()).unwrap() else { return };
    for index in ["paging_messages_team_state", "paging_messages_place_state"] {
        assert!(plan.iter().any(|step| step.contains(index)), "{index}: {plan:?}");
    }
}

/// Sixty messages of three teams, places and people, in every state.
fn fill(tx: &mut Tx<'_>) -> Result<()> {
    for number in 1..=60_i64 {
        let some = |id: i64| Some(id).filter(|id| *id > 0);
        let said = Said { group: number % 5, team: some(number % 3), place: some(number / 4 % 3), ..Said::default() };
        let to = Recipient { user: number / 7 % 4, lane: "mail".into(), ..Recipient::default() };
        insert(tx, &said, &to, &number.to_string(), Time(number))?;
    }
    for state in MessageState::ALL {
        let state = state.as_str();
        tx.execute(
            "UPDATE paging_messages SET state = ?1 WHERE at % 4 = ?2",
            &[state.into(), i64::try_from(state.len() % 4).unwrap_or(0).into()],
        )?;
    }
    Ok(())
}

#[test]
fn every_reach_and_filter_finds_its_messages_newest_first_page_by_page() {
    let world = world();
    world.kernel.db.write("test.fill", kernel::db::Priority::Background, fill).unwrap();
    let everything = Reach { everything: true, ..Reach::default() };
    let all = world.kernel.db.read(|tx| page(tx, &Filter::default(), &everything, i64::MAX, 100)).unwrap();
    assert_eq!(all.len(), 60);
    for reach in reaches() {
        for filter in filters() {
            let fits = |one: &&Message| {
                reach.covers(one.place, one.team, one.user)
                    && filter.state.is_none_or(|state| one.state == state)
                    && filter.group.is_none_or(|group| one.group == Some(group))
                    && filter.user.is_none_or(|user| one.user == Some(user))
            };
            let expected: Vec<i64> = all.iter().filter(fits).map(|one| one.id).collect();
            let (mut found, mut before) = (Vec::new(), i64::MAX);
            loop {
                let some = world.kernel.db.read(|tx| page(tx, &filter, &reach, before, 7)).unwrap();
                let Some(last) = some.last() else { break };
                before = last.id;
                found.extend(some.iter().map(|one| one.id));
            }
            assert_eq!(found, expected, "{reach:?} {:?}", filter.state);
            let count = world.kernel.db.read(|tx| count(tx, &filter, &reach)).unwrap();
            assert_eq!(count, i64::try_from(expected.len()).unwrap(), "{reach:?}");
            for one in &all {
                let seen = world.kernel.db.read(|tx| find(tx, one.id, &reach)).unwrap().is_some();
                assert_eq!(seen, reach.covers(one.place, one.team, one.user));
            }
        }
    }
}
