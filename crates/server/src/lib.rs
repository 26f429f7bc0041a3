//! HTTP: REST and OpenAPI drawn from the registry, sessions, pages in their shell, forms, live updates, the local socket
//! and the agents' gateway. It decides nothing about IT: every change goes through the kernel's one door.

mod api;
mod app;
mod bulk;
mod compress;
mod crowd;
mod door;
mod endpoint;
mod entrance;
mod entry;
mod form;
mod form_page;
mod gateway;
mod heads;
mod home;
mod house;
mod lanes;
mod listen;
mod live;
mod metrics;
mod openapi;
mod own;
mod pages;
mod palette;
mod respond;
mod secret_page;
mod session;
mod source;

pub use app::{App, Site};
pub use door::router;
pub use house::{own_pages, own_places};
pub use listen::{Listening, Ports, bind, login_of};
pub use openapi::document as openapi_document;

use std::sync::Arc;

/// A shared application.
pub type Shared = Arc<App>;
