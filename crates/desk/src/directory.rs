//! Looking up people, teams and things by the words that users write, and checking the numbers they send.

use kernel::{Cx, Error, Ref, Result};

/// Most things that one word of a filter may stand for.
const THINGS_MAX: usize = 50;

/// A team by its short name.
pub(crate) fn team(cx: &mut Cx, slug: &str) -> Result<Option<i64>> {
    Ok(people::team_by_slug(cx.tx, slug)?.map(|team| team.id))
}

/// A user by login.
pub(crate) fn user(cx: &mut Cx, login: &str) -> Result<Option<i64>> {
    people::user_by_login(cx.tx, login)
}

/// Things by number, by `asset:NUMBER`, or by name or tag, as far as the actor may see them.
pub(crate) fn assets(cx: &mut Cx, word: &str) -> Result<Vec<i64>> {
    let number = word.strip_prefix("asset:").unwrap_or(word).parse::<i64>().ok().filter(|id| *id > 0);
    if let Some(id) = number {
        return Ok(vec![id]);
    }
    let hits = cx.search(word, &["asset"], THINGS_MAX)?;
    let exact = |title: &str| title.to_lowercase() == word.to_lowercase();
    let named: Vec<i64> = hits.iter().filter(|hit| exact(&hit.title)).map(|hit| hit.subject.id).collect();
    Ok(if named.is_empty() { hits.iter().map(|hit| hit.subject.id).collect() } else { named })
}

/// Refuses a user who is not known or may no longer sign in.
pub(crate) fn check_user(cx: &mut Cx, field: &str, id: i64) -> Result<()> {
    if people::user_active(cx.tx, id)? {
        return Ok(());
    }
    Err(Error::invalid(field, "There is no such user, or they may no longer sign in. Choose somebody else."))
}

/// Refuses a team that is not known.
pub(crate) fn check_team(cx: &mut Cx, field: &str, id: i64) -> Result<()> {
    if people::team_known(cx.tx, id)? { Ok(()) } else { Err(Error::invalid(field, "There is no such team.")) }
}

/// Refuses a place that is not known.
pub(crate) fn check_place(cx: &mut Cx, field: &str, id: i64) -> Result<()> {
    if people::place_known(cx.tx, id)? { Ok(()) } else { Err(Error::invalid(field, "There is no such place.")) }
}

/// Refuses references to what does not exist or the actor may not see.
pub(crate) fn check_refs(cx: &mut Cx, field: &str, refs: &[Ref]) -> Result<()> {
    if refs.is_empty() {
        return Ok(());
    }
    let found = cx.resolve(refs)?;
    match refs.iter().find(|one| !found.contains_key(one)) {
        None => Ok(()),
        Some(missing) => Err(Error::invalid(field, format!("{missing} was not found, or you may not see it."))),
    }
}
