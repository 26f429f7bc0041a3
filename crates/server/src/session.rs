//! Who asks: a session cookie, a bearer token, or the owner of the data folder on the local socket.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::db::Priority;
use kernel::{Actor, Error, Handle, Result, Time, Via};
use web::shell::{Density, Theme};

/// The cookie that holds a session's token.
pub(crate) const COOKIE: &str = "mainstay_session";
/// The cookie that carries one message to the next page.
pub(crate) const FLASH: &str = "mainstay_flash";

/// Set on requests that came over the local socket.
#[derive(Clone, Debug)]
pub(crate) struct LocalOwner(pub(crate) String);

/// Set on requests whose peer is this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromLoopback;

/// What a request says about its sender, before the database is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials {
    cookie: Option<String>,
    bearer: Option<String>,
    owner: Option<String>,
    csrf: Option<String>,
    pub(crate) theme: Theme,
    pub(crate) density: Density,
    pub(crate) keys_off: bool,
    pub(crate) flash: Option<String>,
}

/// The sender of a request.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) actor: Arc<Actor>,
    pub(crate) via: Via,
    /// The token forms must carry, written differently on every page; empty without a session.
    pub(crate) csrf: String,
    /// The session's own token, which no page shows.
    secret: String,
    /// The session's number, if there is one.
    pub(crate) session: Option<i64>,
    /// The zone times are shown in.
    pub(crate) zone: String,
    /// True when the sender must prove that a form is ours.
    pub(crate) needs_csrf: bool,
}

/// The value of a cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| value.to_owned())
    })
}

impl Credentials {
    pub(crate) fn of(parts: &Parts) -> Self {
        let headers = &parts.headers;
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        Self {
            cookie: cookie(headers, COOKIE),
            bearer: bearer.map(|token| token.trim().to_owned()),
            owner: parts.extensions.get::<LocalOwner>().map(|owner| owner.0.clone()),
            csrf: headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).map(str::to_owned),
            theme: Theme::parse(&cookie(headers, "theme").unwrap_or_default()),
            density: Density::parse(&cookie(headers, "density").unwrap_or_default()),
            keys_off: cookie(headers, "keys").as_deref() == Some("off"),
            flash: cookie(headers, FLASH),
        }
    }

    /// The same with a bearer token from elsewhere, if there was none.
    pub(crate) fn or_bearer(self, token: impl FnOnce() -> Option<String>) -> Self {
        let bearer = self.bearer.or_else(token);
        Self { bearer, ..self }
    }

    /// The token a script sent in place of the form field.
    pub(crate) fn csrf_header(&self) -> Option<&str> {
        self.csrf.as_deref()
    }

    /// The actor as they are now, if they are still signed in. It does not count as a use: an open page keeps no session alive.
    pub(crate) fn still(&self, kernel: &Handle) -> Result<Option<Actor>> {
        let now = kernel.now();
        let found = match (&self.bearer, &self.cookie) {
            (Some(token), _) => kernel.db.read(|tx| people::tokens::resolve(tx, token, now))?,
            (None, Some(token)) => kernel.db.read(|tx| people::sessions::resolve(tx, token, now))?,
            (None, None) => None,
        };
        Ok(found.map(|found| found.actor))
    }

    /// Asks the database who this is. A bad bearer token is an error; a bad cookie is nobody.
    pub(crate) fn resolve(&self, kernel: &Handle) -> Result<Who> {
        let anonymous = |actor: Actor, via| Who {
            actor: Arc::new(actor),
            via,
            csrf: String::new(),
            secret: String::new(),
            session: None,
            zone: "UTC".into(),
            needs_csrf: false,
        };
        if let Some(login) = &self.owner {
            return Ok(anonymous(Actor::os(login), Via::Cli));
        }
        let now = kernel.now();
        if let Some(token) = &self.bearer {
            let found = kernel.db.read(|tx| people::tokens::resolve(tx, token, now))?;
            let found = found
                .ok_or_else(|| Error::sign_in().says("This token is unknown, expired or revoked. Make a new one."))?;
            if found.stale {
                let token = token.clone();
                kernel.db.write("people.token.seen", Priority::Background, move |tx| {
                    people::tokens::seen(tx, &token, now)
                })?;
            }
            return Ok(Who { zone: found.zone, ..anonymous(found.actor, Via::Rest) });
        }
        let Some(token) = &self.cookie else { return Ok(anonymous(Actor::nobody(), Via::Page)) };
        let Some(found) = kernel.db.read(|tx| people::sessions::resolve(tx, token, now))? else {
            return Ok(anonymous(Actor::nobody(), Via::Page));
        };
        if let Some(session) = found.session.filter(|_| found.stale) {
            kernel.db.write("people.session.seen", Priority::Background, move |tx| {
                people::sessions::seen(tx, session, now)
            })?;
        }
        Ok(Who {
            actor: Arc::new(found.actor),
            via: Via::Page,
            csrf: mask(&found.csrf, kernel.random()?),
            secret: found.csrf,
            session: found.session,
            zone: found.zone,
            needs_csrf: true,
        })
    }
}

const DIGEST_BYTES: usize = 32;

fn sha256(bytes: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    digest
}

fn xor(mut bytes: [u8; DIGEST_BYTES], pad: &[u8; DIGEST_BYTES]) -> [u8; DIGEST_BYTES] {
    bytes.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
    bytes
}

/// A session's token as one page carries it: a random pad and the token's digest under it. Pages are compressed and also
/// repeat what the address says; a token that were the same in each could be guessed byte by byte from their sizes.
fn mask(token: &str, pad: [u8; DIGEST_BYTES]) -> String {
    let hidden = xor(sha256(token.as_bytes()), &pad);
    URL_SAFE_NO_PAD.encode([pad, hidden].concat())
}

/// The digest that a page's token hides; `None` for what no page of ours carries.
fn unmask(given: &str) -> Option<[u8; DIGEST_BYTES]> {
    let bytes = URL_SAFE_NO_PAD.decode(given).ok()?;
    let (pad, hidden) = bytes.split_first_chunk()?;
    Some(xor(hidden.try_into().ok()?, pad))
}

/// True when an actor's grants for an operation reach further than what is their own.
pub(crate) fn beyond_own(actor: &Actor, operation: &str, now: Time) -> bool {
    let reach = actor.reach(operation, now);
    reach.is_some_and(|reach| reach.everything || !reach.teams.is_empty() || !reach.places.is_empty())
}

impl Who {
    /// Employees have the portal; whoever may list more than their own requests works in the console.
    pub(crate) fn works_here(&self, now: Time) -> bool {
        ["desk.ticket.list", "assets.thing.list", "monitor.group.list", "kernel.audit.list"]
            .iter()
            .any(|operation| beyond_own(&self.actor, operation, now))
            || self.actor.reach("desk.ticket.note", now).is_some()
    }

    /// Refuses a change from a browser that does not carry the session's token.
    pub(crate) fn check_csrf(&self, given: Option<&str>) -> Result<()> {
        // Digests are compared, so that the time it takes says nothing about the token.
        let expected = sha256(&sha256(self.secret.as_bytes()));
        let same = |given: &str| unmask(given).is_some_and(|given| sha256(&given) == expected);
        match given {
            _ if !self.needs_csrf => Ok(()),
            Some(given) if same(given) => Ok(()),
            _ => Err(Error::denied("form")
                .says("This form is too old or was not made by this console. Load the page again, then repeat.")),
        }
    }
}

/// Refuses requests that another site's page sent with this browser's cookies (Fetch Metadata, else Origin against Host).
pub(crate) fn same_site(method: &Method, headers: &HeaderMap) -> Result<()> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign = match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), _, _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, from)| from != host),
        (None, Some(_), None) => true,
        (None, None, _) => false,
    };
    if foreign {
        Err(Error::denied("cross-site").says("This request came from another site's page and was refused."))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_token_holds_and_no_other_text_does() {
        let who = Who {
            actor: Arc::new(Actor::nobody()),
            via: Via::Page,
            csrf: String::new(),
            secret: "of the session".into(),
            session: Some(1),
            zone: "UTC".into(),
            needs_csrf: true,
        };
        let (one, other) = (mask("of the session", [7; 32]), mask("of the session", [8; 32]));
        assert_ne!(one, other);
        assert!(who.check_csrf(Some(&one)).is_ok() && who.check_csrf(Some(&other)).is_ok());
        let foreign = mask("of another session", [7; 32]);
        let longer = format!("{one}AAAA");
        for wrong in ["", "of the session", "!", &foreign, &longer, one.get(..43).unwrap()] {
            assert!(who.check_csrf(Some(wrong)).is_err(), "{wrong}");
        }
        assert!(who.check_csrf(None).is_err());
    }
}
