//! The tables of monitoring in one place.

use std::path::Path;

use kernel::world::{check_schema, schema_text};

use crate::house::domains;

#[test]
fn the_schema_page_shows_the_tables_as_they_are() {
    let text = schema_text(domains(), "monitor").unwrap();
    check_schema(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql"), &text).unwrap();
}
