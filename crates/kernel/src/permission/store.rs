//! Which rows a reach covers: as SQL for lists, counts and lookups, and as a question about one row, from one declaration.

use super::Reach;
use crate::db::Query;

/// Beyond so many places and teams a reach is wide: walking the rows finds what it covers soon.
const KEYS_MAX: usize = 100;

/// The columns of a noun that decide who sees a row.
#[derive(Clone, Copy, Debug)]
pub struct Visible {
    /// The place.
    pub place: &'static str,
    /// The team.
    pub team: &'static str,
    /// The user whose own it is, if rows of the noun can be somebody's.
    pub owner: Option<&'static str>,
}

impl Visible {
    /// Appends `AND (..)` for what a reach covers.
    pub fn narrow(&self, query: &mut Query, reach: &Reach) {
        if reach.everything {
            return;
        }
        query.push(" AND (").push(self.place).push(" IN ").list(&reach.places);
        query.push(" OR ").push(self.team).push(" IN ").list(&reach.teams);
        if let (Some(owner), Some(user)) = (self.owner, reach.own) {
            query.push(" OR ").push(owner).push(" = ").bind(user);
        }
        query.push(")");
    }

    /// Appends the numbers of the newest `rows` rows that a reach covers, newest first. Each place, team and owner is read
    /// by its own index on (column, id), and no further than `rows`, so that the cost does not grow with the table.
    /// `from` is `SELECT id FROM .. WHERE ..`, a fixed text, and `more` appends further conditions.
    ///
    /// A reach without end and one of very many keys are walked by number instead.
    pub fn newest(&self, query: &mut Query, reach: &Reach, rows: i64, from: &'static str, more: &dyn Fn(&mut Query)) {
        let owner = self.owner.zip(reach.own);
        if reach.everything || reach.places.len() + reach.teams.len() > KEYS_MAX {
            query.push(from);
            more(query);
            self.narrow(query, reach);
            query.push(" ORDER BY id DESC LIMIT ").bind(rows);
            return;
        }
        let places = reach.places.iter().map(|place| (self.place, *place));
        let teams = reach.teams.iter().map(|team| (self.team, *team));
        query.push("SELECT id FROM (");
        let mut first = true;
        for (column, value) in places.chain(teams).chain(owner) {
            query.push(if std::mem::take(&mut first) { "" } else { " UNION " });
            query.push("SELECT id FROM (").push(from).push(" AND ").push(column).push(" = ").bind(value);
            more(query);
            query.push(" ORDER BY id DESC LIMIT ").bind(rows).push(") AS of_key");
        }
        if first {
            query.push("SELECT CAST(NULL AS BIGINT) AS id WHERE 1 = 0");
        }
        query.push(") AS seen ORDER BY id DESC LIMIT ").bind(rows);
    }
}

impl Reach {
    /// True when it covers a row of this place and team that belongs to this user.
    pub fn covers(&self, place: Option<i64>, team: Option<i64>, owner: Option<i64>) -> bool {
        let within = |all: &[i64], one: Option<i64>| one.is_some_and(|one| all.contains(&one));
        self.everything
            || within(&self.places, place)
            || within(&self.teams, team)
            || (owner.is_some() && owner == self.own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: Visible = Visible { place: "place_id", team: "team_id", owner: Some("user_id") };

    #[test]
    fn a_reach_covers_rows_of_its_places_and_its_teams_and_its_own() {
        let reach = Reach { places: vec![1], teams: vec![2], own: Some(3), ..Reach::default() };
        for (place, team, owner, expected) in [
            (Some(1), None, None, true),
            (None, Some(2), None, true),
            (None, None, Some(3), true),
            (Some(2), Some(1), Some(1), false),
            (None, None, None, false),
        ] {
            assert_eq!(reach.covers(place, team, owner), expected, "{place:?} {team:?} {owner:?}");
        }
        assert!(!Reach::default().covers(None, None, None), "nobody's row is not the row of a reach without an owner");
        assert!(Reach { everything: true, ..Reach::default() }.covers(None, None, None));
    }

    #[test]
    fn a_reach_of_few_keys_is_read_key_by_key_and_a_wide_one_by_number() {
        let reads = |reach: &Reach| {
            let mut query = Query::default();
            ROWS.newest(&mut query, reach, 51, "SELECT id FROM t WHERE id > 0", &|_| {});
            (query.sql().matches("SELECT id FROM t").count(), query.sql().contains(" UNION "))
        };
        let few = Reach { places: vec![1, 2], teams: vec![3], own: Some(4), ..Reach::default() };
        assert_eq!(reads(&few), (4, true));
        assert_eq!(reads(&Reach { everything: true, ..Reach::default() }), (1, false));
        assert_eq!(reads(&Reach { places: (1..=101).collect(), ..Reach::default() }), (1, false));
        assert_eq!(reads(&Reach::default()), (0, false), "a reach of nothing reads nothing");
    }
}
