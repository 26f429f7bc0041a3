//! A mail server with moods.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How a mail server treats who writes to it.
#[derive(Clone, Copy, Default)]
pub(crate) enum Mood {
    #[default]
    Takes,
    /// It answers so to whoever is named as the recipient.
    Refuses(&'static str),
    /// It answers so to recipients in whose address the first text is.
    RefusesOnly(&'static str, &'static str),
    /// It says nothing any more once it was told who writes.
    Hangs,
    /// It goes away in the middle of the letter.
    Drops,
}

/// A mail server that keeps what it takes, and counts who came.
pub(crate) struct Post {
    pub(crate) port: u16,
    pub(crate) got: Arc<Mutex<Vec<String>>>,
    mood: Arc<Mutex<Mood>>,
    came: Arc<Mutex<usize>>,
}

impl Post {
    pub(crate) fn new(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let post = Self { port, got: Arc::default(), mood: Arc::new(Mutex::new(mood)), came: Arc::default() };
        let (keeps, moods, counts) = (post.got.clone(), post.mood.clone(), post.came.clone());
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                *counts.lock().unwrap() += 1;
                let mood = *moods.lock().unwrap();
                silent.extend(serve(stream, mood, &keeps).unwrap_or_default());
            }
        });
        post
    }

    pub(crate) fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How often somebody came.
    pub(crate) fn came(&self) -> usize {
        *self.came.lock().unwrap()
    }

    /// To whom it took letters, in order.
    pub(crate) fn to(&self) -> Vec<String> {
        let got = self.got.lock().unwrap();
        let to = |mail: &String| mail.lines().find_map(|line| line.strip_prefix("To: ")).unwrap().to_owned();
        got.iter().map(to).collect()
    }
}

/// Serves one who came; answers the connection that is to stay open without a word.
fn serve(stream: TcpStream, mood: Mood, keeps: &Mutex<Vec<String>>) -> std::io::Result<Option<TcpStream>> {
    let mut reader = BufReader::new(stream);
    reader.get_mut().write_all(b"220 post\r\n")?;
    let (mut line, mut text, mut inside) = (String::new(), String::new(), false);
    while reader.read_line(&mut line)? > 0 {
        let word = line.trim_end().to_uppercase();
        let reply = if inside {
            text.push_str(&line);
            match (line.as_str(), mood) {
                (_, Mood::Drops) => return Ok(None),
                (".\r\n", _) => {
                    inside = false;
                    keeps.lock().unwrap().push(std::mem::take(&mut text));
                    "250 taken"
                }
                _ => "",
            }
        } else if word.starts_with("MAIL") && matches!(mood, Mood::Hangs) {
            return Ok(Some(reader.into_inner()));
        } else if word.starts_with("RCPT") {
            match mood {
                Mood::Refuses(with) => with,
                Mood::RefusesOnly(whom, with) if line.contains(whom) => with,
                _ => "250 ok",
            }
        } else if word.starts_with("DATA") {
            inside = true;
            "354 go on"
        } else if word.starts_with("QUIT") {
            "221 bye"
        } else {
            "250 ok"
        };
        if !reply.is_empty() {
            reader.get_mut().write_all(format!("{reply}\r\n").as_bytes())?;
        }
        line.clear();
    }
    Ok(None)
}
