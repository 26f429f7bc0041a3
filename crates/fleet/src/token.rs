//! Enrolment tokens: who may bring machines in, how many, until when. The token's text is shown once; only its hash is
//! stored.

use std::sync::{Arc, Mutex, PoisonError};

use agent_proto::EnrolmentToken;
use kernel::time::MINUTE;
use kernel::{Cx, Error, Handle, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::keys::Keys;
use crate::settings::LinkSetting;

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod pages;
pub(crate) mod revoke;
pub(crate) mod store;

/// A token as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) uses_max: i64,
    pub(crate) uses: i64,
    pub(crate) expires_at: Time,
    pub(crate) auto_approve: bool,
    pub(crate) asset_kind: String,
    pub(crate) place: Option<i64>,
    pub(crate) team: Option<i64>,
    pub(crate) asset: Option<i64>,
    pub(crate) created_at: Time,
    pub(crate) created_by: String,
    pub(crate) revoked_at: Time,
}

/// A token as it is shown: never its text.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    /// Its number.
    pub id: i64,
    /// What it is for.
    pub name: String,
    /// How many machines it may still bring in.
    pub uses_left: i64,
    /// How many it brought in.
    pub uses: i64,
    /// Until when.
    pub expires_at: Time,
    /// Machines work at once, without a person's approval.
    pub auto_approve: bool,
    /// What new machines are: server or workstation.
    pub asset_kind: String,
    /// usable, used up, expired or revoked.
    pub state: String,
    /// When it was made.
    pub created_at: Time,
    /// Who made it.
    pub created_by: String,
}

impl Token {
    pub(crate) fn view(self, now: Time) -> TokenView {
        let state = if self.revoked_at.0 != 0 {
            "revoked"
        } else if self.expires_at <= now {
            "expired"
        } else if self.uses >= self.uses_max {
            "used up"
        } else {
            "usable"
        };
        TokenView {
            id: self.id,
            name: self.name,
            uses_left: (self.uses_max - self.uses).max(0),
            uses: self.uses,
            expires_at: self.expires_at,
            auto_approve: self.auto_approve,
            asset_kind: self.asset_kind,
            state: state.to_owned(),
            created_at: self.created_at,
            created_by: self.created_by,
        }
    }
}

/// What is stored of a token's secret.
pub(crate) fn hash(secret: &[u8; 16]) -> [u8; 32] {
    agent_proto::certificate_digest(secret)
}

/// A new token and what to do with it: shown once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NewToken {
    /// Its number.
    pub id: i64,
    /// The token. It is not shown again.
    pub token: String,
    /// The command to run on the other machine, as root: the token is in the environment, where other users of the machine
    /// do not see it.
    pub command: String,
    /// Until when.
    pub expires_at: Time,
}

/// What a new token is to be.
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a str,
    pub(crate) uses_max: i64,
    pub(crate) expires_at: Time,
    pub(crate) auto_approve: bool,
    pub(crate) asset_kind: &'a str,
    pub(crate) place: Option<i64>,
    pub(crate) team: Option<i64>,
    pub(crate) asset: Option<i64>,
}

/// Makes a token.
pub(crate) fn make(cx: &mut Cx, wanted: &Wanted<'_>) -> Result<NewToken> {
    let secret = cx.random_id()?;
    let authority_sha256 = cx.kernel.get::<Keys>()?.authority_sha256();
    let text = EnrolmentToken { secret, authority_sha256 }.to_string();
    let by = cx.actor.name.clone();
    let id = store::insert(cx.tx, wanted, &hash(&secret), &by, cx.now)?;
    let url = cx.setting::<LinkSetting>()?.url();
    let command = format!("MAINSTAY_AGENT_TOKEN={text} mainstay-agent enrol {url}");
    if let Ok(fresh) = cx.kernel.get::<Fresh>() {
        fresh.keep(Shown {
            hash: hash(&secret),
            id,
            actor: cx.actor.ident.to_string(),
            at: cx.now,
            command: command.clone(),
        });
    }
    Ok(NewToken { id, token: text, command, expires_at: wanted.expires_at })
}

/// Tokens made a moment ago, in memory only, so that the page after the form can show them to whoever made them.
#[derive(Default)]
pub(crate) struct Fresh(Mutex<Vec<Shown>>);

struct Shown {
    hash: [u8; 32],
    id: i64,
    actor: String,
    at: Time,
    command: String,
}

/// How long the page still shows a new token.
const SHOWN_MICROS: i64 = 10 * MINUTE;
/// How many are kept for that.
const SHOWN_MAX: usize = 64;

impl Fresh {
    fn keep(&self, one: Shown) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| one.at.since(other.at) < SHOWN_MICROS);
        if all.len() >= SHOWN_MAX {
            all.remove(0);
        }
        all.push(one);
    }

    /// The command of a token that this actor made in the last minutes. A try that was rolled back left another hash.
    pub(crate) fn command(&self, id: i64, hash: &[u8], actor: &str, now: Time) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |one: &&Shown| {
            one.id == id && one.hash.as_slice() == hash && one.actor == actor && now.since(one.at) < SHOWN_MICROS
        };
        all.iter().find(fits).map(|one| one.command.clone())
    }
}

pub(crate) fn open(kernel: &Handle) {
    kernel.put(Arc::new(Fresh::default()));
}

/// A token by number.
pub(crate) fn find(cx: &mut Cx, id: i64) -> Result<Token> {
    store::by_id(cx.tx, id)?.ok_or_else(|| Error::not_found(format!("The enrolment token {id}")))
}
