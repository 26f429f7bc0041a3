//! What other domains ask about people in their own transactions: names, members, places below.

use std::collections::BTreeMap;

use kernel::Result;
use kernel::db::Tx;

use crate::team::Team;
use crate::{place, team, user};

/// Most rows that the functions ending in `_options` answer.
pub const OPTIONS_MAX: i64 = 200;

/// Names of users, teams or places (`kind` is `user`, `team` or `place`); numbers that are not known are left out.
pub fn names(tx: &mut Tx<'_>, kind: &str, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    match kind {
        "user" => user::store::names(tx, ids),
        "team" => team::store::names(tx, ids),
        "place" => place::store::names(tx, ids),
        _ => Ok(BTreeMap::new()),
    }
}

/// What users and teams are written as (`kind` is `user` or `team`): logins and short names.
pub fn written(tx: &mut Tx<'_>, kind: &str, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    match kind {
        _ if ids.is_empty() => Ok(BTreeMap::new()),
        "user" => user::store::logins(tx, ids),
        "team" => team::store::slugs(tx, ids),
        _ => Ok(BTreeMap::new()),
    }
}

/// A team by its short name.
pub fn team_by_slug(tx: &mut Tx<'_>, slug: &str) -> Result<Option<Team>> {
    team::store::by_slug(tx, slug)
}

/// A team by number.
pub fn team_by_id(tx: &mut Tx<'_>, id: i64) -> Result<Option<Team>> {
    team::store::get(tx, id)
}

/// The team that takes what nobody else does: the service desk, else the oldest. `None` before the setup.
pub fn default_team(tx: &mut Tx<'_>) -> Result<Option<i64>> {
    team::store::default_team(tx)
}

/// The members of a team who may sign in.
pub fn members(tx: &mut Tx<'_>, team: i64) -> Result<Vec<i64>> {
    team::store::member_ids(tx, team)
}

/// A place and every place below it; empty when there is no such place.
pub fn places_below(tx: &mut Tx<'_>, place: i64) -> Result<Vec<i64>> {
    place::store::ids_below(tx, place)
}

/// Places of a name, whatever its case, and everything below them: what `place:"Head office"` means.
pub fn places_named(tx: &mut Tx<'_>, name: &str) -> Result<Vec<i64>> {
    let mut all = Vec::new();
    for id in place::store::by_name(tx, name)? {
        all.extend(place::store::ids_below(tx, id)?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// The first client: the organisation that runs this server. `None` before the setup.
pub fn organisation(tx: &mut Tx<'_>) -> Result<Option<i64>> {
    place::store::first_root(tx)
}

/// A user's mail address; `None` when the user is not known, is disabled, or has none.
pub fn user_email(tx: &mut Tx<'_>, id: i64) -> Result<Option<String>> {
    let user = user::store::get(tx, id)?.filter(|user| user.disabled_at.is_none());
    Ok(user.map(|user| user.email).filter(|email| !email.is_empty()))
}

/// A user's number by what they sign in with.
pub fn user_by_login(tx: &mut Tx<'_>, login: &str) -> Result<Option<i64>> {
    Ok(user::store::password(tx, &login.trim().to_lowercase())?.map(|(id, _)| id))
}

/// True when a user is known and may sign in.
pub fn user_active(tx: &mut Tx<'_>, id: i64) -> Result<bool> {
    Ok(user::store::get(tx, id)?.is_some_and(|user| user.disabled_at.is_none()))
}

/// True when a team is known.
pub fn team_known(tx: &mut Tx<'_>, id: i64) -> Result<bool> {
    Ok(team::store::get(tx, id)?.is_some())
}

/// True when a place is known.
pub fn place_known(tx: &mut Tx<'_>, id: i64) -> Result<bool> {
    Ok(place::store::get(tx, id)?.is_some())
}

/// The first users by name who may sign in, whoever asks: at most [`OPTIONS_MAX`]. Forms use [`crate::Persons`].
pub fn user_options(tx: &mut Tx<'_>) -> Result<Vec<(i64, String)>> {
    user::store::options(tx, OPTIONS_MAX)
}

/// The first teams by name, whoever asks: at most [`OPTIONS_MAX`]. Forms use [`crate::team_choices`].
pub fn team_options(tx: &mut Tx<'_>) -> Result<Vec<(i64, String)>> {
    team::store::options(tx, OPTIONS_MAX)
}

/// The first places in order of the tree, whoever asks: at most [`OPTIONS_MAX`]. Forms use [`crate::place_choices`].
pub fn place_options(tx: &mut Tx<'_>) -> Result<Vec<(i64, String)>> {
    let everything = kernel::Reach { everything: true, ..kernel::Reach::default() };
    Ok(place::indented(place::store::list(tx, None, &everything, OPTIONS_MAX)?))
}
