//! Make a token.

use kernel::time::DAY;
use kernel::{Access, Cx, Effect, Error, Ident, Operation, Proof, Ref, Result, Route, Time, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PREFIX, Token, TokenCreated, store};
use crate::grants::reach;
use crate::random::fingerprint;
use crate::{actor, user};

/// Most tokens of one user.
const TOKENS_MAX: i64 = 100;
/// Most patterns of one token.
const PATTERNS_MAX: usize = 50;

/// A token that has just been made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NewToken {
    /// Its number.
    pub id: i64,
    /// The secret. It is not shown again.
    pub token: String,
    /// The user it acts as.
    pub user: i64,
    /// What it is for.
    pub name: String,
    /// Until when it counts.
    pub expires_at: Option<Time>,
}

/// Make a token with which a program acts as you. The answer holds the secret, which is not shown again. An
/// administrator can make one for another user.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct CreateToken {
    /// The login of the user it acts as; yourself when empty.
    #[serde(default, rename = "for")]
    pub for_user: Option<String>,
    /// What it is for, for example "backup script".
    #[serde(default)]
    pub name: Option<String>,
    /// The operations it is limited to, with * for any run of characters; empty means all that the user may do.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// After how many days it ends; empty means never.
    #[serde(default)]
    pub days: Option<i64>,
    /// Let it do dangerous things without a fresh proof of identity.
    #[serde(default)]
    pub standing: bool,
}

impl Operation for CreateToken {
    const NAME: &'static str = "people.token.create";
    const ROUTE: Route = post("/people/tokens");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    type Output = NewToken;

    fn run(&self, cx: &mut Cx) -> Result<NewToken> {
        signed_in_person(cx, "token")?;
        let name = kernel::text::line("name", self.name.as_deref().unwrap_or("command line"), 80)?;
        let patterns = patterns(&self.patterns)?;
        let expires_at = self.days.map(|days| ends(cx.now, days)).transpose()?;
        let (user, user_name) = self.whose(cx)?;
        if store::count(cx.tx, user)? >= TOKENS_MAX {
            return Err(Error::over_limit(format!("{user_name} has {TOKENS_MAX} tokens already. Revoke one first.")));
        }
        let secret = format!("{PREFIX}{}", crate::random::secret(cx.kernel)?);
        let mut new = Token {
            id: 0,
            user,
            name,
            patterns,
            standing: self.standing,
            created_by: cx.actor.name.clone(),
            created_at: cx.now,
            expires_at,
            used_at: None,
            revoked_at: None,
        };
        new.id = store::insert(cx.tx, &new, &fingerprint(&secret))?;
        cx.changed(&Ref::new("user", user), "token", None::<&str>, Some(&new.name))?;
        cx.emit(&TokenCreated { token: new.id, name: new.name.clone(), user: Ref::new("user", user), user_name })?;
        Ok(NewToken { id: new.id, token: secret, user, name: new.name, expires_at })
    }
}

impl CreateToken {
    /// The user the token acts as. For somebody else the actor needs the grant, and must hold what that user holds.
    fn whose(&self, cx: &mut Cx) -> Result<(i64, String)> {
        let login = self.for_user.as_deref().map(str::trim).filter(|login| !login.is_empty());
        let user = match (login, cx.actor.user()) {
            (Some(login), _) => user::store::by_identity(cx.tx, "local", &login.to_lowercase())?,
            (None, Some(id)) => user::store::get(cx.tx, id)?,
            (None, None) => return Err(Error::invalid("for", "Say whose token this is: the login of a user.")),
        };
        let missing = || Error::not_found(format!("The user \"{}\"", login.unwrap_or_default()));
        let user = user.filter(|user| user.disabled_at.is_none()).ok_or_else(missing)?;
        if cx.actor.user() == Some(user.id) {
            return Ok((user.id, user.name));
        }
        let reach = cx.reach(Self::NAME)?;
        user::store::find(cx.tx, &[user.id], &reach)?.pop().ok_or_else(missing)?;
        let held = actor::of_user(cx.tx, user.id, cx.now)?.map(|actor| actor.grants).unwrap_or_default();
        reach::must_cover(cx, &held)?;
        Ok((user.id, user.name))
    }
}

/// A token must not make tokens, nor anything else that outlives it: a limited one could make an unlimited one.
pub(crate) fn signed_in_person(cx: &Cx, what: &str) -> Result<()> {
    match (&cx.actor.ident, cx.actor.proof) {
        (Ident::Os(_), _) => Ok(()),
        // A stolen session alone must not turn into a token that outlives it.
        (Ident::User(_), Proof::At(at)) if cx.now.since(at) <= kernel::limits::PROOF_MICROS => Ok(()),
        (Ident::User(_), Proof::At(_)) => Err(Error::unconfirmed(format!(
            "A new {what} needs a proof of who you are that is not older than 5 minutes. Enter your password again."
        ))),
        _ => Err(Error::conflict(format!(
            "A token cannot make a {what}. Sign in at the console, or use the command line on the server."
        ))),
    }
}

fn ends(now: Time, days: i64) -> Result<Time> {
    if (1..=3650).contains(&days) {
        Ok(now.plus(days * DAY))
    } else {
        Err(Error::invalid("days", "Use a number of days from 1 to 3650, or leave it empty for no end."))
    }
}

fn patterns(wanted: &[String]) -> Result<Vec<String>> {
    if wanted.len() > PATTERNS_MAX {
        return Err(Error::invalid("patterns", format!("Use at most {PATTERNS_MAX} patterns.")));
    }
    let fits = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '*' | '-' | '_');
    let good = |text: &&String| !text.is_empty() && text.len() <= 100 && text.chars().all(fits);
    match wanted.iter().find(|text| !good(text)) {
        Some(bad) => Err(Error::invalid(
            "patterns",
            format!("\"{}\" is no pattern. Write it like desk.ticket.* or *.list.", kernel::text::shorten(bad, 40)),
        )),
        None => Ok(wanted.to_vec()),
    }
}
