//! Pages of the domains: found by path, made in one read transaction, put into the shell.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri, header};
use axum::response::Response;
use kernel::{Cx, Error, ErrorKind, Ref, Result, Time};
use maud::{Markup, html};
use web::Later;
use web::domain::Group;
use web::page::{Asked, Asking, Audience, Content, PageCx};
use web::shell::{self, NavGroup, NavItem, Shell, ShellUser};
use web::ui::{Again, Button, Empty, Flash, Tone};

use crate::session::{Credentials, FLASH, Who, beyond_own};
use crate::{Shared, door, respond};

/// What an employee reads on a page of the console.
const FOR_STAFF: &str =
    "This page is for those who run things. What you asked for, and how it goes on, is in your portal.";

/// The frame around a page: employees have the portal, whatever they look at.
pub(crate) fn frame_for(who: &Who, audience: Audience, now: Time) -> Audience {
    if who.actor.user().is_some() && !who.works_here(now) { Audience::Portal } else { audience }
}

/// A page of a domain.
pub(crate) async fn page(State(app): State<Shared>, index: usize, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        let page = app.site.pages.get(index).ok_or_else(|| Error::internal("page-missing", index))?;
        let Some(early) = page.early else {
            return Ok(show(app, &parts, page.path, page.grant, page.audience, page.render));
        };
        let asked = ask(app, &parts, page.path, page.grant, early.ask);
        Ok(show(app, &parts, page.path, page.grant, page.audience, |cx| match asked {
            // Who may not open the page is told so by the page.
            None => (page.render)(cx),
            Some(asked) => (early.render)(cx, asked?),
        }))
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

/// Asks what a page wants to know before its transaction; nothing for those who may not open it.
fn ask(
    app: &Shared,
    parts: &Parts,
    pattern: &str,
    grant: &str,
    ask: fn(&Asking) -> Result<Asked>,
) -> Option<Result<Asked>> {
    let who = Credentials::of(parts).resolve(&app.kernel).ok()?;
    let now = app.kernel.now();
    who.actor.reach(grant, now)?;
    let (path, query) = (path_fields(pattern, parts.uri.path()), door::query(parts));
    Some(ask(&Asking { kernel: &app.kernel, actor: &who.actor, now, path, query }))
}

/// Makes a page and puts it into its frame; whatever goes wrong becomes a page too.
pub(crate) fn show(
    app: &Shared,
    parts: &Parts,
    pattern: &str,
    grant: &str,
    audience: Audience,
    render: impl FnOnce(&mut PageCx) -> Result<Content>,
) -> Response {
    let credentials = Credentials::of(parts);
    let who = match credentials.resolve(&app.kernel) {
        Ok(who) => who,
        Err(error) => return respond::error(&error),
    };
    let frame = frame_for(&who, audience, app.kernel.now());
    match made(app, parts, &who, pattern, grant, audience, render) {
        Ok(content) => framed(app, parts, &credentials, &who, frame, StatusCode::OK, &content),
        Err(error) => failed(app, parts, &credentials, &who, &error),
    }
}

/// The body of a page, for those who may open it.
fn made(
    app: &Shared,
    parts: &Parts,
    who: &Who,
    pattern: &str,
    grant: &str,
    audience: Audience,
    render: impl FnOnce(&mut PageCx) -> Result<Content>,
) -> Result<Content> {
    let now = app.kernel.now();
    let frame = frame_for(who, audience, now);
    let drawn = in_page(app, parts, who, pattern, |page| {
        if who.actor.user().is_none() && who.via == kernel::Via::Page {
            return Err(Error::sign_in());
        }
        if !grant.is_empty() && !page.cx.may(grant) {
            return Err(Error::denied(grant));
        }
        if audience != frame && !grant.is_empty() && !beyond_own(&who.actor, grant, now) {
            return Err(Error::denied(grant).says(FOR_STAFF));
        }
        render(page)
    })?;
    let (Content { title, body }, later) = drawn;
    Ok(Content { title, body: later.fill(body, &app.kernel) })
}

/// The page that a refused form was sent from, with the form as it was filled; nothing when the form is not on it, or
/// when the browser does not say where it was.
pub(crate) fn refilled(
    app: &Shared,
    parts: &Parts,
    credentials: &Credentials,
    who: &Who,
    status: StatusCode,
    again: Again,
) -> Option<Response> {
    let from = parts.headers.get(header::REFERER)?.to_str().ok()?.parse::<Uri>().ok()?;
    let fitting = app.site.pages.iter().filter(|page| fits(page.path, from.path()));
    let page = fitting.min_by_key(|page| page.path.matches('{').count())?;
    let there = from.path_and_query()?.as_str().parse::<Uri>().ok()?;
    let mut parts = parts.clone();
    parts.uri = there;
    let draw = || made(app, &parts, who, page.path, page.grant, page.audience, page.render);
    let (content, met) = web::ui::drawn_again(again, draw);
    let content = content.ok().filter(|_| met)?;
    let frame = frame_for(who, page.audience, app.kernel.now());
    Some(framed(app, &parts, credentials, who, frame, status, &content))
}

/// Whether a path is one of a pattern, such as `/assets/417` of `/assets/{id}`.
fn fits(pattern: &str, path: &str) -> bool {
    pattern.split('/').count() == path.split('/').count()
        && pattern.split('/').zip(path.split('/')).all(|(known, said)| known == said || known.starts_with('{'))
}

/// Runs a page function with what it needs; answers also what is left to draw.
pub(crate) fn in_page<T>(
    app: &Shared,
    parts: &Parts,
    who: &Who,
    pattern: &str,
    work: impl FnOnce(&mut PageCx) -> Result<T>,
) -> Result<(T, Later)> {
    let zone = jiff::tz::TimeZone::get(&who.zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let path = path_fields(pattern, parts.uri.path());
    let here = parts.uri.path_and_query().map_or("/", |here| here.as_str()).to_owned();
    app.kernel.read_as(&who.actor, |cx: &mut Cx| {
        let mut page = PageCx {
            cx,
            path,
            query: door::query(parts),
            here,
            origin: crate::source::origin(parts),
            csrf: who.csrf.clone(),
            zone,
            all_panels: &app.slots,
            later: Later::default(),
        };
        Ok((work(&mut page)?, page.later))
    })
}

fn path_fields(pattern: &str, path: &str) -> BTreeMap<String, String> {
    let pairs = pattern.split('/').zip(path.split('/'));
    pairs
        .filter_map(|(name, value)| Some((name.strip_prefix('{')?.strip_suffix('}')?.to_owned(), value.to_owned())))
        .collect()
}

/// Puts a body into the frame of its audience.
pub(crate) fn framed(
    app: &Shared,
    parts: &Parts,
    credentials: &Credentials,
    who: &Who,
    audience: Audience,
    status: StatusCode,
    content: &Content,
) -> Response {
    let frame = app.kernel.read_as(&who.actor, |cx| Ok(Frame::of(app, cx)));
    let frame = frame.unwrap_or_default();
    let here = parts.uri.path_and_query().map_or("/", |here| here.as_str());
    let flash = credentials.flash.as_deref().and_then(|cookie| crate::form::read_flash(cookie, here));
    let current = parts.uri.path();
    let shell = Shell {
        title: &content.title,
        nav: if audience == Audience::Portal { &frame.portal } else { &frame.nav },
        current,
        user: who.actor.user().map(|_| ShellUser { name: who.actor.name.clone(), href: "/me".into() }),
        theme: credentials.theme,
        density: credentials.density,
        alerts_count: frame.alerts,
        alerts_href: if frame.monitoring { "/monitoring" } else { "" },
        csrf: &who.csrf,
        flash,
        create: &frame.create,
        search_href: "/_palette",
        keys_off: credentials.keys_off,
        live: who.actor.user().is_some(),
    };
    let markup = match audience {
        Audience::Console => shell::page(&shell, &content.body),
        Audience::Portal => shell::portal(&shell, &frame.organisation, &content.body),
    };
    let mut response = respond::page(status, markup);
    if credentials.flash.is_some() {
        respond::cookie(&mut response, &format!("{FLASH}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
    }
    response
}

/// What the shell shows around every page.
#[derive(Default)]
struct Frame {
    nav: Vec<NavGroup>,
    portal: Vec<NavGroup>,
    create: Vec<shell::Create>,
    alerts: u64,
    monitoring: bool,
    organisation: String,
}

impl Frame {
    fn of(app: &Shared, cx: &mut Cx) -> Self {
        let needs = cx.attention_count(crate::home::NEEDS_COUNTED_MAX).map_or(0, |needs| needs as u64);
        let item = |label: &str, href: &str, icon: &'static str| NavItem {
            label: label.into(),
            href: href.into(),
            icon,
            ..NavItem::default()
        };
        let home = NavItem { count: Some(needs), hot: needs > 0, phone: Some("Home"), ..item("Home", "/", "home") };
        let mut nav = vec![NavGroup { items: vec![home], ..NavGroup::default() }];
        for (group, title) in [
            (Group::Respond, "Respond"),
            (Group::Know, "Know"),
            (Group::Protect, "Protect"),
            (Group::Improve, "Improve"),
            (Group::Foot, ""),
        ] {
            let places = app.site.nav.iter().filter(|place| place.group == group && cx.may(place.grant));
            let items: Vec<NavItem> = places
                .map(|place| NavItem { phone: phone_word(place.href), ..item(place.label, place.href, place.icon) })
                .collect();
            if !items.is_empty() {
                nav.push(NavGroup { title: title.into(), items, foot: group == Group::Foot });
            }
        }
        let create = app.site.creates.iter().filter(|one| cx.may(one.grant));
        let create = create
            .map(|one| shell::Create { icon: "plus", label: one.label.into(), href: one.href.into(), key: None })
            .collect();
        let mut asks = vec![item("My requests", "/portal", "home"), item("Ask for help", "/portal/new", "plus")];
        if cx.may("kernel.approval.list") {
            asks.push(item("Approvals", "/approvals", "check"));
        }
        let portal = vec![NavGroup { items: asks, ..NavGroup::default() }];
        let organisation = organisation(cx).unwrap_or_default();
        Self { nav, portal, create, alerts: needs, monitoring: cx.may("monitor.group.list"), organisation }
    }
}

/// The organisation's name; empty before it has one.
fn organisation(cx: &mut Cx) -> Result<String> {
    let Some(root) = people::organisation(cx.tx)? else { return Ok(String::new()) };
    Ok(people::names(cx.tx, "place", &[root])?.remove(&root).unwrap_or_default())
}

fn phone_word(href: &str) -> Option<&'static str> {
    match href {
        "/desk" => Some("Desk"),
        "/assets" => Some("Assets"),
        "/monitoring" => Some("Alerts"),
        _ => None,
    }
}

/// An error as a page: what happened, what it means, what to do.
pub(crate) fn failed(app: &Shared, parts: &Parts, credentials: &Credentials, who: &Who, error: &Error) -> Response {
    if error.kind == ErrorKind::SignIn {
        let here = parts.uri.path_and_query().map_or("/", |here| here.as_str());
        return respond::see_other(&kernel::address::with_query("/sign-in", &[("next", here)]));
    }
    if error.kind == ErrorKind::Internal {
        tracing::error!(path = parts.uri.path(), error = error.message, cause = error.cause, "a page failed");
    }
    let title = match error.kind {
        ErrorKind::NotFound => "Not found",
        ErrorKind::Denied => "Not allowed",
        ErrorKind::Unavailable => "Not possible right now",
        ErrorKind::Internal => "Something went wrong",
        _ => "That did not work",
    };
    let audience = frame_for(who, Audience::Console, app.kernel.now());
    let home = if audience == Audience::Console { "/" } else { "/portal" };
    let body = html! { (Empty::new(title, error.message.clone()).action(Button::link("Go home", home).primary())) };
    framed(app, parts, credentials, who, audience, respond::status(error.kind), &Content::new(title, body))
}

/// `GET /_panel/{name}/{kind}/{id}`: one panel, without a frame.
pub(crate) async fn panel(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        let who = Credentials::of(&parts).resolve(&app.kernel)?;
        let (markup, later) = in_page(app, &parts, &who, "/_panel/{name}/{kind}/{id}", |page| {
            let name = page.path.get("name").cloned().unwrap_or_default();
            let panel =
                app.slots.iter().find(|panel| panel.name == name).ok_or_else(|| Error::not_found("This panel"))?;
            let kind = page
                .path
                .get("kind")
                .filter(|kind| kind.as_str() == panel.about)
                .ok_or_else(|| Error::not_found("This panel"))?;
            let subject: Ref = format!("{kind}:{}", page.id("id")?).parse()?;
            page.cx.reach(panel.grant)?;
            let known = page.cx.kernel.registry().noun(panel.about).is_none()
                || page.cx.resolve(std::slice::from_ref(&subject))?.contains_key(&subject);
            if !known {
                return Err(Error::not_found(subject));
            }
            Ok(panel.draw(page, &subject))
        })?;
        Ok(respond::page(StatusCode::OK, later.fill(markup, &app.kernel)))
    });
    done.await
        .unwrap_or_else(|error| respond::page(respond::status(error.kind), web::ui::notice(Tone::Warn, &error.message)))
}

/// Everything that is no page.
pub(crate) async fn not_found(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        let credentials = Credentials::of(&parts);
        let who = credentials.resolve(&app.kernel)?;
        let error = if who.actor.user().is_none() { Error::sign_in() } else { Error::not_found("This page") };
        Ok(failed(app, &parts, &credentials, &who, &error))
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

/// A message for the next page.
pub(crate) fn flash_of(tone: Tone, text: &str) -> Flash {
    if tone == Tone::Ok { Flash::done(text) } else { Flash::failed(text) }
}

/// A small page without navigation: sign-in and set-up.
pub(crate) fn bare(credentials: &Credentials, status: StatusCode, title: &str, wide: bool, body: &Markup) -> Response {
    let shell = Shell { title, theme: credentials.theme, density: credentials.density, ..Shell::default() };
    respond::page(status, if wide { shell::bare_wide(&shell, body) } else { shell::bare(&shell, body) })
}
