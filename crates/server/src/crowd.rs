//! Places for connections. When none is free, one that rests between two requests is closed for the newcomer, so that a
//! client which keeps many open locks nobody out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::heads::Heads;

/// How long a newcomer waits until one that rests has made room for it.
const ROOM_WITHIN: Duration = Duration::from_secs(1);
/// Newcomers that wait at the same time.
const NEWCOMERS_MAX: usize = 200;
/// How often it is said that there is no place.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// So many places.
#[derive(Clone)]
pub(crate) struct Crowd {
    places: Arc<Semaphore>,
    newcomers: Arc<Semaphore>,
    /// A permit for each newcomer that waits: who rested longest takes it and goes.
    room: Arc<Semaphore>,
    said: Arc<Mutex<Option<Instant>>>,
}

impl Crowd {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            newcomers: Arc::new(Semaphore::new(NEWCOMERS_MAX)),
            room: Arc::new(Semaphore::new(0)),
            said: Arc::default(),
        }
    }

    /// A place for one more connection; none when every other one is at work.
    pub(crate) async fn place(&self) -> Option<Place> {
        let permit = match self.places.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let waits = self.newcomers.try_acquire().ok()?;
                self.room.add_permits(1);
                let found = tokio::time::timeout(ROOM_WITHIN, self.places.clone().acquire_owned()).await;
                drop(waits);
                // Nobody goes for newcomers that wait no more.
                let wait = NEWCOMERS_MAX - self.newcomers.available_permits();
                self.room.forget_permits(self.room.available_permits().saturating_sub(wait));
                found.ok()?.ok()?
            }
        };
        Some(Place { _permit: permit, room: self.room.clone() })
    }

    /// That somebody was turned away is worth a line in the log: the first one in a minute.
    pub(crate) fn say_so(&self) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let long_ago = said.is_none_or(|at| now.duration_since(at) >= SAID_EVERY);
        if long_ago {
            *said = Some(now);
        }
        long_ago
    }
}

/// The place of one connection, free again when this is dropped.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    room: Arc<Semaphore>,
}

impl Place {
    /// Returns when the connection rests and a newcomer needs its place.
    pub(crate) async fn wanted(&self, heads: &Heads) {
        loop {
            heads.rests().await;
            tokio::select! {
                call = self.room.acquire() => return call.map_or((), |call| call.forget()),
                () = heads.works() => {}
            }
        }
    }
}
