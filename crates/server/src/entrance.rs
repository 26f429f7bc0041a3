//! The entrance of the agents' port. A connection is a guest until its agent is let in: guests are few, are counted by
//! address, and hold no agent's place.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connected agents at once.
const AGENTS_MAX: usize = 25_000;
/// Connections that are on their way in.
const GUESTS_MAX: usize = 2_048;
/// Of these, from one address (of IPv6: one /64 network). A site behind one address comes in by and by.
const GUESTS_PER_ADDRESS_MAX: usize = 256;
/// From one word in the log about those who were turned away to the next.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Who is on the way in, and how many places are left.
pub(crate) struct Entrance {
    guests: Mutex<Guests>,
    places: Arc<Semaphore>,
    /// Connections that found no place.
    pub(crate) turned_away: AtomicU64,
    told: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Guests {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Default for Entrance {
    fn default() -> Self {
        Self {
            guests: Mutex::default(),
            places: Arc::new(Semaphore::new(AGENTS_MAX)),
            turned_away: AtomicU64::new(0),
            told: Mutex::default(),
        }
    }
}

/// A connection on its way in; it counts until this is dropped.
pub(crate) struct Guest {
    entrance: Arc<Entrance>,
    from: IpAddr,
}

/// What counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
    }
}

impl Entrance {
    /// Takes a connection in as a guest; `None` when there are too many, which is counted and told.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Guest> {
        let from = network(peer);
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        let here = guests.by_address.get(&from).copied().unwrap_or(0);
        if guests.all >= GUESTS_MAX || here >= GUESTS_PER_ADDRESS_MAX {
            drop(guests);
            self.turn_away(peer, "too many connections are on their way in");
            return None;
        }
        guests.all += 1;
        guests.by_address.insert(from, here + 1);
        Some(Guest { entrance: self.clone(), from })
    }

    /// The place of an agent that was let in; `None` when all are taken, which is counted and told.
    pub(crate) fn place(&self, peer: IpAddr) -> Option<OwnedSemaphorePermit> {
        let place = self.places.clone().try_acquire_owned().ok();
        if place.is_none() {
            self.turn_away(peer, "every place of an agent is taken");
        }
        place
    }

    fn turn_away(&self, peer: IpAddr, why: &str) {
        let so_far = self.turned_away.fetch_add(1, Ordering::Relaxed) + 1;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(%peer, so_far, why, "connections to the agents' port are turned away");
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut guests = self.entrance.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.all = guests.all.saturating_sub(1);
        let left = guests.by_address.get(&self.from).map_or(0, |here| here.saturating_sub(1));
        if left == 0 {
            guests.by_address.remove(&self.from);
        } else {
            guests.by_address.insert(self.from, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_fill_the_entrance_and_its_guests_make_room_as_they_go() {
        let entrance = Arc::new(Entrance::default());
        let stranger: IpAddr = "203.0.113.7".parse().unwrap();
        let mapped: IpAddr = "::ffff:203.0.113.7".parse().unwrap();
        let mut guests: Vec<Guest> = (0..GUESTS_PER_ADDRESS_MAX).map(|_| entrance.admit(stranger).unwrap()).collect();
        assert!(entrance.admit(stranger).is_none() && entrance.admit(mapped).is_none());
        assert_eq!(entrance.turned_away.load(Ordering::Relaxed), 2);
        assert!(entrance.admit("203.0.113.8".parse().unwrap()).is_some());
        guests.pop();
        guests.push(entrance.admit(stranger).unwrap());
        drop(guests);
        let inside = entrance.guests.lock().unwrap();
        assert!(inside.all == 0 && inside.by_address.is_empty(), "something is left of those who went");
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address_and_all_together_have_a_limit() {
        let entrance = Arc::new(Entrance::default());
        let near = |host: u128| IpAddr::V6(((0x2001_0db8 << 96) + host).into());
        let near: Vec<Guest> = (0..1_000).filter_map(|host| entrance.admit(near(host))).collect();
        assert_eq!(near.len(), GUESTS_PER_ADDRESS_MAX);
        let far: Vec<Guest> = (0..5_000_u128)
            .filter_map(|site| entrance.admit(IpAddr::V6(((0x2001_0db9 << 96) + (site << 64)).into())))
            .collect();
        assert_eq!(near.len() + far.len(), GUESTS_MAX);
    }

    #[test]
    fn guests_take_no_place_of_an_agent() {
        let entrance = Arc::new(Entrance::default());
        let peer: IpAddr = "198.51.100.1".parse().unwrap();
        let _guest = entrance.admit(peer).unwrap();
        assert_eq!(entrance.places.available_permits(), AGENTS_MAX);
        let place = entrance.place(peer).unwrap();
        assert_eq!(entrance.places.available_permits(), AGENTS_MAX - 1);
        drop(place);
    }
}
