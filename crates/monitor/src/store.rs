//! Every SQL statement of monitoring, by table, and the one predicate that decides which rows an actor sees.

pub(crate) mod alerts;
pub(crate) mod checks;
pub(crate) mod clean;
pub(crate) mod figures;
pub(crate) mod gaps;
pub(crate) mod groups;
pub(crate) mod heartbeats;
pub(crate) mod listening;
pub(crate) mod members;
pub(crate) mod proposals;
pub(crate) mod recalled;
pub(crate) mod remotes;
pub(crate) mod rule_alerts;
pub(crate) mod rule_files;
pub(crate) mod rules;
pub(crate) mod scrapes;
pub(crate) mod silences;
pub(crate) mod windows;

use kernel::permission::Visible;

/// Checks: the team is the check's own, else the asset's.
pub(crate) const CHECKS: Visible =
    Visible { place: "c.place_id", team: "COALESCE(c.team_id, c.asset_team_id)", owner: Some("c.owner_id") };
/// Rules: the team is the rule's own, else its asset's.
pub(crate) const RULES: Visible =
    Visible { place: "r.place_id", team: "COALESCE(r.team_id, r.asset_team_id)", owner: Some("r.owner_id") };
/// Alert groups.
pub(crate) const GROUPS: Visible = Visible { place: "g.place_id", team: "g.team_id", owner: Some("g.owner_id") };
/// Proposals: who sees the asset.
pub(crate) const PROPOSALS: Visible = Visible { place: "p.place_id", team: "p.team_id", owner: Some("p.owner_id") };
/// Silences.
pub(crate) const SILENCES: Visible =
    Visible { place: "s.place_id", team: "s.owning_team_id", owner: Some("s.owner_id") };
/// Maintenance windows.
pub(crate) const WINDOWS: Visible =
    Visible { place: "w.owning_place_id", team: "w.owning_team_id", owner: Some("w.owner_id") };

#[cfg(test)]
mod tests;
