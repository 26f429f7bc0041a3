//! Live updates: one event stream a page, which names what changed and may be seen by its reader.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use kernel::{Actor, Error, Ref, Result};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::session::Credentials;
use crate::{Shared, respond};

/// From one sign of life to the next.
const TICK: Duration = Duration::from_secs(15);
/// Changes are gathered for so long before they are sent.
const GATHER: Duration = Duration::from_millis(200);
/// Kinds that stand for no row of a noun and are told to everybody who is signed in.
const OPEN_KINDS: [&str; 1] = ["list"];

struct Stream {
    app: Shared,
    credentials: Credentials,
    actor: Arc<Actor>,
    /// When the actor was last asked for.
    asked: Instant,
    changes: Receiver<Arc<[Ref]>>,
}

/// `GET /_live`
pub(crate) async fn stream(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let credentials = Credentials::of(&parts);
    let actor = match reader(&app, &credentials).await {
        Ok(actor) => actor,
        Err(error) => return respond::error(&error),
    };
    let changes = app.live.subscribe();
    let state = Stream { app, credentials, actor, asked: Instant::now(), changes };
    let events = stream::unfold(state, |mut state| async move {
        let event = state.next().await?;
        Some((Ok::<_, Infallible>(event), state))
    });
    Sse::new(events).into_response()
}

/// Who reads: a person who is signed in now, with the grants they hold now.
async fn reader(app: &Shared, credentials: &Credentials) -> Result<Arc<Actor>> {
    let credentials = credentials.clone();
    app.blocking(move |app| credentials.still(&app.kernel)).await?.map(Arc::new).ok_or_else(Error::sign_in)
}

impl Stream {
    /// The next event; `None` when the reader is signed out, disabled, or was too long away.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let first = tokio::time::timeout(TICK, self.changes.recv()).await;
            if self.asked.elapsed() >= TICK {
                (self.actor, self.asked) = (reader(&self.app, &self.credentials).await.ok()?, Instant::now());
            }
            let first = match first {
                Err(_) => return Some(Event::default().event("tick").data("")),
                Ok(first) => first,
            };
            let mut refs = BTreeSet::new();
            match first {
                Ok(touched) => refs.extend(touched.iter().cloned()),
                // The reader was too slow: everything may be out of date.
                Err(RecvError::Lagged(_)) => return Some(Event::default().event("lagged").data("")),
                Err(RecvError::Closed) => return std::future::pending().await,
            }
            tokio::time::sleep(GATHER).await;
            while let Ok(touched) = self.changes.try_recv() {
                refs.extend(touched.iter().cloned());
            }
            let actor = self.actor.clone();
            let visible = self.app.blocking(move |app| visible(app, &actor, refs)).await.unwrap_or_default();
            if !visible.is_empty() {
                let names = names(&visible);
                return Some(Event::default().event("changed").data(serde_json::Value::from(names).to_string()));
            }
        }
    }
}

/// The refs as text, and for each kind `list:<kind>`, so that lists renew.
fn names(visible: &[Ref]) -> Vec<String> {
    let lists: BTreeSet<String> = visible.iter().map(|one| format!("list:{}", one.kind)).collect();
    visible.iter().map(ToString::to_string).chain(lists).collect()
}

/// Of what changed, what this actor may see.
fn visible(app: &Shared, actor: &Actor, refs: BTreeSet<Ref>) -> Result<Vec<Ref>> {
    let refs: Vec<Ref> = refs.into_iter().take(500).collect();
    let resolved = app.kernel.read_as(actor, |cx| cx.resolve(&refs))?;
    let mut kept: Vec<Ref> =
        refs.into_iter().filter(|one| OPEN_KINDS.contains(&one.kind.as_ref()) || resolved.contains_key(one)).collect();
    kept.sort();
    Ok(kept)
}
