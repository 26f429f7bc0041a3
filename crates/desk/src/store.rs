//! Every SQL statement of the service desk. Lists are merges of index ranges: see [`ranges`].

pub(crate) mod bulk;
pub(crate) mod entry;
pub(crate) mod link;
pub(crate) mod ranges;
pub(crate) mod ticket;
pub(crate) mod view;
pub(crate) mod visible;
