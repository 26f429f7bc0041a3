//! Little HTTP servers that answer to scrapes, well or badly, on threads of their own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What a request was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<String>,
}

type Answer = Box<dyn Fn(&Request, &mut TcpStream) -> bool + Send + Sync>;

struct Shared {
    answer: Mutex<Arc<Answer>>,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
}

/// A server on a port of its own; it goes on until the test ends.
pub(crate) struct Exporter {
    pub(crate) address: String,
    shared: Arc<Shared>,
}

impl Exporter {
    /// Answers with what `answer` writes; true when the connection stays open.
    pub(crate) fn new(answer: impl Fn(&Request, &mut TcpStream) -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer: Answer = Box::new(answer);
        let shared = Arc::new(Shared {
            answer: Mutex::new(Arc::new(answer)),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let inside = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = inside.clone();
                std::thread::spawn(move || serve(&shared, stream));
            }
        });
        Self { address, shared }
    }

    /// Answers with a page of metrics.
    pub(crate) fn page(text: &str) -> Self {
        let exporter = Self::new(|_, _| false);
        exporter.says(text);
        exporter
    }

    /// From now on answers with this page.
    pub(crate) fn says(&self, text: &str) {
        let text = text.to_owned();
        self.does(move |_, stream| {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length";
            stream.write_all(format!("{head}: {}\r\n\r\n{text}", text.len()).as_bytes()).is_ok()
        });
    }

    /// From now on answers so.
    pub(crate) fn does(&self, answer: impl Fn(&Request, &mut TcpStream) -> bool + Send + Sync + 'static) {
        *self.shared.answer.lock().unwrap() = Arc::new(Box::new(answer));
    }

    /// From now on answers with these bytes, and closes.
    pub(crate) fn sends(&self, bytes: Vec<u8>) {
        self.does(move |_, stream| {
            stream.write_all(&bytes).ok();
            false
        });
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

fn serve(shared: &Shared, stream: TcpStream) {
    shared.connections.fetch_add(1, Ordering::SeqCst);
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line == "\r\n" => break,
                Ok(_) => lines.push(line.trim_end().to_owned()),
            }
        }
        let request = Request { line: lines.remove(0), headers: lines };
        shared.requests.lock().unwrap().push(request.clone());
        let answer = shared.answer.lock().unwrap().clone();
        if !answer(&request, &mut stream) {
            return;
        }
    }
}
