//! Links that acknowledge: a signed token for one escalation and one person, good for two days and for nothing else. Opening it
//! changes nothing, since mail programs open links before people do; pressing the button does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::time::DAY;
use kernel::{Actor, Cx, Error, Grant, Handle, Ident, Result, Time};
use maud::{Markup, html};
use ring::hmac;
use web::page::{Content, Door};
use web::ui::{Button, Field, Form, Tone, notice};

use crate::page;

/// The name of the sealed key.
const KEY: &str = "paging.link-key";
/// How long a link works, in microseconds.
const WORKS_MICROS: i64 = 2 * DAY;
/// What the holder of a link may do.
const MAY: &[&str] = &["paging.page.acknowledge", "monitor.group.acknowledge"];

/// The page behind a link.
pub(crate) const DOOR: Door = Door { path: "/acknowledge/{secret}", show, act };

/// Makes the key at the first start. Once there, it stays.
pub(crate) fn make_key(kernel: &Handle) -> Result<()> {
    let service = Actor::service("paging", &[]);
    if kernel.read_as(&service, |cx| cx.secret(KEY))?.is_some() {
        return Ok(());
    }
    let key = kernel.random::<32>()?;
    kernel.write_as(service, "paging.link.make-key", move |cx| match cx.secret(KEY)? {
        Some(_) => Ok(()),
        None => cx.put_secret(KEY, &key),
    })
}

/// What a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    page: i64,
    /// 0 when it went to a channel, where nobody knows who reads it.
    user: i64,
    until: Time,
}

impl Claim {
    fn text(self) -> String {
        format!("{}.{}.{}", self.page, self.user, self.until.0 / 1_000_000)
    }

    fn signed(self, key: &[u8]) -> String {
        let text = self.text();
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("acknowledge|{text}").as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()))
    }

    /// Reads a token whose signature is ours.
    fn read(token: &str, key: &[u8]) -> Option<Self> {
        let (text, mac) = token.rsplit_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::verify(&key, format!("acknowledge|{text}").as_bytes(), &mac).ok()?;
        let mut parts = text.split('.').map(str::parse::<i64>);
        let claim =
            Self { page: parts.next()?.ok()?, user: parts.next()?.ok()?, until: Time(parts.next()?.ok()? * 1_000_000) };
        parts.next().is_none().then_some(claim)
    }
}

/// The token of a link in a message that was written at a moment.
pub(crate) fn token(cx: &mut Cx, page: i64, user: i64, at: Time) -> Result<String> {
    let key = cx.secret(KEY)?.ok_or_else(|| Error::internal("link-key-missing", KEY))?;
    Ok(Claim { page, user, until: at.plus(WORKS_MICROS) }.signed(&key))
}

fn claim(cx: &mut Cx, token: &str) -> Result<Claim> {
    let key = cx.secret(KEY)?.ok_or_else(|| Error::internal("link-key-missing", KEY))?;
    let claim = Claim::read(token, &key).ok_or_else(|| Error::not_found("This link"))?;
    if claim.until <= cx.now {
        return Err(Error::conflict(
            "This link no longer works: it was good for two days. Sign in and acknowledge there.",
        ));
    }
    if claim.user != 0 && !people::user_active(cx.tx, claim.user)? {
        return Err(Error::not_found("This link"));
    }
    Ok(claim)
}

fn service() -> Actor {
    Actor::service("paging.link", MAY)
}

fn show(kernel: &Handle, token: &str) -> Result<Content> {
    kernel.read_as(&service(), |cx| {
        let claim = claim(cx, token)?;
        let shown = page::standing(cx, claim.page)?;
        Ok(Content::new("Acknowledge", view(&shown, token, claim.user == 0)))
    })
}

fn view(shown: &page::Standing, token: &str, asks: bool) -> Markup {
    let form = Form::post(format!("/acknowledge/{token}"), "");
    let form = if asks { form.field(Field::text("name", "Your name").required().length_max(60)) } else { form };
    html! {
        h1 dir="auto" { (shown.title) }
        @match (&shown.ended, &shown.acknowledged_by) {
            (true, _) => { (notice(Tone::Ok, "This is over: nobody needs to acknowledge it any more.")) }
            (false, Some(by)) => { (notice(Tone::Working, &format!("{by} is on it."))) }
            (false, None) => {
                p { "Say that you are on it. Nobody else is called then, unless it still lasts after the time set in its policy." }
                (form.action(Button::submit("Acknowledge").primary()))
            }
        }
        @for line in shown.lines.iter().take(8) { p.muted dir="auto" { (line) } }
    }
}

fn act(kernel: &Handle, token: &str, fields: &[(String, String)]) -> Result<Content> {
    let name =
        fields.iter().find(|(key, _)| key == "name").map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
    let (claim, actor) = kernel.read_as(&service(), |cx| {
        let claim = claim(cx, token)?;
        Ok((claim, holder(cx, claim, &name)?))
    })?;
    let input = serde_json::json!({ "id": claim.page });
    let call = kernel::Call::new(std::sync::Arc::new(actor), "paging.page.acknowledge", input, kernel::Via::Page);
    kernel.dispatch(call)?;
    show(kernel, token)
}

/// Who presses the button: the person the link went to, with no more rights than the link gives.
fn holder(cx: &mut Cx, claim: Claim, name: &str) -> Result<Actor> {
    let grants = MAY.iter().map(|pattern| Grant::everywhere(pattern)).collect();
    if claim.user != 0 {
        let names = people::names(cx.tx, "user", &[claim.user])?;
        let name = names.get(&claim.user).cloned().unwrap_or_default();
        return Ok(Actor { ident: Ident::User(claim.user), name, grants, ..Actor::nobody() });
    }
    let name = kernel::text::line("name", name, 60)?;
    Ok(Actor {
        ident: Ident::Service("paging.link".into()),
        name: format!("{name} (by link)"),
        grants,
        ..Actor::nobody()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_what_it_says_and_cannot_be_changed() {
        let claim = Claim { page: 7, user: 3, until: Time(1_772_438_400_000_000) };
        let token = claim.signed(b"key");
        assert_eq!(Claim::read(&token, b"key"), Some(claim));
        assert_eq!(Claim::read(&token, b"other"), None);
        for (from, to) in [("7.3.", "8.3."), ("7.3.", "7.4."), (".1772438400.", ".1972438400.")] {
            assert_eq!(Claim::read(&token.replacen(from, to, 1), b"key"), None, "{from} to {to}");
        }
        for broken in ["", "7", "7.3.1772438400", "....", "7.3.1772438400.AAAA"] {
            assert_eq!(Claim::read(broken, b"key"), None, "{broken}");
        }
    }

    #[test]
    fn the_page_of_a_link_escapes_and_says_how_it_stands() {
        let hostile = "<script>alert(1)</script>";
        let standing =
            page::Standing { title: hostile.into(), lines: vec![hostile.into()], ..page::Standing::default() };
        let html = view(&standing, "1.2.3.x", true).into_string();
        assert!(html.contains("Your name") && !html.contains("<script>alert"));
        let on_it = page::Standing { acknowledged_by: Some("Ada".into()), ..page::Standing::default() };
        assert!(view(&on_it, "t", false).into_string().contains("Ada is on it"));
        let over = page::Standing { ended: true, ..page::Standing::default() };
        assert!(view(&over, "t", false).into_string().contains("over"));
    }
}
