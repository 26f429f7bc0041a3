//! Places for connections. When none is free, those that rest between two requests are closed, so that a client which keeps
//! many open locks nobody out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// How long a new connection waits until one that rests has made room for it.
const ROOM_WITHIN: Duration = Duration::from_secs(1);

/// So many places.
pub(crate) struct Crowd {
    places: Arc<Semaphore>,
    /// Grows with every call for room.
    calls: watch::Sender<u64>,
}

impl Crowd {
    pub(crate) fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), calls: watch::Sender::new(0) }
    }

    /// A place for one more connection; none when every other one is at work.
    pub(crate) async fn place(&self) -> Option<Place> {
        let permit = match self.places.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.calls.send_modify(|calls| *calls = calls.wrapping_add(1));
                tokio::time::timeout(ROOM_WITHIN, self.places.clone().acquire_owned()).await.ok()?.ok()?
            }
        };
        Some(Place { _permit: permit, calls: self.calls.subscribe() })
    }
}

/// The place of one connection, free again when this is dropped.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    calls: watch::Receiver<u64>,
}

impl Place {
    /// Returns when somebody else needs it.
    pub(crate) async fn wanted(&mut self) {
        if self.calls.changed().await.is_err() {
            std::future::pending().await
        }
    }
}
