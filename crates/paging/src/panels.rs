//! Panels.
use web::page::Panel;
pub(crate) fn all() -> Vec<Panel> { vec![] }
