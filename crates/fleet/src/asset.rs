//! The seam to assets: which thing a new agent runs on, and whose it is.

use agent_proto::IdentityHints;
use assets::{Evidence, Identified, NewAsset};
use kernel::{Cx, Result, StoredEvent};
use serde::Deserialize;

use crate::agent;
use crate::token::{self, Token};

/// The thing a machine is, and why somebody should look at it first.
pub(crate) struct Found {
    pub(crate) asset: i64,
    /// Its signs are those of a thing that was there before.
    pub(crate) known: bool,
    pub(crate) doubt: Option<String>,
}

/// Looks the machine up by its signs; a machine that is not known, or whose signs contradict each other, becomes a new
/// thing.
pub(crate) fn find_or_create(cx: &mut Cx, hints: &IdentityHints, token: &Token) -> Result<Found> {
    match assets::identify(cx, &evidence(hints, None))? {
        Identified::Same { asset, .. } => Ok(Found { asset, known: true, doubt: None }),
        Identified::New => {
            // A machine that waits for a person has left no signs yet; when it enrols again it stays one thing.
            let waiting = if token.auto_approve { None } else { agent::store::waiting(cx.tx, hints)? };
            let asset = waiting.map_or_else(|| create(cx, hints, token), Ok)?;
            Ok(Found { asset, known: false, doubt: None })
        }
        Identified::Conflict { reasons, .. } => {
            let doubt = format!("Its signs contradict each other: {}", reasons.join("; "));
            let doubt = Some(kernel::text::shorten(&doubt, 280));
            Ok(Found { asset: create(cx, hints, token)?, known: false, doubt })
        }
    }
}

fn create(cx: &mut Cx, hints: &IdentityHints, token: &Token) -> Result<i64> {
    assets::create(
        cx,
        NewAsset {
            name: kernel::text::shorten(&hints.hostname, 110),
            kind: token.asset_kind.clone(),
            place: token.place,
            team: token.team,
            ..NewAsset::default()
        },
    )
}

/// Keeps the signs that an agent enrolled with as those of its thing: only once it is let in, so that who merely asks
/// cannot hang signs on a thing.
pub(crate) fn keep_signs(cx: &mut Cx, asset: i64, id: i64) -> Result<()> {
    let (hints, key) = agent::store::signs(cx.tx, id)?;
    assets::record_evidence(cx, asset, &evidence(&hints, Some(kernel::text::hex(&key))))
}

fn evidence(hints: &IdentityHints, agent_key: Option<String>) -> Evidence {
    Evidence {
        agent_key,
        machine_id: hints.machine_id.clone(),
        dmi_uuid: hints.dmi_uuid.clone(),
        serial: hints.serial.clone(),
        macs: hints.macs.clone(),
        hostname: hints.hostname.clone(),
    }
}

/// Copies team, place and owner of a thing beside its agents, so that one predicate decides who sees them.
pub(crate) fn follow(cx: &mut Cx, asset: i64) -> Result<()> {
    let brief = assets::brief(cx.tx, &[asset])?.remove(&asset);
    let (team, place, owner) = brief.map_or((None, None, None), |brief| (brief.team, brief.place, brief.owner));
    agent::store::set_owners(cx.tx, asset, team, place, owner)
}

#[derive(Deserialize)]
struct AboutAsset {
    asset: kernel::Ref,
}

/// Reaction: a thing was retired, so nothing on it may speak or be told to act any more.
pub(crate) fn retire_event(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    let about: AboutAsset = event.fields()?;
    token::store::revoke_of_asset(cx.tx, about.asset.id, cx.now)?;
    agent::change::revoke_all(cx, about.asset.id, "The machine was retired")
}

/// Reaction: a thing changed hands or place.
pub(crate) fn follow_event(cx: &mut Cx, event: &StoredEvent) -> Result<()> {
    let about: AboutAsset = event.fields()?;
    follow(cx, about.asset.id)
}
