//! The tour's own small service: answers HTTP on loopback and nothing else. It exists to be killed.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use kernel::{Error, Result};

/// Where it listens.
pub const ADDRESS: &str = "127.0.0.1:7399";

/// Serves until the process ends.
pub fn run(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address)
        .map_err(|error| Error::unavailable(format!("The demo service cannot listen on {address}: {error}.")))?;
    for stream in listener.incoming().flatten() {
        // A broken peer is no reason to stop.
        drop(answer(stream));
    }
    Ok(())
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    let mut head = [0; 1024];
    let _ = stream.read(&mut head)?;
    let body = "The demo service is well.\n";
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
