//! What paging declares.

use std::path::Path;

use kernel::world::{World, check_schema, schema_text, try_every_operation};

use crate::house::domains;

#[test]
fn the_schema_page_shows_the_tables_as_they_are() {
    let text = schema_text(domains(), "paging").unwrap();
    check_schema(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql"), &text).unwrap();
}

#[test]
fn nobody_reaches_an_operation_without_a_grant() {
    let world = World::new(domains()).unwrap();
    assert_eq!(try_every_operation(&world), Vec::<String>::new());
}

#[test]
fn lists_go_by_an_index() {
    let world = World::new(domains()).unwrap();
    for sql in [
        "SELECT id FROM paging_messages WHERE lane = 'mail' AND state = 'waiting' AND send_at <= 5 ORDER BY send_at, id LIMIT 20",
        "SELECT id FROM paging_messages WHERE group_id = 3 AND id < 100 ORDER BY id DESC LIMIT 50",
        "SELECT id FROM paging_pages WHERE due_at > 0 AND due_at <= 5 ORDER BY due_at LIMIT 200",
        "SELECT id FROM paging_notes WHERE group_id = 3 ORDER BY id LIMIT 500",
        "SELECT group_id FROM paging_groups WHERE root_id = 3 ORDER BY group_id LIMIT 500",
    ] {
        let Some(plan) = world.plan(sql).unwrap() else { return };
        assert!(plan.iter().all(|step| step.contains("USING")), "{sql}: {plan:?}");
    }
}
