//! Parts of a release's program, for the agent that it was offered to.

use agent_proto::FromServer;
use agent_proto::limits::{PART_BYTES_MAX, RELEASE_BYTES_MAX};
use kernel::ErrorKind;

use super::{End, Phase, Session, service};
use crate::{rollout, stop};

impl Session {
    /// Answers with what stands there, or with nothing when this agent is not to have it any more.
    pub(super) fn fetch(&mut self, sha256: &[u8; 32], offset: u64) -> Result<(), End> {
        let Phase::Open(open) = &self.phase else { return Err(End::protocol("the greeting is missing")) };
        let agent = open.agent;
        if self.hub.heard(agent, self.id, self.kernel.now()).is_err() {
            return Err(End::Drop("a newer connection took its place"));
        }
        let may = self.kernel.read_as(&service(), |cx| {
            Ok(stop::current(cx.tx)?.is_none() && rollout::store::may_fetch(cx.tx, agent, sha256)?)
        })?;
        let may = may && offset < RELEASE_BYTES_MAX;
        let bytes = match may.then(|| self.kernel.blob_part(&kernel::text::hex(sha256), offset, PART_BYTES_MAX)) {
            None => Vec::new(),
            Some(Err(error)) if error.kind == ErrorKind::NotFound => Vec::new(),
            Some(read) => read?,
        };
        Ok(self.send(FromServer::Part { sha256: *sha256, offset, bytes })?)
    }
}
