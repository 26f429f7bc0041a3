//! The design system: maud components, pages, CSS and scripts, built without npm.
//!
//! [`ui`] holds the components, [`shell`] the document around a page, [`assets`] the built CSS and script, [`gallery`] a
//! page that shows every component in every state. README.md tells how to write a page.

pub mod assets;
pub mod domain;
pub mod gallery;
pub mod later;
#[cfg(test)]
mod lint;
pub mod page;
pub mod shell;
pub mod ui;

pub use domain::Domain;
pub use later::Later;
pub use page::{Audience, Content, Page, PageCx};
