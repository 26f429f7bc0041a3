//! The service desk: incidents, requests and tasks.
