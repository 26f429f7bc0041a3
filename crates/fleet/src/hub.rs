//! Who is connected now, in memory: the way from the rest of the server to an agent's connection. It knows nothing of
//! sockets; a connection is a [`Push`] that the server's WebSocket handler gave.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::Time;

/// Hands a frame to a connection's writer without waiting; false when it takes no more. When the last copy is dropped the
/// connection is to be closed.
pub type Push = Arc<dyn Fn(Vec<u8>) -> bool + Send + Sync>;

/// What an agent understands beyond what all of them do, by its greeting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Able {
    pub(crate) look: bool,
    pub(crate) update: bool,
}

/// One open connection.
pub(crate) struct Connection {
    pub(crate) session: u64,
    pub(crate) agent: i64,
    pub(crate) asset: i64,
    pub(crate) boot_id: String,
    pub(crate) push: Push,
    pub(crate) seen: Time,
    flushed: Time,
    able: Able,
    feeds: BTreeMap<&'static str, [u8; 32]>,
}

impl Connection {
    pub(crate) fn new(session: u64, agent: i64, asset: i64, boot_id: &str, push: Push, at: Time) -> Self {
        let boot_id = boot_id.to_owned();
        Self {
            session,
            agent,
            asset,
            boot_id,
            push,
            seen: at,
            flushed: at,
            able: Able::default(),
            feeds: BTreeMap::new(),
        }
    }

    /// With what its greeting says.
    pub(crate) fn able(self, able: Able) -> Self {
        Self { able, ..self }
    }
}

/// What the gateway counts, for the own metrics.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames received.
    pub frames: AtomicU64,
    /// Durable messages that were stored and acknowledged.
    pub stored: AtomicU64,
    /// Messages that were refused: about other agents' things, or unacceptable.
    pub refused: AtomicU64,
    /// Connections that broke the protocol.
    pub broken: AtomicU64,
}

/// Every open connection, and what has to be brought to them.
#[derive(Default)]
pub struct Hub {
    state: Mutex<State>,
    wake: Condvar,
    sessions: AtomicU64,
    /// What was counted since the start.
    pub counters: Counters,
}

#[derive(Default)]
struct State {
    /// By agent.
    connections: HashMap<i64, Connection>,
    /// The agent of each asset that is connected.
    by_asset: HashMap<i64, i64>,
    /// When an agent's connection ended; it counts as away only a while later.
    lost: HashMap<i64, Time>,
    /// Assets whose feeds or jobs may have changed.
    stale: BTreeSet<i64>,
    stop: bool,
    /// What failed in a round: it is marked again for the next one, which does not come sooner for it.
    again: BTreeSet<i64>,
    again_stop: bool,
    /// Failures of one message in a row, and refusals already told this minute.
    failures: HashMap<i64, (u8, u64, u32)>,
    told: HashMap<i64, i64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Numbers a session.
    pub(crate) fn next_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How many agents are connected now.
    pub fn connected(&self) -> usize {
        lock(&self.state).connections.len()
    }

    /// True while this agent is connected.
    pub fn is_connected(&self, agent: i64) -> bool {
        lock(&self.state).connections.contains_key(&agent)
    }

    /// What an agent that is connected understands.
    pub(crate) fn able(&self, agent: i64) -> Able {
        lock(&self.state).connections.get(&agent).map(|one| one.able).unwrap_or_default()
    }

    /// The agents that are connected now.
    fn agents(&self) -> Vec<i64> {
        lock(&self.state).connections.keys().copied().collect()
    }

    /// Enters a connection; the earlier one of the same agent is answered and closed by the caller.
    pub(crate) fn open(&self, connection: Connection) -> Option<Connection> {
        let mut state = lock(&self.state);
        state.lost.remove(&connection.agent);
        state.by_asset.insert(connection.asset, connection.agent);
        state.connections.insert(connection.agent, connection)
    }

    /// Leaves out a connection that ended, unless a newer one took its place.
    pub(crate) fn closed(&self, agent: i64, session: u64, at: Time) {
        let mut state = lock(&self.state);
        if state.connections.get(&agent).is_some_and(|one| one.session == session)
            && let Some(gone) = state.connections.remove(&agent)
        {
            if state.by_asset.get(&gone.asset) == Some(&agent) {
                state.by_asset.remove(&gone.asset);
            }
            state.lost.insert(agent, at);
        }
    }

    /// Notes that a frame came. Answers the boot id of the connection that took this one's place, if one did.
    pub(crate) fn heard(&self, agent: i64, session: u64, at: Time) -> Result<(), Option<String>> {
        let mut state = lock(&self.state);
        match state.connections.get_mut(&agent) {
            Some(one) if one.session == session => {
                one.seen = at;
                Ok(())
            }
            Some(other) => Err(Some(other.boot_id.clone())),
            None => Err(None),
        }
    }

    /// Ends the connection of an agent, after a last frame.
    pub(crate) fn cut(&self, agent: i64, last: Option<Vec<u8>>, at: Time) {
        let gone = {
            let mut state = lock(&self.state);
            let gone = state.connections.remove(&agent);
            if let Some(gone) = &gone {
                state.by_asset.remove(&gone.asset);
                state.lost.insert(agent, at);
            }
            gone
        };
        if let (Some(gone), Some(frame)) = (gone, last) {
            (gone.push)(frame);
        }
    }

    /// Notes that an agent was connected before the server started and is not yet back.
    pub(crate) fn expect(&self, agent: i64, at: Time) {
        lock(&self.state).lost.insert(agent, at);
    }

    /// The agent of an asset that is connected.
    pub(crate) fn of_asset(&self, asset: i64) -> Option<i64> {
        lock(&self.state).by_asset.get(&asset).copied()
    }

    /// Sends frames to an agent. One that takes no more is cut off: what is durable comes again at its next greeting.
    pub(crate) fn push(&self, agent: i64, frames: Vec<Vec<u8>>, at: Time) {
        let Some(push) = lock(&self.state).connections.get(&agent).map(|one| one.push.clone()) else { return };
        if !frames.into_iter().all(|frame| push(frame)) {
            self.cut(agent, None, at);
        }
    }

    /// True when this is something else than what an agent was sent last of a feed.
    pub(crate) fn feed_is_new(&self, agent: i64, kind: &'static str, digest: [u8; 32]) -> bool {
        let state = lock(&self.state);
        state.connections.get(&agent).is_some_and(|one| one.feeds.get(kind) != Some(&digest))
    }

    /// Remembers what an agent was sent last of a feed.
    pub(crate) fn feed_sent(&self, agent: i64, kind: &'static str, digest: [u8; 32]) {
        if let Some(one) = lock(&self.state).connections.get_mut(&agent) {
            one.feeds.insert(kind, digest);
        }
    }

    /// Marks an asset whose feeds or jobs changed, and wakes the delivery.
    pub(crate) fn mark(&self, asset: i64) {
        let mut state = lock(&self.state);
        if state.by_asset.contains_key(&asset) {
            state.stale.insert(asset);
            self.wake.notify_all();
        }
    }

    /// Marks that a stop order was given, and wakes the delivery.
    pub(crate) fn mark_stop(&self) {
        lock(&self.state).stop = true;
        self.wake.notify_all();
    }

    /// Marks an asset for the next round, because this one failed for it.
    pub(crate) fn again(&self, asset: i64) {
        lock(&self.state).again.insert(asset);
    }

    /// Marks that the stop order is to be sent in the next round, because this one failed.
    pub(crate) fn again_stop(&self) {
        lock(&self.state).again_stop = true;
    }

    /// What was marked since the last call: assets, and whether a stop order was given.
    pub(crate) fn marked(&self) -> (BTreeSet<i64>, bool) {
        let mut state = lock(&self.state);
        let mut stale = std::mem::take(&mut state.stale);
        stale.append(&mut state.again);
        let stop = std::mem::take(&mut state.stop) | std::mem::take(&mut state.again_stop);
        (stale, stop)
    }

    /// Waits until something is marked, at most this long.
    pub(crate) fn wait(&self, at_most: Duration) {
        let state = lock(&self.state);
        drop(self.wake.wait_timeout_while(state, at_most, |state| state.stale.is_empty() && !state.stop));
    }

    /// Sends a frame to every agent that is connected.
    pub(crate) fn broadcast(&self, frame: &[u8], at: Time) {
        for agent in self.agents() {
            self.push(agent, vec![frame.to_vec()], at);
        }
    }

    /// Agents whose connection ended before `before` and did not come back.
    pub(crate) fn away(&self, before: Time) -> Vec<(i64, Time)> {
        let state = lock(&self.state);
        state.lost.iter().filter(|(_, at)| **at <= before).map(|(agent, at)| (*agent, *at)).collect()
    }

    /// Forgets that an agent is away: it was told.
    pub(crate) fn told_away(&self, agent: i64, since: Time) {
        let mut state = lock(&self.state);
        if state.lost.get(&agent) == Some(&since) {
            state.lost.remove(&agent);
        }
    }

    /// Agents heard of since their time was last written, where that is at least a minute ago.
    pub(crate) fn to_flush(&self, now: Time) -> Vec<(i64, Time)> {
        let mut state = lock(&self.state);
        let mut due = Vec::new();
        for one in state.connections.values_mut() {
            if one.seen > one.flushed && now.since(one.flushed) >= kernel::time::MINUTE {
                one.flushed = now;
                due.push((one.agent, one.seen));
            }
        }
        due
    }

    /// Counts a message that could not be stored; answers how often in a row.
    pub(crate) fn failed(&self, agent: i64, lane: u8, seq: u64) -> u32 {
        let mut state = lock(&self.state);
        let entry = state.failures.entry(agent).or_insert((lane, seq, 0));
        if (entry.0, entry.1) != (lane, seq) {
            *entry = (lane, seq, 0);
        }
        entry.2 += 1;
        entry.2
    }

    /// True when a refusal of this agent was not told yet in this minute.
    pub(crate) fn may_tell(&self, agent: i64, now: Time) -> bool {
        let minute = now.0.div_euclid(kernel::time::MINUTE);
        lock(&self.state).told.insert(agent, minute) != Some(minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(session: u64, boot: &str) -> Connection {
        Connection::new(session, 7, 70, boot, Arc::new(|_| true), Time(0))
    }

    #[test]
    fn a_newer_connection_takes_the_place_of_the_older_one() {
        let hub = Hub::default();
        assert!(hub.open(connection(1, "a")).is_none());
        assert_eq!(hub.heard(7, 1, Time(1)), Ok(()));
        let old = hub.open(connection(2, "b")).unwrap();
        assert_eq!(old.session, 1);
        assert_eq!(hub.heard(7, 1, Time(2)), Err(Some("b".into())));
        hub.closed(7, 1, Time(3));
        assert!(hub.is_connected(7), "the end of the old one does not end the new one");
        hub.closed(7, 2, Time(4));
        assert!(!hub.is_connected(7));
        assert_eq!(hub.away(Time(4)), [(7, Time(4))]);
    }

    #[test]
    fn an_agent_that_takes_nothing_is_cut_off() {
        let hub = Hub::default();
        let left = AtomicU64::new(2);
        let push: Push =
            Arc::new(move |_| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok());
        hub.open(Connection::new(1, 7, 70, "a", push, Time(0)));
        hub.push(7, vec![vec![1], vec![2]], Time(1));
        assert!(hub.is_connected(7));
        hub.broadcast(&[3], Time(2));
        assert!(!hub.is_connected(7));
    }

    #[test]
    fn only_connected_assets_are_marked() {
        let hub = Hub::default();
        hub.mark(70);
        assert!(hub.marked().0.is_empty());
        hub.open(connection(1, "a"));
        hub.mark(70);
        assert!(hub.marked().0.contains(&70));
        assert!(hub.marked().0.is_empty());
    }
}
