//! How escalations are found.

use kernel::world::World;

use super::*;

fn world() -> World {
    World::new(vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel]).unwrap()
}

#[test]
fn the_list_and_its_count_find_what_a_reach_covers_by_an_index_and_never_walk_all_escalations() {
    let world = world();
    let everything = Reach { everything: true, ..Reach::default() };
    let some = Reach { teams: vec![1], places: vec![1, 2], own: Some(3), ..Reach::default() };
    for reach in [everything, some, Reach::default()] {
        for open in [None, Some(true), Some(false)] {
            for (group, user) in [(None, None), (Some(3), None), (None, Some(7))] {
                let filter = Filter { open, group, user };
                for query in [list_query(&filter, &reach, 100, 51), count_query(&filter, &reach)] {
                    let walks = reach.everything && open != Some(true) && group.is_none() && user.is_none();
                    let without_key = world.walks(query.sql(), "paging_pages").unwrap();
                    assert!(walks || without_key.is_empty(), "{}: {without_key:?}", query.sql());
                    // SQLite alone tells which index it takes whatever is in the tables.
                    let plan = world.plan(query.sql()).unwrap().unwrap_or_default();
                    for step in plan.iter().filter(|step| step.contains("paging_")) {
                        let by_number = step.contains("USING INTEGER PRIMARY KEY (rowid=?)");
                        assert!(by_number || walks || step.contains("INDEX paging_"), "{}: {plan:?}", query.sql());
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_read_over_and_over_goes_by_an_index() {
    let world = world();
    for sql in [
        "SELECT id FROM paging_messages WHERE lane = 'mail' AND state = 'waiting' AND send_at <= 5 ORDER BY send_at, id LIMIT 20",
        "SELECT id FROM paging_messages WHERE lane = 'mail' AND state = 'waiting' AND id > 7 ORDER BY id LIMIT 200",
        "SELECT id FROM paging_pages WHERE due_at > 0 AND due_at <= 5 ORDER BY due_at LIMIT 200",
        "SELECT id FROM paging_notes WHERE group_id = 3 ORDER BY id LIMIT 500",
        "SELECT group_id FROM paging_groups WHERE root_id = 3 ORDER BY group_id LIMIT 500",
    ] {
        let table = sql.split(' ').nth(3).unwrap();
        assert_eq!(world.walks(sql, table).unwrap(), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn a_walk_through_the_whole_table_is_seen_on_either_engine() {
    let world = world();
    for sql in
        ["SELECT id FROM paging_notes WHERE line = 'x'", "SELECT id FROM paging_notes WHERE step = ?1 AND line <> ?2"]
    {
        assert_eq!(world.walks(sql, "paging_notes").unwrap().len(), 1, "{sql}");
    }
}

#[test]
fn a_reach_finds_the_escalations_of_its_teams_and_places() {
    let world = world();
    let put = |tx: &mut Tx<'_>| {
        for number in 1..=12_i64 {
            let team = Some(number % 3).filter(|team| *team > 0);
            let state = if number % 4 == 0 { PageState::Active } else { PageState::Ended };
            insert(tx, &Page { group: number, team, place: Some(number % 2), state, ..Page::default() })?;
        }
        Ok(())
    };
    world.kernel.db.write("test.fill", kernel::db::Priority::Background, put).unwrap();
    let found = |reach: &Reach, open: Option<bool>| {
        let filter = Filter { open, ..Filter::default() };
        let (rows, many) = world
            .kernel
            .db
            .read(|tx| Ok((list(tx, &filter, reach, i64::MAX, 50)?, count(tx, &filter, reach)?)))
            .unwrap();
        assert_eq!(many, i64::try_from(rows.len()).unwrap());
        rows.into_iter().map(|one| one.group).collect::<Vec<i64>>()
    };
    let team = Reach { teams: vec![1], ..Reach::default() };
    let both = Reach { teams: vec![1], places: vec![0], ..Reach::default() };
    assert_eq!(found(&team, None), [10, 7, 4, 1]);
    assert_eq!(found(&team, Some(true)), [4]);
    assert_eq!(found(&both, None), [12, 10, 8, 7, 6, 4, 2, 1]);
    assert_eq!(found(&both, Some(false)), [10, 7, 6, 2, 1]);
    assert_eq!(found(&Reach { own: Some(3), ..Reach::default() }, None), Vec::<i64>::new());
}
