//! The frames that agents and servers exchange, and the signatures they carry.
//!
//! One WebSocket binary message is one frame: magic, version, flags, an optional address, and a postcard body that may
//! be compressed. Types are frozen per version (`v1`); a change of shape is a new version, and the server speaks the
//! two before. A message that is new within a version is sent only to who greeted with the [`ability`] for it. This crate does no input or output, knows no clock and no policy, and trusts nothing it decodes: every
//! length and count has a limit in [`limits`].
//!
//! The talk on one connection:
//!
//! ```text
//! server  Challenge{nonce, server_time_us}
//! agent   Enrol{..}                      first contact, with a token    -> Enrolled | Refused, then the link closes
//! agent   Prove{..}, Greeting{..}        every later contact            -> Welcome | Refused
//!                                        (Hello in the place of Greeting, from and to those that are older)
//! agent   Series{..}                     not durable: the whole register after each Welcome, then only what is new
//! agent   Durable{lane, seq, event}      kept on the agent's disk until Ack{lane, seq}; at least once, in order per lane
//! server  Ack, Checks, Look, Job, Stop, FactsResend, Trust, Update
//! agent   Fetch{sha256, offset}          a part of the offered program  -> Part
//! ```

pub mod ability;
mod bounded;
mod envelope;
mod error;
pub mod facts;
mod hex;
pub mod job;
pub mod limits;
mod proof;
mod release;
mod sign;
mod token;
pub mod v1;

pub use envelope::{Frame, MAGIC, Message, VERSION, decode, encode};
pub use error::FrameError;
pub use hex::{hex, unhex, unhex_any};
pub use job::{
    JobRefusal, StopRefusal, action_digest, approve_plan, limit_ms, plan_hash, sign_job, sign_job_within, sign_stop,
    verify_approval, verify_job, verify_stop,
};
pub use proof::{EXPORTER_LABEL, Purpose, TLS_EXPORT_BYTES, prove, verify_proof};
pub use release::{ReleaseError, compare_versions, sign_release, unsound, verify_release};
pub use sign::{Signature, SigningKey, verify};
pub use token::{EnrolmentToken, TokenError, certificate_digest};
pub use v1::*;
