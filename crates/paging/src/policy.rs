//! Escalation policies: whom to tell after how long, how often again, and what stops it.

use std::str::FromStr;

use kernel::{Cx, Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod change;
pub mod list;
pub(crate) mod store;

/// Most steps of a policy.
pub(crate) const STEPS_MAX: usize = 20;
/// Most targets of a step.
pub(crate) const TARGETS_MAX: usize = 20;
/// Longest wait, in seconds.
pub(crate) const WAIT_S_MAX: i64 = 7 * 86_400;
/// Most repeats.
pub(crate) const REPEATS_MAX: i64 = 20;
/// Most policies of a house.
pub(crate) const POLICIES_MAX: usize = 200;

/// An escalation policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// How often the steps begin anew when nobody acknowledges.
    pub repeats: i64,
    /// How long after the last step they begin anew, in seconds.
    pub repeat_after_s: i64,
    /// How long after an acknowledgement the steps begin anew when the group is still open, in seconds; 0 never.
    pub again_after_s: i64,
    /// Grows with every change.
    pub version: i64,
}

/// A step of a policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How long after the step before (the first: after the group opened), in seconds.
    #[serde(default)]
    pub after_s: i64,
    /// Who is told: `rota:network`, `user:ada`, `team:network` or `channel:ops-chat` by short name or number, `team` for the
    /// group's own team, or `default` for whom the setting `paging.default` names.
    pub targets: Vec<String>,
}

/// Who a step tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Whoever is on call by a rota.
    Rota(i64),
    /// A person.
    User(i64),
    /// The members of a team.
    Team(i64),
    /// A channel.
    Channel(i64),
    /// The members of the group's team, of the default team when it has none.
    OwnTeam,
    /// Whom the setting names.
    Default,
}

impl FromStr for Target {
    type Err = Error;

    /// Reads a target as it is kept.
    fn from_str(text: &str) -> Result<Self> {
        let unknown = || Error::invalid("targets", format!("\"{}\" names nobody.", kernel::text::shorten(text, 60)));
        let (kind, id) = match text {
            "team" => return Ok(Self::OwnTeam),
            "default" => return Ok(Self::Default),
            _ => text.split_once(':').ok_or_else(unknown)?,
        };
        let id: i64 = id.parse().map_err(|_| unknown())?;
        match kind {
            "rota" => Ok(Self::Rota(id)),
            "user" => Ok(Self::User(id)),
            "team" => Ok(Self::Team(id)),
            "channel" => Ok(Self::Channel(id)),
            _ => Err(unknown()),
        }
    }
}

/// The policy that is used when none is named: the group's team and whom the setting names, at once.
pub(crate) fn default() -> Policy {
    Policy {
        id: 0,
        name: "Default".into(),
        steps: vec![Step { after_s: 0, targets: vec!["default".into()] }],
        repeats: 0,
        repeat_after_s: 0,
        again_after_s: 0,
        version: 1,
    }
}

/// A policy by number; the default one for 0 and for one that is gone.
pub(crate) fn load(cx: &mut Cx, id: i64) -> Result<Policy> {
    let found = if id == 0 { None } else { store::get(cx.tx, id)? };
    Ok(found.unwrap_or_else(default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_as_it_is_kept_and_nothing_else_is() {
        assert_eq!("rota:3".parse::<Target>().unwrap(), Target::Rota(3));
        assert_eq!("team".parse::<Target>().unwrap(), Target::OwnTeam);
        for bad in ["", "rota", "rota:x", "boss:1", "user:"] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
