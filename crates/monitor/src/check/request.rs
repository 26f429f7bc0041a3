//! The words of a look that are sealed like a password: values of header lines and the body of a web request, the text that
//! is sent to a port, arguments of a plugin. In the check stands a mark in their place, which also says that they stay when
//! the check is changed.

use kernel::{Cx, Error, Handle, Result};
use probes::exchange::Target;

use super::{Check, NewCheck, marks};
use crate::live::Monitor;
use crate::probe::{Probe, SealedRequest};
use crate::store;

/// The name under which the words of a check are sealed.
fn name(check: i64) -> String {
    format!("monitor.check.{check}.request")
}

/// What is sealed for a check.
pub(super) fn sealed(cx: &mut Cx, id: i64, probe: &Probe) -> Result<SealedRequest> {
    let bytes = if marks::has_marks(probe) { cx.secret(&name(id))? } else { None };
    let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|e| Error::internal("sealed-request", e));
    bytes.map_or_else(|| Ok(SealedRequest::default()), read)
}

/// Takes the secret words out of a check before anybody sees it. Marks stand for words of `current`, which stay as long
/// as they go to the same server or plugin.
pub(super) fn take_out(cx: &mut Cx, current: Option<&Check>, new: &mut NewCheck) -> Result<SealedRequest> {
    let before = match current {
        Some(check) => sealed(cx, check.id, &check.probe)?,
        None => SealedRequest::default(),
    };
    let (now, stays) = marks::split(&mut new.probe, &before)?;
    let same = current.is_some_and(|check| check.vantage == new.vantage && goes(&check.probe) == goes(&new.probe));
    match stays {
        Some((field, what)) if !same => Err(Error::invalid(
            field,
            format!("The check looks elsewhere now. Give {what} that belongs there, or leave it out."),
        )),
        _ => Ok(now),
    }
}

/// Where secret words go, and how safely.
#[derive(Debug, PartialEq, Eq)]
enum Goes {
    Web(Target, bool),
    Port(String, u16),
    Plugin(String),
}

fn goes(probe: &Probe) -> Option<Goes> {
    match probe {
        Probe::Http(http) => {
            let target = Target::parse(&http.url).ok()?;
            Some(Goes::Web(Target { path: String::new(), ..target }, http.any_certificate))
        }
        Probe::Tcp(tcp) => Some(Goes::Port(tcp.host.to_ascii_lowercase(), tcp.port)),
        Probe::Plugin(plugin) => Some(Goes::Plugin(plugin.plugin.clone())),
        _ => None,
    }
}

/// Seals what was taken out; answers whether it is other than before.
pub(super) fn keep(cx: &mut Cx, id: i64, now: &SealedRequest) -> Result<bool> {
    let name = name(id);
    let old = cx.secret(&name)?;
    if *now == SealedRequest::default() {
        return if old.is_some() { cx.drop_secret(&name).map(|()| true) } else { Ok(false) };
    }
    let bytes = serde_json::to_vec(now).map_err(|error| Error::internal("sealed-request", error))?;
    let before = old.map(|bytes| serde_json::from_slice::<SealedRequest>(&bytes));
    if before.is_some_and(|before| before.is_ok_and(|before| before == *now)) {
        return Ok(false);
    }
    cx.put_secret(&name, &bytes)?;
    Ok(true)
}

pub(super) fn forget(cx: &mut Cx, id: i64) -> Result<()> {
    cx.drop_secret(&name(id))
}

/// Seals what older versions kept open; a check that cannot be sealed holds up none of the others. Harmless to repeat.
pub(crate) fn seal_open_ones(handle: &Handle) -> Result<()> {
    let mut open = Vec::new();
    handle.get::<Monitor>()?.each(|check| {
        if marks::is_open(&check.probe) {
            open.push(check.id);
        }
    });
    for id in open {
        let actor = kernel::Actor::service("monitor", &["monitor.*"]);
        if let Err(error) = handle.write_as(actor, "monitor.check.seal", move |cx| seal(cx, id)) {
            tracing::error!(
                check = id,
                error = error.message,
                cause = error.cause,
                "secret words of a check could not be sealed; save it again"
            );
        }
    }
    Ok(())
}

fn seal(cx: &mut Cx, id: i64) -> Result<()> {
    let Some(check) = store::checks::by_id(cx.tx, &[id])?.into_iter().next() else { return Ok(()) };
    let mut new = NewCheck::of(&check);
    let words = take_out(cx, Some(&check), &mut new)?;
    keep(cx, id, &words)?;
    store::checks::put_probe(cx.tx, id, &new.probe)?;
    cx.touch(check.reference());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use probes::http::Http;

    #[test]
    fn only_another_server_is_elsewhere() {
        let at = |url: &str, any_certificate| {
            goes(&Probe::Http(Box::new(Http { url: url.into(), any_certificate, ..Http::default() })))
        };
        assert_eq!(at("https://a/x", false), at("https://a:443/y?z", false));
        assert_ne!(at("https://a/", false), at("http://a/", false));
        assert_ne!(at("https://a/", false), at("https://a:8443/", false));
        assert_ne!(at("https://a/", false), at("https://b/", false));
        assert_ne!(at("https://a/", false), at("https://a/", true));
        let tcp =
            |host: &str, port| goes(&Probe::Tcp(probes::tcp::Tcp { host: host.into(), port, ..Default::default() }));
        assert_eq!(tcp("a", 1), tcp("A", 1));
        assert!(tcp("a", 1) != tcp("a", 2) && tcp("a", 1) != tcp("b", 1));
        let plugin =
            |plugin: &str| goes(&Probe::Plugin(probes::plugin::Plugin { plugin: plugin.into(), ..Default::default() }));
        assert_ne!(plugin("/p/check_a"), plugin("/p/check_b"));
    }
}
