//! Mainstay, the product: the list of domains, the one-command start, the production server, and the command line that
//! is drawn from the operations.

pub mod cli;
pub mod demo_company;
pub mod demo_service;
pub mod domains;
pub mod folder;
pub mod start;
pub mod tour;
pub mod up;
