//! Who is told: takes messages as a chat does, and counts them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kernel::{Error, Result};

/// A receiver that runs until this process ends.
pub(crate) struct Receiver {
    address: String,
    taken: Arc<AtomicUsize>,
}

impl Receiver {
    pub(crate) fn start() -> Result<Self> {
        let broken = |error: std::io::Error| Error::unavailable(format!("The receiver cannot be started: {error}."));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(broken)?;
        let address = listener.local_addr().map_err(broken)?.to_string();
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if take(&stream).is_ok() {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { address, taken })
    }

    /// Where messages go.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Messages that it took.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// Reads one request and says that it is taken.
fn take(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (mut reader, mut length) = (BufReader::new(stream), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    let mut out = stream;
    out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}
