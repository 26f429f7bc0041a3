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
