//! Live updates: one event stream a page, which names what changed of what the page shows and its reader may see.
//!
//! A page says with `refs` what it shows; everything else costs it nothing. When changes were lost on the way (too many,
//! too fast, or the database did not answer) the stream says `lagged`, and the page renews everything.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use kernel::{Actor, Error, LiveList, Ref, Result};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::lanes::Lane;
use crate::session::Credentials;
use crate::{Shared, door, listen, respond};

/// From one sign of life to the next.
const TICK: Duration = Duration::from_secs(15);
/// Changes are gathered for so long before they are sent.
const GATHER: Duration = Duration::from_millis(200);
/// After a loss, changes are let pass for so long before the page renews everything.
const LOSS: Duration = Duration::from_secs(1);
/// What one page may ask for.
const REFS_MAX: usize = 500;
/// Changes that are told one by one.
const CHANGES_MAX: usize = 500;
/// Kinds that stand for no row of a noun and are told to everybody who is signed in.
const OPEN_KINDS: [&str; 1] = [LiveList::KIND];

/// What a page shows: single things, and kinds of which it shows a list.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    refs: BTreeSet<Ref>,
    kinds: BTreeSet<String>,
}

impl Shown {
    /// Reads `ticket:4 asset:12 list:ticket`.
    fn parse(text: &str) -> Result<Self> {
        let mut shown = Self::default();
        for word in text.split_whitespace() {
            match (word.parse(), word.strip_prefix("list:")) {
                (Ok(one), _) => drop(shown.refs.insert(one)),
                (Err(_), Some(kind)) => drop(shown.kinds.insert(kind.to_owned())),
                (Err(error), None) => return Err(error),
            }
        }
        if shown.refs.len() + shown.kinds.len() > REFS_MAX {
            let message = format!("More than {REFS_MAX} refs. Ask for \"list:KIND\" instead.");
            return Err(Error::over_limit(message));
        }
        Ok(shown)
    }

    fn has(&self, one: &Ref) -> bool {
        self.kinds.contains(one.kind.as_ref()) || self.refs.contains(one)
    }
}

/// What the stream heard.
enum Heard {
    Nothing,
    Changed(BTreeSet<Ref>),
    Loss,
    Stop,
}

struct Stream {
    app: Shared,
    credentials: Credentials,
    actor: Arc<Actor>,
    /// When the actor was last asked for.
    asked: Instant,
    /// When the last event was sent.
    told: Instant,
    shown: Shown,
    changes: Receiver<Arc<[Ref]>>,
    stopping: watch::Receiver<bool>,
}

/// `GET /_live?refs=..`
pub(crate) async fn stream(State(app): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let credentials = Credentials::of(&parts);
    let query = door::query(&parts);
    let refs = query.iter().find(|(key, _)| key == "refs").map_or("", |(_, refs)| refs.as_str());
    let (actor, shown) = match (reader(&app, &credentials).await, Shown::parse(refs)) {
        (Ok(actor), Ok(shown)) => (actor, shown),
        (Err(error), _) | (_, Err(error)) => return respond::error(&error),
    };
    let (changes, stopping, now) = (app.live.subscribe(), app.stopping.subscribe(), Instant::now());
    let state = Stream { app, credentials, actor, asked: now, told: now, shown, changes, stopping };
    let events = stream::unfold(state, |mut state| async move {
        let event = state.next().await?;
        Some((Ok::<_, Infallible>(event), state))
    });
    Sse::new(events).into_response()
}

/// Who reads: a person who is signed in now, with the grants they hold now.
async fn reader(app: &Shared, credentials: &Credentials) -> Result<Arc<Actor>> {
    let credentials = credentials.clone();
    let found = app.blocking_in(Lane::Live, move |app| credentials.still(&app.kernel)).await?;
    found.map(Arc::new).ok_or_else(Error::sign_in)
}

impl Stream {
    /// The next event; `None` when the reader is signed out or disabled, or the server stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let heard = self.hear().await;
            if matches!(heard, Heard::Stop) {
                return None;
            }
            if self.asked.elapsed() >= TICK {
                (self.actor, self.asked) = (reader(&self.app, &self.credentials).await.ok()?, Instant::now());
            }
            let event = match heard {
                Heard::Changed(refs) => match self.visible(refs).await {
                    Ok(visible) if visible.is_empty() => continue,
                    Ok(visible) => {
                        Event::default().event("changed").data(serde_json::Value::from(names(&visible)).to_string())
                    }
                    Err(_) => self.lagged().await,
                },
                Heard::Loss => self.lagged().await,
                Heard::Nothing | Heard::Stop => Event::default().event("tick").data(""),
            };
            self.told = Instant::now();
            return Some(event);
        }
    }

    /// Waits for changes of what the page shows; for nothing no longer than from tick to tick.
    async fn hear(&mut self) -> Heard {
        let tick = self.told + TICK;
        loop {
            let batch = tokio::select! {
                batch = self.changes.recv() => batch,
                () = tokio::time::sleep_until(tick) => return Heard::Nothing,
                () = listen::asked_to_stop(&mut self.stopping) => return Heard::Stop,
            };
            let mut refs = BTreeSet::new();
            match batch {
                Ok(touched) => self.keep(&touched, &mut refs),
                Err(RecvError::Lagged(_)) => return Heard::Loss,
                Err(RecvError::Closed) => return Heard::Stop,
            }
            if !refs.is_empty() {
                return self.gather(refs).await;
            }
        }
    }

    /// Adds what follows soon.
    async fn gather(&mut self, mut refs: BTreeSet<Ref>) -> Heard {
        tokio::time::sleep(GATHER).await;
        loop {
            match self.changes.try_recv() {
                Ok(touched) => self.keep(&touched, &mut refs),
                Err(TryRecvError::Lagged(_)) => return Heard::Loss,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if refs.len() > CHANGES_MAX { Heard::Loss } else { Heard::Changed(refs) }
    }

    fn keep(&self, touched: &[Ref], refs: &mut BTreeSet<Ref>) {
        refs.extend(touched.iter().filter(|one| self.shown.has(one)).cloned());
    }

    /// Of what changed, what this actor may see.
    async fn visible(&self, refs: BTreeSet<Ref>) -> Result<Vec<Ref>> {
        let actor = self.actor.clone();
        let refs: Vec<Ref> = refs.into_iter().collect();
        let open = |one: &Ref| OPEN_KINDS.contains(&one.kind.as_ref());
        if refs.iter().all(open) {
            return Ok(refs);
        }
        let resolve = move |app: &Shared| {
            let resolved = app.kernel.read_as(&actor, |cx| cx.resolve(&refs))?;
            Ok(refs.into_iter().filter(|one| open(one) || resolved.contains_key(one)).collect())
        };
        self.app.blocking_in(Lane::Live, resolve).await
    }

    /// "Renew everything": what happens until it is said needs no saying any more.
    async fn lagged(&mut self) -> Event {
        tokio::time::sleep(LOSS).await;
        self.changes = self.changes.resubscribe();
        Event::default().event("lagged").data("")
    }
}

/// The refs as text, and for each kind `list:<kind>`, so that lists renew.
fn names(visible: &[Ref]) -> Vec<String> {
    let lists: BTreeSet<String> = visible.iter().map(|one| format!("list:{}", one.kind)).collect();
    visible.iter().map(ToString::to_string).chain(lists).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_things_and_kinds_and_hears_of_nothing_else() {
        let shown = Shown::parse("ticket:4  list:asset list:2").unwrap();
        for (one, wanted) in [("ticket:4", true), ("ticket:5", false), ("asset:9", true), ("list:2", true)] {
            assert_eq!(shown.has(&one.parse().unwrap()), wanted, "{one}");
        }
        assert!(!Shown::parse("").unwrap().has(&Ref::new("ticket", 4)), "a page without live parts hears nothing");
    }

    #[test]
    fn what_is_no_ref_and_what_is_too_much_is_refused() {
        assert!(Shown::parse("nonsense").is_err());
        let many: Vec<String> = (1..=REFS_MAX + 1).map(|number| format!("ticket:{number}")).collect();
        assert_eq!(Shown::parse(&many.join(" ")).unwrap_err().kind, kernel::ErrorKind::OverLimit);
    }
}
