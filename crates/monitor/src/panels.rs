//! Panels.
pub(crate) fn all() -> Vec<web::page::Panel> {
    vec![]
}
