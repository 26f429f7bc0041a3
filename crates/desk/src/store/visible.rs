//! The one predicate that says which tickets an actor may see.

use kernel::Reach;
use kernel::db::Query;

/// Appends the condition that ticket `t` lies within a reach.
pub(crate) fn push(query: &mut Query, reach: &Reach) {
    if reach.everything {
        query.push("1 = 1");
        return;
    }
    query.push("(1 = 0");
    if !reach.teams.is_empty() {
        query.push(" OR +t.team_id IN ").list(&reach.teams);
    }
    if !reach.places.is_empty() {
        query.push(" OR +t.place_id IN ").list(&reach.places);
    }
    if let Some(user) = reach.own {
        query.push(" OR +t.requester_id = ").bind(user).push(" OR +t.owner_id = ").bind(user);
        query.push(" OR EXISTS (SELECT 1 FROM desk_participants p WHERE p.user_id = ").bind(user);
        query.push(" AND p.ticket_id = t.id)");
    }
    query.push(")");
}
