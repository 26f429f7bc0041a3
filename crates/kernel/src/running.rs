//! The running kernel: the database, the registry, the clock, the background threads, and what domains keep in memory.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use crate::audit::Refusals;
use crate::cx::Cx;
use crate::db::{self, Db, Priority, Tx};
use crate::dispatch::{self, Answer, Call, Via, Woken};
use crate::error::{Error, Result};
use crate::job::worker;
use crate::limits;
use crate::permission::{Actor, Ident, Reach};
use crate::reference::Ref;
use crate::registry::{Domain, Registry};
use crate::relay;
use crate::time::{Clock, SECOND, Time};

/// A shared kernel.
pub type Handle = Arc<Kernel>;

/// Job threads.
const WORKERS: usize = 4;

/// How to open a kernel.
pub struct Settings {
    /// The database.
    pub source: db::Source,
    /// Its settings.
    pub options: db::Options,
    /// The folder for blobs, snapshots and what domains store beside the database.
    pub data: PathBuf,
    /// The master key file, outside of `data`.
    pub key_file: PathBuf,
    /// Where now comes from.
    pub clock: Clock,
    /// The domains, the kernel's own first.
    pub domains: Vec<Domain>,
}

/// Hears which things changed, after commit.
pub type Listener = Box<dyn Fn(&[Ref]) + Send + Sync>;

/// The running kernel.
pub struct Kernel {
    /// The database.
    pub db: Db,
    pub(crate) refusals: Refusals,
    pub(crate) clock: Clock,
    registry: Registry,
    random: SystemRandom,
    data: PathBuf,
    secrets: crate::secrets::Keys,
    extensions: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    listeners: RwLock<Vec<Listener>>,
    held: AtomicBool,
    stopping: AtomicBool,
    lock: Mutex<Option<crate::lock::DataLock>>,
    events: Bell,
    jobs: Bell,
    stop: Bell,
    threads: Mutex<Vec<JoinHandle<()>>>,
    down: Mutex<BTreeSet<&'static str>>,
    /// When what must go on turning last did; see `pulse.rs`.
    pub(crate) beats: Mutex<BTreeMap<&'static str, Time>>,
    /// What turns and cannot be trusted; see `pulse.rs`.
    pub(crate) doubts: Mutex<crate::pulse::Doubts>,
}

/// Wakes a waiting thread; a ring that nobody waits for is kept.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    wake: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_all();
    }

    fn wait(&self, at_most: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut rung, _) =
            self.wake.wait_timeout_while(rung, at_most, |rung| !*rung).unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }
}

impl Kernel {
    /// Opens the database, brings it up to date, and lets the domains start. Background threads are a separate step.
    pub fn open(settings: Settings) -> Result<Handle> {
        let Settings { source, options, data, key_file, clock, domains } = settings;
        crate::lock::make_folder(&data)?;
        let lock = crate::lock::DataLock::take(&data)?;
        let registry = Registry::new(domains)?;
        let db = Db::open(&source, &options)?;
        let now = clock.now();
        let migrations: Vec<_> = registry.domains().iter().map(|domain| (domain.name, domain.migrations)).collect();
        let snapshot = || snapshot(&db, &data, now);
        let migrated = db.migrate(&migrations, env!("CARGO_PKG_VERSION"), now, &snapshot)?;
        for one in &migrated.applied {
            tracing::debug!(migration = one, "applied");
        }
        let sealed = db.read(crate::secrets::any)?;
        let secrets = crate::secrets::Keys::open(&key_file, !sealed)?;
        let held = db.read(crate::meta::held)?;
        let kernel = Arc::new(Self {
            db,
            refusals: Refusals::default(),
            clock,
            registry,
            random: SystemRandom::new(),
            data,
            secrets,
            extensions: RwLock::default(),
            listeners: RwLock::default(),
            held: AtomicBool::new(held),
            stopping: AtomicBool::new(false),
            lock: Mutex::new(Some(lock)),
            events: Bell::default(),
            jobs: Bell::default(),
            stop: Bell::default(),
            threads: Mutex::default(),
            down: Mutex::default(),
            beats: Mutex::default(),
            doubts: Mutex::default(),
        });
        relay::prepare(&kernel)?;
        for domain in kernel.registry.domains() {
            if let Some(start) = domain.start {
                start(&kernel)?;
            }
        }
        Ok(kernel)
    }

    /// Starts relay, job workers and the domains' own loops.
    pub fn start(self: &Arc<Self>) -> Result<()> {
        self.spawn("relay", |kernel| {
            while !kernel.stopping() {
                match relay::round(&kernel) {
                    // Under load a round after every commit would cost more than the commit.
                    Ok(true) => drop(kernel.wait(limits::RELAY_PAUSE)),
                    Ok(false) => kernel.events.wait(Duration::from_secs(1)),
                    Err(error) => kernel.pause_after("relay", &error),
                }
            }
        })?;
        for number in 0..WORKERS {
            self.spawn("jobs", move |kernel| {
                let mut looked = Time(0);
                while !kernel.stopping() {
                    if number == 0 && kernel.now().since(looked) >= SECOND {
                        looked = kernel.now();
                        if let Err(error) = worker::schedules(&kernel) {
                            kernel.pause_after("schedules", &error);
                        }
                    }
                    match worker::step(&kernel) {
                        Ok(true) => {}
                        Ok(false) => kernel.jobs.wait(Duration::from_secs(1)),
                        Err(error) => kernel.pause_after("jobs", &error),
                    }
                }
            })?;
        }
        for service in self.registry.domains().iter().flat_map(|domain| &domain.services) {
            let run = service.run;
            self.spawn(service.name, run)?;
        }
        Ok(())
    }

    fn spawn(self: &Arc<Self>, name: &'static str, run: impl Fn(Handle) + Send + 'static) -> Result<()> {
        let kernel = self.clone();
        let thread = std::thread::Builder::new()
            .name(name.chars().take(15).collect())
            .spawn(move || kernel.keep_running(name, &run))
            .map_err(|error| Error::internal("thread", error))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// Runs a loop until it returns. One that panics begins again after a pause, which grows to a minute.
    fn keep_running(self: &Arc<Self>, name: &'static str, run: &dyn Fn(Handle)) {
        let mut pause = Duration::from_secs(1);
        while catch_unwind(AssertUnwindSafe(|| run(self.clone()))).is_err() {
            tracing::error!(thread = name, "background work panicked; it begins again after a pause");
            self.down.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
            if !self.wait(pause) {
                return;
            }
            self.down.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
            pause = (pause * 2).min(Duration::from_secs(60));
        }
    }

    /// Background work that panicked and has not begun again yet, by name.
    pub fn down(&self) -> Vec<&'static str> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    fn pause_after(&self, what: &str, error: &Error) {
        tracing::error!(what, error = error.message, cause = error.cause, "background work failed; trying again");
        self.wait(Duration::from_secs(1));
    }

    /// Asks everything to stop and waits for it; the data folder is free for another process then.
    pub fn shut_down(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for bell in [&self.events, &self.jobs, &self.stop] {
            bell.ring();
        }
        let threads: Vec<_> = self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        for thread in threads {
            let _ = thread.join();
        }
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// True once the server is asked to stop.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Waits, but not beyond the request to stop; answers whether to go on.
    pub fn wait(&self, time: Duration) -> bool {
        let rung = self.stop.rung.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.stop.wake.wait_timeout_while(rung, time, |_| !self.stopping()));
        !self.stopping()
    }

    /// Runs events and jobs on this thread until nothing is left to do now: for tests and for tools that end at once.
    pub fn settle(self: &Arc<Self>) -> Result<()> {
        loop {
            let mut busy = false;
            while relay::round(self)? {
                busy = true;
            }
            while worker::step(self)? {
                busy = true;
            }
            if !busy {
                return Ok(());
            }
        }
    }

    /// Queues what schedules say is due; `start` does this by itself.
    pub fn run_schedules(self: &Arc<Self>) -> Result<usize> {
        worker::schedules(self)
    }

    /// Runs a call: the one door to every operation.
    pub fn dispatch(self: &Arc<Self>, call: Call) -> Result<Answer> {
        dispatch::dispatch(self, call)
    }

    /// How far an actor's grant for an operation reaches, for what is asked outside of it under its name.
    ///
    /// # Errors
    /// Nobody is signed in, or there is no such grant; audit keeps a row of it.
    pub fn reach(self: &Arc<Self>, actor: &Actor, operation: &'static str, via: dispatch::Via) -> Result<Reach> {
        dispatch::reach(self, actor, operation, via)
    }

    /// Reads as an actor: pages and panels.
    pub fn read_as<T>(&self, actor: &Actor, work: impl FnOnce(&mut Cx) -> Result<T>) -> Result<T> {
        let now = self.now();
        self.db.read(|tx| work(&mut Cx::new(tx, self, actor, now, false)))
    }

    /// Writes as an actor outside of an operation, recorded in audit under `name`: for jobs and agent messages.
    pub fn write_as<T, F>(self: &Arc<Self>, actor: Actor, name: &'static str, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Cx) -> Result<T> + Send + 'static,
    {
        let inside = self.clone();
        let now = self.now();
        let (output, woken) = self.db.write(name, Priority::Background, move |tx| {
            dispatch::act(&inside, tx, &actor, name, Via::Job, now, &mut work)
        })?;
        self.committed(&woken);
        Ok(output)
    }

    /// The actor of an identity, with grants as they are now.
    pub fn actor(&self, tx: &mut Tx<'_>, ident: &Ident) -> Result<Actor> {
        match (ident, self.registry.actors()) {
            (Ident::Os(login), _) => Ok(Actor::os(login)),
            (_, Some(source)) => source(tx, ident, self.now()),
            (_, None) => Ok(Actor::nobody()),
        }
    }

    pub(crate) fn committed(&self, woken: &Woken) {
        if woken.events {
            self.events.ring();
        }
        if woken.jobs {
            self.jobs.ring();
        }
        if !woken.touched.is_empty() {
            self.tell(&woken.touched);
        }
    }

    /// Tells open pages that something they show is out of date, outside of a transaction: for what is kept in memory.
    pub fn tell(&self, touched: &[Ref]) {
        for listener in self.listeners.read().unwrap_or_else(PoisonError::into_inner).iter() {
            listener(touched);
        }
    }

    /// Calls `listener` with what changed after every commit; it must not block.
    pub fn listen(&self, listener: Listener) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// The declarations.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The keys that seal secrets.
    pub(crate) fn keys(&self) -> &crate::secrets::Keys {
        &self.secrets
    }

    /// Random bytes from the operating system.
    pub fn random<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.random
            .fill(&mut bytes)
            .map_err(|_| Error::internal("no-random-bytes", "the operating system gave none"))?;
        Ok(bytes)
    }

    /// True while a restored database waits for `release-held`: jobs and mail stand still.
    pub fn held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }

    /// Lets held jobs and mail go; audit says who did.
    pub fn release_held(self: &Arc<Self>, actor: Actor) -> Result<()> {
        let (inside, now, name) = (self.clone(), self.now(), "kernel.release-held");
        self.db.write(name, Priority::Interactive, move |tx| {
            dispatch::act(&inside, tx, &actor, name, Via::Cli, now, &mut |cx| {
                let held = crate::meta::held(cx.tx)?;
                cx.changed(&Ref::new("server", 1), "held", held, false)?;
                crate::meta::set_held(cx.tx, false)
            })
        })?;
        self.held.store(false, Ordering::SeqCst);
        self.jobs.ring();
        Ok(())
    }

    /// Keeps something in memory for as long as the server runs, one value a type.
    pub fn put<T: Any + Send + Sync>(&self, value: Arc<T>) {
        self.extensions.write().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<T>(), value);
    }

    /// What was kept.
    pub fn get<T: Any + Send + Sync>(&self) -> Result<Arc<T>> {
        let found = self.extensions.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()).cloned();
        found
            .and_then(|value| value.downcast().ok())
            .ok_or_else(|| Error::internal("extension-missing", std::any::type_name::<T>()))
    }
}

/// A copy of the database before a migration changes it.
fn snapshot(db: &Db, data: &Path, now: Time) -> Result<()> {
    let folder = data.join("snapshots");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Error::unavailable(format!("The folder {} cannot be made: {error}.", folder.display())))?;
    let path = folder.join(format!("before-migration-{}.db", now.0));
    if db.copy_to(&path)? {
        tracing::info!(path = %path.display(), "kept a snapshot before changing the tables");
    } else {
        tracing::warn!("PostgreSQL is migrated without a snapshot of ours; its own backups are the way back");
    }
    Ok(())
}
