//! Turns at the database: people, agents and live updates each have their own, so that a crowd of one kind does not keep
//! the others waiting.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// For whom a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Pages, forms and REST.
    People,
    /// The agents' gateway.
    Agents,
    /// The event streams of open pages.
    Live,
    /// Questions in others' protocols.
    Queries,
    /// Samples in others' protocols.
    Pushes,
}

impl Lane {
    const ALL: [Self; 5] = [Self::People, Self::Agents, Self::Live, Self::Queries, Self::Pushes];

    /// Calls at once.
    const fn turns(self) -> u32 {
        match self {
            Self::People => 32,
            Self::Agents => 24,
            Self::Live => 8,
            Self::Queries | Self::Pushes => 8,
        }
    }
}

/// The turns of every lane.
pub(crate) struct Lanes {
    people: Arc<Semaphore>,
    agents: Arc<Semaphore>,
    live: Arc<Semaphore>,
    queries: Arc<Semaphore>,
    pushes: Arc<Semaphore>,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        let turns = |lane: Lane| Arc::new(Semaphore::new(lane.turns() as usize));
        Self {
            people: turns(Lane::People),
            agents: turns(Lane::Agents),
            live: turns(Lane::Live),
            queries: turns(Lane::Queries),
            pushes: turns(Lane::Pushes),
        }
    }

    fn of(&self, lane: Lane) -> &Arc<Semaphore> {
        match lane {
            Lane::People => &self.people,
            Lane::Agents => &self.agents,
            Lane::Live => &self.live,
            Lane::Queries => &self.queries,
            Lane::Pushes => &self.pushes,
        }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self, lane: Lane) -> Result<OwnedSemaphorePermit> {
        let stopping = |_| Error::unavailable("The server is stopping. Try again in a moment.");
        self.of(lane).clone().acquire_owned().await.map_err(stopping)
    }

    /// Lets nobody in any more and waits for those who are inside; false when they take longer than `patience`.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        let emptied = tokio::time::timeout(patience, async {
            for lane in Lane::ALL {
                // Whoever comes later waits behind this, and is turned away when the lane is closed.
                let all = self.of(lane).acquire_many(lane.turns()).await;
                self.of(lane).close();
                drop(all);
            }
        });
        let in_time = emptied.await.is_ok();
        for lane in Lane::ALL {
            self.of(lane).close();
        }
        in_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn a_crowd_of_agents_and_open_pages_leaves_people_their_turns() {
        block_on(async {
            let lanes = Lanes::new();
            let mut held = Vec::new();
            for lane in [Lane::Agents, Lane::Live, Lane::Queries, Lane::Pushes] {
                while let Ok(turn) = lanes.of(lane).clone().try_acquire_owned() {
                    held.push(turn);
                }
            }
            assert_eq!(held.len(), 48);
            let turn = tokio::time::timeout(Duration::from_secs(5), lanes.turn(Lane::People)).await;
            assert!(turn.unwrap().is_ok());
        });
    }

    #[test]
    fn closing_waits_for_those_inside_and_turns_the_others_away() {
        block_on(async {
            let lanes = Lanes::new();
            let inside = lanes.turn(Lane::People).await.unwrap();
            let (closed, ()) = tokio::join!(lanes.close(Duration::from_secs(60)), async { drop(inside) });
            assert!(closed);
            for lane in Lane::ALL {
                assert!(lanes.turn(lane).await.is_err(), "{lane:?}");
            }
            let stuck = Lanes::new();
            let _inside = stuck.turn(Lane::Agents).await.unwrap();
            assert!(!stuck.close(Duration::from_millis(1)).await);
        });
    }
}
