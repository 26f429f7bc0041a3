//! Ctrl K: places, commands, direct jumps, then what the server finds.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use kernel::{Effect, Ref, Result};
use serde_json::{Value, json};

use crate::session::Credentials;
use crate::{Shared, door, form_page, pages, respond};

/// Entries of one answer.
const ITEMS_MAX: usize = 20;

/// `GET /_palette?q=..`
pub(crate) async fn search(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let done = app.blocking(move |app| {
        let who = Credentials::of(&parts).resolve(&app.kernel)?;
        if who.actor.user().is_none() {
            return Err(kernel::Error::sign_in());
        }
        let query = door::query(&parts);
        let text = query.iter().find(|(key, _)| key == "q").map_or("", |(_, value)| value.trim()).to_owned();
        let (items, _) = pages::in_page(app, &parts, &who, "/_palette", |page| {
            let mut items = Vec::new();
            if !text.is_empty() && !text.starts_with('>') {
                jump(page.cx, &text, &mut items)?;
                found(page.cx, &text, &mut items)?;
            }
            commands(app, page.cx, &text, &mut items);
            items.truncate(ITEMS_MAX);
            Ok(items)
        })?;
        Ok(respond::json(StatusCode::OK, &json!({ "items": items })))
    });
    done.await.unwrap_or_else(|error| respond::error(&error))
}

fn item(title: &str, hint: &str, href: &str, group: &str) -> Value {
    json!({ "title": title, "hint": hint, "href": href, "group": group, "tone": "" })
}

/// `#4821` and `ticket:4821` go straight there.
fn jump(cx: &mut kernel::Cx, text: &str, items: &mut Vec<Value>) -> Result<()> {
    let named = text.strip_prefix('#').map(|number| format!("ticket:{number}"));
    let Ok(subject) = named.as_deref().unwrap_or(text).parse::<Ref>() else { return Ok(()) };
    for (one, resolved) in cx.resolve(&[subject])? {
        items.push(item(&resolved.title, &one.to_string(), &resolved.href, "Go to"));
    }
    Ok(())
}

fn found(cx: &mut kernel::Cx, text: &str, items: &mut Vec<Value>) -> Result<()> {
    let (kind, words) = match text.chars().next() {
        Some('#') => (Some("ticket"), text.trim_start_matches('#')),
        Some('@') => (Some("user"), text.trim_start_matches('@')),
        _ => (None, text),
    };
    let kinds: Vec<&str> = kind.into_iter().collect();
    let hits = cx.search(words, &kinds, ITEMS_MAX)?;
    let refs: Vec<Ref> = hits.iter().map(|hit| hit.subject.clone()).collect();
    let resolved = cx.resolve(&refs)?;
    for one in &refs {
        if let Some(resolved) = resolved.get(one) {
            items.push(item(&resolved.title, &one.to_string(), &resolved.href, "Found"));
        }
    }
    Ok(())
}

/// Operations by their words: every operation has a form.
fn commands(app: &Shared, cx: &kernel::Cx, text: &str, items: &mut Vec<Value>) {
    let words: Vec<String> = text.trim_start_matches('>').split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() && !text.starts_with('>') {
        return;
    }
    for entry in app
        .kernel
        .registry()
        .operations()
        .filter(|entry| entry.effect != Effect::Read && entry.access == kernel::Access::Grant && cx.may(entry.name))
    {
        let title = form_page::title(entry);
        let haystack = format!("{} {}", title.to_lowercase(), entry.name);
        if words.iter().all(|word| haystack.contains(word)) {
            items.push(item(&title, entry.summary(), &format!("/do/{}", entry.name), "Commands"));
        }
    }
}
