//! Starting a server: lock the folder, open the kernel, bind, serve, stop in order. `up`, `serve` and tests share it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use kernel::db::{Options, Source};
use kernel::{Clock, Error, Handle, Kernel, KernelSettings, Result};
use serde::Deserialize;
use server::{App, Listening, Ports};
use tokio::sync::watch;

use crate::domains;
use crate::folder::Folder;

/// What a server is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// The master key file; default: beside the data folder.
    pub key_file: Option<PathBuf>,
    /// `sqlite`, or a PostgreSQL connection string.
    pub database: String,
    /// The schema used on PostgreSQL.
    pub schema: String,
    /// The console.
    pub listen: SocketAddr,
    /// The agents' port.
    pub agents: SocketAddr,
    /// The folder of files with targets for scraping; default: `targets` in the data folder.
    pub target_files: Option<PathBuf>,
    /// Further host names the console answers to, for a TLS proxy in front of it.
    pub hosts: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "mainstay-data".into(),
            key_file: None,
            database: "sqlite".into(),
            schema: "mainstay".into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 7300)),
            agents: SocketAddr::from(([127, 0, 0, 1], 7301)),
            target_files: None,
            hosts: Vec::new(),
        }
    }
}

impl Config {
    /// Reads a TOML file; an unknown key is an error with its line.
    pub fn read(path: &std::path::Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::unavailable(format!("The configuration {} cannot be read: {error}.", path.display()))
        })?;
        toml::from_str(&text).map_err(|error| Error::invalid("config", format!("{}: {error}", path.display())))
    }

    /// The paths.
    pub fn folder(&self) -> Folder {
        Folder::new(&self.data, self.key_file.as_deref())
    }

    /// The database.
    pub fn source(&self) -> Source {
        match self.database.as_str() {
            "sqlite" => Source::Sqlite(self.folder().database()),
            url => Source::Postgres(url.to_owned(), self.schema.clone()),
        }
    }
}

/// A server that is bound but does not serve yet.
pub struct Started {
    /// The kernel.
    pub kernel: Handle,
    /// The application.
    pub app: Arc<App>,
    /// Its listeners.
    pub listening: Listening,
    /// The paths.
    pub folder: Folder,
}

/// Opens the kernel without listening: for `server` commands that work on the folder.
pub fn open(config: &Config) -> Result<(Handle, server::Site)> {
    let folder = config.folder();
    kernel::lock::make_folder(&folder.data)?;
    let (domains, site) = domains::split();
    let settings = KernelSettings {
        source: config.source(),
        options: Options::default(),
        data: folder.data.clone(),
        key_file: folder.key_file,
        clock: Clock::System,
        domains,
    };
    let kernel = Kernel::open(settings)?;
    if let Some(folder) = &config.target_files {
        kernel.put(Arc::new(monitor::scrape::TargetFolder(folder.clone())));
    }
    Ok((kernel, site))
}

/// Opens and binds everything.
pub async fn start(config: &Config) -> Result<Started> {
    let opened = config.clone();
    let panicked = |error| Error::internal("start-panicked", error);
    let (kernel, site) = tokio::task::spawn_blocking(move || open(&opened)).await.map_err(panicked)??;
    let folder = config.folder();
    let inside = kernel.clone();
    let tls = tokio::task::spawn_blocking(move || fleet::keys::tls_config(&inside)).await.map_err(panicked)??;
    let ports = Ports { console: config.listen, agents: config.agents, socket: folder.socket(), tls: Arc::new(tls) };
    let listening = server::bind(&ports).await?;
    let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "[::1]", "mainstay"].map(str::to_owned).to_vec();
    hosts.extend(config.hosts.iter().cloned());
    let app = App::new(kernel.clone(), site, hosts);
    kernel.start()?;
    Ok(Started { kernel, app, listening, folder })
}

impl Started {
    /// Serves until `stop` turns true, then stops everything in order.
    pub async fn serve(self, stop: watch::Receiver<bool>) {
        let Self { kernel, app, listening, folder } = self;
        listening.serve(app, stop).await;
        let stopped = tokio::task::spawn_blocking(move || kernel.shut_down()).await;
        if let Err(error) = stopped {
            tracing::error!(%error, "the kernel did not stop in order");
        }
        drop(std::fs::remove_file(folder.socket()));
    }
}

/// A receiver that turns true on SIGINT or SIGTERM.
pub fn until_signal() -> Result<watch::Receiver<bool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| Error::internal("signal-handler", error);
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt()).map_err(failed)?, signal(SignalKind::terminate()).map_err(failed)?);
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        sender.send_replace(true);
        // Kept so that receivers see the value and not a closed channel.
        std::future::pending::<()>().await;
        drop(sender);
    });
    Ok(receiver)
}
