//! The pages of monitoring.

use web::Page;
use web::domain::{Create, Place};

pub(crate) fn all() -> Vec<Page> {
    vec![]
}
pub(crate) fn nav() -> Vec<Place> {
    vec![]
}
pub(crate) fn creates() -> Vec<Create> {
    vec![]
}
