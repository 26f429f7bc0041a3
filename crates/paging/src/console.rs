//! The pages of paging.
use web::domain::Place;
use web::page::Page;
pub(crate) fn all() -> Vec<Page> { vec![] }
pub(crate) fn nav() -> Vec<Place> { vec![] }
