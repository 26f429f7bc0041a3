//! What every request needs: the kernel, the pages of all domains, and the limits of this process.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use kernel::{Error, Handle, Ref, Result};
use tokio::sync::{Semaphore, broadcast, watch};
use web::domain::{Create, Family, Figure, Place};
use web::page::{Door, Page, Panel, PanelSlot};

use crate::compress::Packed;
use crate::entrance::Entrance;
use crate::lanes::{Lane, Lanes};

/// Batches of changes an event stream may fall behind before its page is told to renew everything.
const LIVE_BACKLOG: usize = 256;

/// What people see of the domains.
#[derive(Default)]
pub struct Site {
    /// All pages.
    pub pages: Vec<Page>,
    /// Pages that a secret in their address opens.
    pub doors: Vec<Door>,
    /// All panels.
    pub panels: Vec<Panel>,
    /// The places of the navigation.
    pub nav: Vec<Place>,
    /// What "+ New" offers.
    pub creates: Vec<Create>,
    /// Figures that `/metrics` tells.
    pub figures: Vec<Figure>,
    /// Counters of the domains by labels, for `/metrics`.
    pub families: Vec<Family>,
}

/// The application.
pub struct App {
    pub(crate) kernel: Handle,
    pub(crate) site: Site,
    pub(crate) slots: Vec<PanelSlot>,
    pub(crate) live: broadcast::Sender<Arc<[Ref]>>,
    /// Names this console may be asked for in `Host`; empty accepts any.
    pub(crate) hosts: Vec<String>,
    /// Turns to check a password.
    pub(crate) sign_ins: Semaphore,
    /// Turns of requests with large bodies.
    pub(crate) large: Arc<Semaphore>,
    /// Who is on the way in at the agents' port.
    pub(crate) entrance: Arc<Entrance>,
    /// The description of REST, once somebody asked for it.
    pub(crate) openapi: OnceLock<Packed>,
    /// The gallery, once somebody asked for it.
    pub(crate) gallery: OnceLock<Packed>,
    /// True once the server stops: what would go on for ever ends.
    pub(crate) stopping: watch::Sender<bool>,
    /// When the application was made.
    pub(crate) since: Instant,
    lanes: Lanes,
}

impl App {
    /// An application over a kernel and the pages of its domains. `hosts` are the names requests may carry.
    pub fn new(kernel: Handle, site: Site, hosts: Vec<String>) -> Arc<Self> {
        let (live, _) = broadcast::channel(LIVE_BACKLOG);
        let sender = live.clone();
        // Nobody listening is no error.
        kernel.listen(Box::new(move |touched| drop(sender.send(Arc::from(touched)))));
        let slot = |panel: &Panel| PanelSlot {
            name: panel.name,
            about: panel.about,
            title: panel.title,
            place: panel.place,
            grant: panel.grant,
            render: panel.render,
        };
        let slots = site.panels.iter().map(slot).collect();
        let sign_ins = Semaphore::new(crate::source::SIGN_INS_AT_ONCE);
        let large = Arc::new(Semaphore::new(crate::door::LARGE_AT_ONCE));
        Arc::new(Self {
            kernel,
            site,
            slots,
            live,
            hosts,
            sign_ins,
            large,
            entrance: Arc::default(),
            openapi: OnceLock::new(),
            gallery: OnceLock::new(),
            stopping: watch::Sender::new(false),
            since: Instant::now(),
            lanes: Lanes::new(),
        })
    }

    /// The kernel.
    pub fn kernel(&self) -> &Handle {
        &self.kernel
    }

    /// Runs a person's database work away from the network threads.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.blocking_in(Lane::People, work).await
    }

    /// Runs database work away from the network threads, in the turns of a lane.
    pub(crate) async fn blocking_in<T: Send + 'static>(
        self: &Arc<Self>,
        lane: Lane,
        work: impl FnOnce(&Arc<Self>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.lanes.turn(lane).await?;
        let app = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&app)
        });
        done.await.unwrap_or_else(|error| Err(Error::internal("request-panicked", error)))
    }

    /// Starts no more database work and waits for what runs; false when it takes longer than `patience`.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        self.lanes.close(patience).await
    }
}
