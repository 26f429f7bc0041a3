//! From an identity to an actor: the roles a person holds now become grants of operations.

use kernel::db::Tx;
use kernel::{Actor, Grant, Ident, Proof, Result, Scope, Time};

use crate::grants::{Given, GrantScope};
use crate::roles::{self, Extent};
use crate::{grants, place, team, user};

/// The actor of an identity as the tables are now. A disabled or unknown user is nobody; services, agents and the machine's
/// owner hold nothing here, their grants come from where they are declared.
///
/// # Errors
/// The database fails.
pub fn resolve(tx: &mut Tx<'_>, ident: &Ident, now: Time) -> Result<Actor> {
    match ident {
        Ident::User(id) => Ok(of_user(tx, *id, now)?.unwrap_or_else(Actor::nobody)),
        Ident::Nobody => Ok(Actor::nobody()),
        Ident::Service(name) => Ok(bare(ident.clone(), name, Proof::Standing)),
        Ident::Os(login) => Ok(Actor::os(login)),
        Ident::Agent(asset) => Ok(bare(ident.clone(), &format!("agent of asset:{asset}"), Proof::None)),
    }
}

fn bare(ident: Ident, name: &str, proof: Proof) -> Actor {
    Actor { ident, name: name.to_owned(), grants: Vec::new(), teams: Vec::new(), proof, patterns: Vec::new() }
}

/// The actor of a user who may sign in, without a proof of identity.
pub(crate) fn of_user(tx: &mut Tx<'_>, id: i64, now: Time) -> Result<Option<Actor>> {
    let Some(user) = user::store::get(tx, id)?.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
    let teams = team::store::of_user(tx, id)?;
    let mut held = Vec::new();
    for given in grants::store::current_of_user(tx, id, now)? {
        held.extend(expand(tx, &given)?);
    }
    Ok(Some(Actor { grants: held, teams, ..bare(Ident::User(id), &user.name, Proof::None) }))
}

/// The grants of operations that a given role stands for; an unknown role stands for none.
pub(crate) fn expand(tx: &mut Tx<'_>, given: &Given) -> Result<Vec<Grant>> {
    let Some(role) = roles::role(&given.role) else { return Ok(Vec::new()) };
    let scope = match (given.scope, given.scope_place, given.scope_team) {
        (GrantScope::Everything, ..) => Scope::Everything,
        (GrantScope::Place, Some(place), _) => Scope::Places(place::store::ids_below(tx, place)?),
        (GrantScope::Team, _, Some(team)) => Scope::Teams(vec![team]),
        _ => Scope::Own,
    };
    let reach = |extent| match extent {
        Extent::Given => scope.clone(),
        Extent::Everything => Scope::Everything,
        Extent::Own => Scope::Own,
    };
    let grant = |part: roles::Part| Grant {
        pattern: part.pattern.to_owned(),
        scope: reach(part.extent),
        expires_at: given.expires_at,
    };
    Ok(role.every_part().map(grant).collect())
}
