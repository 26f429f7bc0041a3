//! What every request needs: the kernel, the pages of all domains, and the limits of this process.

use std::sync::Arc;

use kernel::{Error, Handle, Ref, Result};
use tokio::sync::{Semaphore, broadcast};
use web::domain::{Create, Place};
use web::page::{Page, Panel, PanelSlot};

/// Calls that may use the database at once; more wait their turn.
const BLOCKING_MAX: usize = 64;
/// Batches of changes an event stream may fall behind before it is told to reload.
const LIVE_BACKLOG: usize = 256;

/// What people see of the domains.
#[derive(Default)]
pub struct Site {
    /// All pages.
    pub pages: Vec<Page>,
    /// All panels.
    pub panels: Vec<Panel>,
    /// The places of the navigation.
    pub nav: Vec<Place>,
    /// What "+ New" offers.
    pub creates: Vec<Create>,
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
    blocking: Arc<Semaphore>,
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
        let blocking = Arc::new(Semaphore::new(BLOCKING_MAX));
        let sign_ins = Semaphore::new(crate::source::SIGN_INS_AT_ONCE);
        let large = Arc::new(Semaphore::new(crate::door::LARGE_AT_ONCE));
        Arc::new(Self { kernel, site, slots, live, hosts, sign_ins, large, blocking })
    }

    /// The kernel.
    pub fn kernel(&self) -> &Handle {
        &self.kernel
    }

    /// Runs database work away from the network threads.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let stopping = || Error::unavailable("The server is stopping. Try again in a moment.");
        let permit = self.blocking.clone().acquire_owned().await.map_err(|_| stopping())?;
        let app = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&app)
        });
        done.await.unwrap_or_else(|error| Err(Error::internal("request-panicked", error)))
    }
}
