//! A small HTTP client: one request a connection, over the local socket or loopback. Asking in HTTP/1.0 makes the server
//! answer in one piece and close. And one that keeps its connection, as dashboards do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use kernel::{Error, Result};
use serde_json::Value;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where requests go.
pub(crate) enum Client {
    /// The local socket of a data folder.
    Socket(PathBuf),
    /// An address on loopback.
    Address(String),
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Client {
    fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        match self {
            Self::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(Box::new(stream))
            }
            Self::Address(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }

    /// The status and body of an answer.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<(u16, String)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(method, path, "application/json", body.as_bytes())
    }

    /// The same with a body of any type.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> std::io::Result<(u16, String)> {
        let mut stream = self.connect()?;
        let length = body.len();
        // In one piece: small services answer after the first.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: {content_type}\r\nMainstay-Confirm: yes\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), body].concat())?;
        stream.flush()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Ok((status, body.to_owned()))
    }

    /// The JSON of an operation's answer.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let lost = |error: std::io::Error| Error::unavailable(format!("{method} {path}: {error}"));
        let (status, text) = self.request(method, path, body).map_err(lost)?;
        if status != 200 {
            return Err(Error::unavailable(format!("{method} {path} answered {status}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| Error::internal("answer-not-json", error))
    }

    /// Reads an operation.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        self.call("GET", path, None)
    }

    /// Runs an operation that writes.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("POST", path, Some(body))
    }
}

/// Asks an address on loopback over a connection that is kept.
pub(crate) struct Kept {
    agent: ureq::Agent,
    address: String,
    authorization: Option<String>,
}

impl Kept {
    /// A client of an address with a port, and the token that it shows.
    pub(crate) fn new(address: &str, token: Option<&str>) -> Self {
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).proxy(None);
        let authorization = token.map(|token| format!("Bearer {token}"));
        Self { agent: config.build().new_agent(), address: address.to_owned(), authorization }
    }

    /// The JSON of an answer.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let lost = |error: &dyn std::fmt::Display| Error::unavailable(format!("GET {path}: {error}"));
        let mut request = self.agent.get(format!("http://{}{path}", self.address));
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let mut answer = request.call().map_err(|error| lost(&error))?;
        let status = answer.status();
        let mut text = String::new();
        answer.body_mut().as_reader().read_to_string(&mut text).map_err(|error| lost(&error))?;
        if status != 200 {
            return Err(lost(&format!("answered {status}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| Error::internal("answer-not-json", error))
    }
}
