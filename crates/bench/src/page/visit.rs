//! A browser without a screen: asks the router as a browser would, counts what comes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kernel::{Error, Handle, Result};
use server::{App, Site};
use tower::ServiceExt as _;

use crate::house::PASSWORD;

/// Panels of a page that are loaded with it.
const PANELS_MAX: usize = 12;

/// What one visit came to.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) status: StatusCode,
    /// What travels on a first visit, compressed as the server compresses it: page, panels, style sheet, script, logo.
    pub(crate) bytes: usize,
    /// Elements of the page with its panels.
    pub(crate) nodes: usize,
    /// Statements of the page alone.
    pub(crate) statements: u64,
}

/// A page as text, with the links on it.
pub(crate) struct Read {
    pub(crate) status: StatusCode,
    pub(crate) links: Vec<String>,
    text: String,
}

/// Asks the router.
pub(crate) struct Browser {
    app: Arc<App>,
    router: axum::Router,
    runtime: tokio::runtime::Runtime,
    /// Bytes of the files every page loads once.
    assets: usize,
}

impl Browser {
    pub(crate) fn new(kernel: Handle, site: Site) -> Result<Self> {
        let app = App::new(kernel, site, vec!["localhost".to_owned()]);
        let router = server::router(&app);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::internal("runtime", error))?;
        let mut browser = Self { app, router, runtime, assets: 0 };
        for asset in web::assets::all() {
            browser.assets += browser.send(browser.request(asset.path, "", true)?)?.1.len();
        }
        Ok(browser)
    }

    fn request(&self, path: &str, cookie: &str, compressed: bool) -> Result<Request<Body>> {
        let mut request = Request::get(path).header(header::HOST, "localhost").header(header::COOKIE, cookie);
        if compressed {
            request = request.header(header::ACCEPT_ENCODING, "gzip, deflate, br, zstd");
        }
        request.body(Body::empty()).map_err(|error| Error::internal("request", error))
    }

    fn send(&self, request: Request<Body>) -> Result<(axum::http::response::Parts, Bytes)> {
        let router = self.router.clone();
        self.runtime.block_on(async {
            let Ok(response) = router.oneshot(request).await;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| Error::internal("body", error))?;
            Ok((parts, body.to_bytes()))
        })
    }

    /// Signs in; answers the session's cookie.
    pub(crate) fn sign_in(&self, login: &str) -> Result<String> {
        let form = format!("login={login}&password={}&next=/", PASSWORD.replace(' ', "+"));
        let request = Request::post("/sign-in")
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from(form)).map_err(|error| Error::internal("request", error))?;
        let (parts, body) = self.send(request)?;
        let cookie = parts
            .headers
            .get(header::SET_COOKIE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next());
        cookie.map(str::to_owned).ok_or_else(|| {
            Error::unavailable(format!("{login} cannot sign in: {} {}", parts.status, String::from_utf8_lossy(&body)))
        })
    }

    /// The bytes of a page as they travel.
    pub(crate) fn get_bytes(&self, path: &str, cookie: &str) -> Result<Bytes> {
        self.send(self.request(path, cookie, true)?).map(|(_, body)| body)
    }

    /// A page to read.
    pub(crate) fn get(&self, path: &str, cookie: &str) -> Result<Read> {
        let (parts, body) = self.send(self.request(path, cookie, false)?)?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let links = attributes(&text, " href=\"")
            .filter(|link| link.starts_with('/'))
            .map(|link| link.replace("&amp;", "&"))
            .collect();
        Ok(Read { status: parts.status, links, text })
    }

    /// Everything that a first visit of a page loads.
    pub(crate) fn visit(&self, path: &str, cookie: &str) -> Result<Visit> {
        let statements = || self.app.kernel().db.stats().statements.load(Ordering::Relaxed);
        let before = statements();
        let page = self.get(path, cookie)?;
        let statements = statements() - before;
        let (mut bytes, mut nodes) = (self.assets + self.get_bytes(path, cookie)?.len(), elements(&page.text));
        let panels: Vec<String> =
            attributes(&page.text, "=\"/_panel/").map(|rest| format!("/_panel/{rest}")).take(PANELS_MAX).collect();
        for panel in panels {
            bytes += self.get_bytes(&panel, cookie)?.len();
            nodes += elements(&self.get(&panel, cookie)?.text);
        }
        Ok(Visit { status: page.status, bytes, nodes, statements })
    }
}

/// The values that follow `start`, up to the closing quote.
fn attributes<'a>(text: &'a str, start: &'static str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split('"').next())
}

/// Elements in a piece of HTML: opening tags.
fn elements(text: &str) -> usize {
    text.as_bytes().windows(2).filter(|pair| matches!(pair, [b'<', letter] if letter.is_ascii_alphabetic())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_links_are_counted_as_they_stand() {
        let text = "<!doctype html><p>a &lt;b&gt; <a href=\"/x?a=1&amp;b=2\">y</a><br></p>";
        assert_eq!(elements(text), 3);
        assert_eq!(attributes(text, " href=\"").collect::<Vec<_>>(), ["/x?a=1&amp;b=2"]);
    }
}
