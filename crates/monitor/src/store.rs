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
pub(crate) mod remotes;
pub(crate) mod rule_alerts;
pub(crate) mod rules;
pub(crate) mod scrapes;
pub(crate) mod silences;
pub(crate) mod windows;

use kernel::db::Query;
use kernel::permission::Reach;

/// The columns that decide who sees a row.
pub(crate) struct Visible {
    pub(crate) place: &'static str,
    pub(crate) team: &'static str,
    pub(crate) owner: &'static str,
}

/// Checks: the team is the check's own, else the asset's.
pub(crate) const CHECKS: Visible =
    Visible { place: "c.place_id", team: "COALESCE(c.team_id, c.asset_team_id)", owner: "c.owner_id" };
/// Rules: the team is the rule's own, else its asset's.
pub(crate) const RULES: Visible =
    Visible { place: "r.place_id", team: "COALESCE(r.team_id, r.asset_team_id)", owner: "r.owner_id" };
/// Alert groups.
pub(crate) const GROUPS: Visible = Visible { place: "g.place_id", team: "g.team_id", owner: "g.owner_id" };
/// Proposals: who sees the asset.
pub(crate) const PROPOSALS: Visible = Visible { place: "p.place_id", team: "p.team_id", owner: "p.owner_id" };
/// Silences.
pub(crate) const SILENCES: Visible = Visible { place: "s.place_id", team: "s.owning_team_id", owner: "s.owner_id" };
/// Maintenance windows.
pub(crate) const WINDOWS: Visible =
    Visible { place: "w.owning_place_id", team: "w.owning_team_id", owner: "w.owner_id" };

impl Visible {
    /// Appends `AND (..)` for what a reach covers.
    pub(crate) fn narrow(&self, query: &mut Query, reach: &Reach) {
        if reach.everything {
            return;
        }
        query.push(" AND (").push(self.place).push(" IN ").list(&reach.places);
        query.push(" OR ").push(self.team).push(" IN ").list(&reach.teams);
        if let Some(user) = reach.own {
            query.push(" OR ").push(self.owner).push(" = ").bind(user);
        }
        query.push(")");
    }
}
