//! Taking samples by scraping: 100 targets of 1,000 series every 15 s for 15 minutes (every 5 s for 40 s when it must be
//! quick). The exporters are threads of this process; only the scraper's time counts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::{Error, Result};
use serde_json::json;

use crate::Run;
use crate::engine::{Engine, mb};
use crate::mix::Fleet;
use crate::process::{pause, until};
use crate::report::Report;

/// Stack of a thread that answers one scraper's connection.
const STACK_BYTES: usize = 256 << 10;

pub(super) fn measure(run: &Run, report: &mut Report, targets: usize, devices: [usize; 10]) -> Result<()> {
    let (interval_s, rounds) = if run.quick { (5, 8) } else { (15, 60) };
    let scratch = run.scratch()?;
    report.datum("scrape_interval_s", interval_s);
    let exporters = Exporters::start(targets, devices)?;
    let groups: Vec<_> = (0..targets)
        .map(|target| {
            let labels = json!({ "__metrics_path__": format!("/{target}"), "instance": crate::mix::host(target) });
            json!({ "targets": [exporters.address], "labels": labels })
        })
        .collect();
    let own = Engine::mainstay(run, &scratch.path().join("data"))?;
    own.scrape(&json!({ "name": "node", "groups": groups, "interval_s": interval_s, "timeout_s": interval_s }))?;
    let (cpu_us, rss_mb) = exporters.watch(&own, interval_s, rounds, targets)?;
    report.figure("scrape_cpu_us_per_sample", cpu_us);
    report.figure("scrape_rss_mb", rss_mb);
    drop(own);
    let jobs = json!([{ "job_name": "node", "static_configs": groups }]);
    let config =
        format!("global: {{scrape_interval: {interval_s}s, scrape_timeout: {interval_s}s}}\nscrape_configs: {jobs}\n");
    let Some(peer) = Engine::scraping(&scratch.path().join("prometheus"), &config)? else { return Ok(()) };
    let (peer_us, peer_mb) = exporters.watch(&peer, interval_s, rounds, targets)?;
    report.figure("scrape_cpu_us_per_sample_prometheus", peer_us);
    report.figure("scrape_rss_mb_prometheus", peer_mb);
    report.figure("scrape_cpu_share", cpu_us / peer_us);
    report.figure("scrape_rss_share", rss_mb / peer_mb);
    Ok(())
}

/// What answers to scrapes: one address, a path for each target.
struct Exporters {
    address: String,
    served: Arc<Served>,
}

struct Served {
    fleet: Mutex<Fleet>,
    samples: AtomicUsize,
    pages: AtomicUsize,
}

impl Exporters {
    fn start(targets: usize, devices: [usize; 10]) -> Result<Self> {
        let failed = |error| Error::unavailable(format!("The exporters cannot listen: {error}."));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?.to_string();
        let fleet = Mutex::new(Fleet::new(targets, devices));
        let served = Arc::new(Served { fleet, samples: AtomicUsize::new(0), pages: AtomicUsize::new(0) });
        let inside = served.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = inside.clone();
                let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
                // A scraper whose connection nobody serves asks again; a scraper that went away is no fault.
                drop(thread.spawn(move || drop(answer(&served, stream))));
            }
        });
        Ok(Self { address, served })
    }

    /// Processor time of a sample and the most memory, once every target has been scraped for the first time.
    fn watch(&self, engine: &Engine, interval_s: u64, rounds: u64, targets: usize) -> Result<(f64, f64)> {
        let pages = || self.served.pages.load(Ordering::SeqCst);
        let first = pages() + 2 * targets;
        let patience = Duration::from_secs(20 + 4 * interval_s);
        until("The first scrape of every target", patience, Duration::from_millis(200), || {
            (pages() >= first).then_some(())
        })?;
        let (cpu, samples) = (engine.cpu(), self.served.samples.load(Ordering::SeqCst));
        pause(Duration::from_secs(interval_s * rounds));
        let samples = self.served.samples.load(Ordering::SeqCst) - samples;
        let cpu_us = (engine.cpu() - cpu).as_secs_f64() * 1e6 / samples.max(1) as f64;
        Ok((cpu_us, mb(engine.memory().peak)))
    }
}

fn answer(served: &Served, mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut page) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let target = line.split([' ', '/']).find_map(|word| word.parse::<usize>().ok()).unwrap_or(0);
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
        }
        let samples = served.fleet.lock().unwrap_or_else(PoisonError::into_inner).page(target, &mut page);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length";
        stream.write_all(format!("{head}: {}\r\n\r\n", page.len()).as_bytes())?;
        stream.write_all(page.as_bytes())?;
        served.samples.fetch_add(samples, Ordering::SeqCst);
        served.pages.fetch_add(1, Ordering::SeqCst);
    }
}
