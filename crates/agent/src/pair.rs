//! What the executor and the collector say to each other, over a pair of sockets that only they hold: a length in four
//! bytes (little endian), then the message in postcard form. The executor trusts nothing that it hears here: a message
//! that is too long or cannot be read ends the collector, and an order counts only with the server's signature on it.

use std::path::PathBuf;

use agent_proto::{Action, Class, JobResult, JobState, Offer, SignedJob, SignedStop, UpdateReport, limits};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::identity::Enrolment;
use crate::probe::truncate;

/// Most bytes of one message.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// What a collector says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ToExecutor {
    /// The answer to [`ToCollector::Pulse`].
    Pulse,
    /// The machine was enrolled. Taken once; what was taken cannot be replaced from here.
    Enrolled(Enrolment),
    /// It cannot work, and why.
    Failed(String),
    /// A connection began: the server's clock, and the epoch of its last *Stop all runs*. Neither is signed.
    Welcomed {
        /// Microseconds of Unix time.
        server_time_us: i64,
        stop_epoch: u64,
    },
    /// A job as it came.
    Job(SignedJob),
    /// *Stop all runs* as it came.
    Stop(SignedStop),
    /// Another version of the program, as it came.
    Offer(Box<Offer>),
    /// A part of it, as it came.
    Part { sha256: [u8; 32], offset: u64, bytes: Vec<u8> },
    /// A report about this program is on the collector's disk.
    Told { sha256: [u8; 32] },
    /// The server has stored something that this process said. Said once, and only on trial.
    Acknowledged,
    /// What came of [`ToCollector::Act`].
    Acted { job_id: [u8; 16], outcome: Outcome },
    /// This result is on the collector's disk.
    Kept { job_id: [u8; 16] },
    /// The collector's disk refused this result: it is still the executor's to keep.
    NotKept { job_id: [u8; 16] },
}

/// What an executor says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ToCollector {
    /// The first message.
    Start(Box<Start>),
    /// Asks for a sign of life.
    Pulse,
    /// The machine's policy, as far as the server hears of it.
    Policy(PolicyWords),
    /// A job is in the journal.
    Accepted {
        job_id: [u8; 16],
        /// Microseconds of Unix time.
        at_us: i64,
        /// It was accepted now, not before.
        fresh: bool,
    },
    /// A job ended; to be answered with [`ToExecutor::Kept`].
    Result(JobResult),
    /// Do this and say what came of it: it needs the network, and no rights.
    Act { job_id: [u8; 16], action: Action },
    /// No longer.
    Halt { job_id: [u8; 16] },
    /// Ask the server for a part of this program.
    Fetch { sha256: [u8; 32], offset: u64 },
    /// How far it came with a new version; to be answered with [`ToExecutor::Told`].
    Report(UpdateReport),
}

/// What a collector needs to begin.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The version to greet with.
    pub(crate) version: String,
    /// The program may be replaced.
    pub(crate) updates: bool,
    /// The program is on trial.
    pub(crate) on_trial: bool,
    pub(crate) servers: Vec<String>,
    pub(crate) token: Option<String>,
    pub(crate) proxy: Option<String>,
    pub(crate) ring_bytes_max: u64,
    /// End after the enrolment.
    pub(crate) enrol_only: bool,
    pub(crate) enrolment: Option<Enrolment>,
    pub(crate) policy: PolicyWords,
    /// Words that only root may read, by the file that holds them.
    pub(crate) guarded: Vec<(String, String)>,
    /// Files and folders that no check looks into, by their real paths.
    pub(crate) closed: Vec<PathBuf>,
}

/// What the collector is told of the policy; the server hears the first two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyWords {
    /// SHA-256 of the file.
    pub(crate) digest: [u8; 32],
    pub(crate) classes_allowed: Vec<Class>,
    /// Plugins that checks may run.
    pub(crate) plugins: Vec<probes::plugin::Permit>,
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) state: JobState,
    pub(crate) reason: String,
    pub(crate) exit_code: Option<i32>,
    pub(crate) output: String,
    pub(crate) output_dropped_bytes: u64,
}

impl Outcome {
    pub(crate) fn done(output: String) -> Self {
        Self { output, ..Self::not(JobState::Done, "") }
    }

    pub(crate) fn not(state: JobState, reason: impl Into<String>) -> Self {
        Self { state, reason: reason.into(), exit_code: None, output: String::new(), output_dropped_bytes: 0 }
    }

    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::not(JobState::Failed, reason)
    }

    /// Nobody could look: that is neither yes nor no, and nothing may be done because of it.
    pub(crate) fn unseen(evidence: &str) -> Self {
        Self::not(JobState::Refused, format!("it could not be looked at: {evidence}"))
    }

    pub(crate) fn stopped() -> Self {
        Self::not(JobState::Stopped, "all runs were stopped")
    }

    /// Brings it within the limits of a result.
    pub(crate) fn bounded(mut self) -> Self {
        truncate(&mut self.reason, limits::TEXT_BYTES_MAX);
        truncate(&mut self.output, limits::OUTPUT_BYTES_MAX);
        self
    }
}

/// Reads a message; nothing when the other side ended.
///
/// # Errors
/// In words: the message is too long or cannot be read, or it broke off.
pub(crate) async fn hear<T: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<T>, String> {
    let mut length = [0; 4];
    if let Err(e) = from.read_exact(&mut length).await {
        let ended = e.kind() == std::io::ErrorKind::UnexpectedEof;
        return if ended { Ok(None) } else { Err(format!("the pair broke: {e}")) };
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MESSAGE_BYTES_MAX {
        return Err(format!("a message of {length} bytes is longer than {MESSAGE_BYTES_MAX}"));
    }
    // The buffer grows with what really comes.
    let mut bytes = Vec::new();
    from.take(length as u64).read_to_end(&mut bytes).await.map_err(|e| format!("the pair broke: {e}"))?;
    match postcard::take_from_bytes(&bytes) {
        Ok((message, [])) if bytes.len() == length => Ok(Some(message)),
        _ => Err("a message cannot be read".into()),
    }
}

/// Writes a message.
///
/// # Errors
/// In words: it is too long, or the other side is gone.
pub(crate) async fn say(to: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> Result<(), String> {
    let body = postcard::to_allocvec(message).map_err(|e| e.to_string())?;
    if body.len() > MESSAGE_BYTES_MAX {
        return Err(format!("a message of {} bytes is longer than {MESSAGE_BYTES_MAX}", body.len()));
    }
    let length = u32::try_from(body.len()).map_err(|e| e.to_string())?;
    let mut bytes = Vec::with_capacity(body.len() + 4);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&body);
    to.write_all(&bytes).await.map_err(|e| format!("the pair broke: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn heard(bytes: &[u8]) -> Result<Option<ToExecutor>, String> {
        hear(&mut &bytes[..]).await
    }

    #[tokio::test]
    async fn a_message_is_read_back_and_nothing_else_is() {
        let mut bytes = Vec::new();
        say(&mut bytes, &ToExecutor::Kept { job_id: [3; 16] }).await.unwrap();
        assert_eq!(heard(&bytes).await, Ok(Some(ToExecutor::Kept { job_id: [3; 16] })));
        assert_eq!(heard(&[]).await, Ok(None));
        assert!(heard(&bytes[..bytes.len() - 1]).await.is_err(), "it broke off");
        let mut longer = bytes.clone();
        longer[0] += 1;
        longer.push(0);
        assert!(heard(&longer).await.is_err(), "something follows");
        assert!(heard(&[1, 0, 0, 0, 0xff]).await.is_err(), "no such message");
        assert!(heard(&[0xff; 64]).await.is_err_and(|why| why.contains("longer than")));
        let long = ToExecutor::Failed("x".repeat(MESSAGE_BYTES_MAX));
        assert!(say(&mut Vec::new(), &long).await.is_err_and(|why| why.contains("longer than")));
    }

    #[test]
    fn an_outcome_is_brought_within_the_limits_of_a_result() {
        let long = "x".repeat(limits::OUTPUT_BYTES_MAX + 1);
        let bounded = Outcome { output: long.clone(), ..Outcome::failed(long) }.bounded();
        assert_eq!(bounded.reason.len(), limits::TEXT_BYTES_MAX);
        assert_eq!(bounded.output.len(), limits::OUTPUT_BYTES_MAX);
    }
}
