//! The way from the executor to its collector: what is said to it, and which actions it does for us. The collector
//! comes and goes; what it was doing when it went has an unknown end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent_proto::{Action, JobState};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::pair::{Outcome, ToCollector};

/// Beyond the time that an action has by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// Held by the executor and by each job that the collector acts for.
#[derive(Clone, Default)]
pub(crate) struct Hands(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    collector: Option<mpsc::Sender<ToCollector>>,
    acting: HashMap<[u8; 16], oneshot::Sender<Outcome>>,
}

impl Hands {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A collector is there.
    pub(crate) fn attach(&self, collector: mpsc::Sender<ToCollector>) {
        *self.state() = State { collector: Some(collector), acting: HashMap::new() };
    }

    /// The collector is gone, and so is what it was doing.
    pub(crate) fn detach(&self) {
        *self.state() = State::default();
    }

    /// Says something to the collector. False when it takes nothing.
    pub(crate) fn say(&self, message: ToCollector) -> bool {
        self.state().collector.as_ref().is_some_and(|collector| collector.try_send(message).is_ok())
    }

    /// The collector says what came of an action. One that nobody asked for is ignored.
    pub(crate) fn answer(&self, job_id: &[u8; 16], outcome: Outcome) {
        if let Some(asked) = self.state().acting.remove(job_id) {
            // The job was stopped in this moment: then its end is known.
            let _ = asked.send(outcome.bounded());
        }
    }

    /// Lets the collector act.
    pub(super) async fn act(&self, job_id: [u8; 16], action: &Action) -> Outcome {
        let (asked, answer) = oneshot::channel();
        self.state().acting.insert(job_id, asked);
        if !self.say(ToCollector::Act { job_id, action: action.clone() }) {
            self.state().acting.remove(&job_id);
            // Of a look, "failed" would mean that it is not so.
            return match action.is_observation() {
                true => Outcome::unseen("the agent's collector is away"),
                false => Outcome::failed("the agent's collector is away; nothing was done"),
            };
        }
        match timeout(own_time(action).saturating_add(PATIENCE), answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => {
                Outcome::not(JobState::Unknown, "the agent's collector ended while this ran; look before you repeat it")
            }
            Err(_) => {
                self.halt(job_id);
                Outcome::not(JobState::Unknown, "the agent's collector does not say what came of it")
            }
        }
    }

    /// The collector need not go on.
    pub(super) fn halt(&self, job_id: [u8; 16]) {
        self.state().acting.remove(&job_id);
        let _ = self.say(ToCollector::Halt { job_id });
    }
}

fn own_time(action: &Action) -> Duration {
    match action {
        Action::Http { timeout_ms, .. } | Action::Probe { timeout_ms, .. } | Action::WaitFor { timeout_ms, .. } => {
            Duration::from_millis(u64::from(*timeout_ms))
        }
        Action::Command { .. } | Action::Service { .. } => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_proto::Probe;

    #[tokio::test]
    async fn without_a_collector_a_look_sees_nothing_and_whatever_else_fails() {
        let hands = Hands::default();
        let probe = Probe::Tcp { host: "127.0.0.1".into(), port: 1 };
        let look = hands.act([1; 16], &Action::Probe { probe, timeout_ms: 1 }).await;
        assert_eq!(look, Outcome::unseen("the agent's collector is away"));
        let (method, url) = ("POST".to_owned(), "http://127.0.0.1:1/".to_owned());
        let post = Action::Http { method, url, headers: vec![], body: None, expect_status: vec![], timeout_ms: 1 };
        assert_eq!(hands.act([2; 16], &post).await.state, JobState::Failed);
    }
}
