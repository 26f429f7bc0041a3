//! Reads an answer: its head, and its body in whatever framing, within limits.

use std::time::Instant;

use super::super::answer::{Head, parse_head};
use super::stream::{Broken, Stream};
use super::{Ask, Failure};

/// Most bytes of status line and header lines.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// Bytes that are read at a time.
const READ_BYTES: usize = 64 << 10;
/// Longest line between two chunks of a body.
const CHUNK_LINE_BYTES_MAX: usize = 1 << 10;

/// Memory for reading, one for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

impl Scratch {
    /// Nothing of an earlier answer is left.
    pub(super) fn clear(&mut self) {
        (self.from, self.to) = (0, 0);
    }

    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.from..self.to).unwrap_or_default()
    }

    fn take(&mut self, count: usize) {
        self.from = (self.from + count).min(self.to);
    }
}

/// Reads what there is; 0 at the end.
fn fill(stream: &mut Stream, deadline: Instant, scratch: &mut Scratch) -> Result<usize, Broken> {
    if scratch.bytes.len() < READ_BYTES {
        scratch.bytes.resize(READ_BYTES, 0);
    }
    if scratch.from > 0 {
        scratch.bytes.copy_within(scratch.from..scratch.to, 0);
        (scratch.from, scratch.to) = (0, scratch.to - scratch.from);
    }
    let room = scratch.bytes.get_mut(scratch.to..).unwrap_or_default();
    let read = stream.read(room, deadline)?;
    scratch.to += read;
    Ok(read)
}

pub(super) fn read_head(stream: &mut Stream, deadline: Instant, scratch: &mut Scratch) -> Result<Head, Broken> {
    let mut heard = false;
    loop {
        let end = scratch.waiting().windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = parse_head(scratch.waiting().get(..end).unwrap_or_default()).map_err(Failure::new)?;
            scratch.take(end + 4);
            // 1xx are words in between.
            if head.status >= 200 {
                return Ok(head);
            }
            continue;
        }
        if scratch.waiting().len() >= HEAD_BYTES_MAX {
            return Err(Failure::new(format!("the answer's header is longer than {HEAD_BYTES_MAX} bytes")).into());
        }
        match fill(stream, deadline, scratch) {
            Ok(0) if heard => return Err(Failure::new("the answer broke off in its header").into()),
            Ok(0) => return Err(Broken::Unheard),
            Ok(_) => heard = true,
            Err(Broken::Failed(failure)) if !heard && !failure.slow => return Err(Broken::Unheard),
            Err(broken) => return Err(broken),
        }
    }
}

fn too_large(ask: &Ask<'_>) -> Broken {
    Failure::new(format!("the answer is larger than {} bytes, the most that may be", ask.body_bytes_max)).into()
}

/// Moves `count` bytes of the answer into the body.
pub(super) fn move_on(
    stream: &mut Stream,
    mut count: usize,
    ask: &Ask<'_>,
    scratch: &mut Scratch,
    body: &mut Vec<u8>,
) -> Result<(), Broken> {
    if body.len().saturating_add(count) > ask.body_bytes_max {
        return Err(too_large(ask));
    }
    while count > 0 {
        if scratch.waiting().is_empty() && fill(stream, ask.deadline, scratch)? == 0 {
            return Err(Failure::new("the answer broke off in its body").into());
        }
        let piece = scratch.waiting();
        let piece = piece.get(..count).unwrap_or(piece);
        body.extend_from_slice(piece);
        let moved = piece.len();
        scratch.take(moved);
        count -= moved;
    }
    Ok(())
}

pub(super) fn read_to_end(
    stream: &mut Stream,
    ask: &Ask<'_>,
    scratch: &mut Scratch,
    body: &mut Vec<u8>,
) -> Result<(), Broken> {
    loop {
        let waiting = scratch.waiting().len();
        move_on(stream, waiting, ask, scratch, body)?;
        if fill(stream, ask.deadline, scratch)? == 0 {
            return Ok(());
        }
    }
}

pub(super) fn read_chunks(
    stream: &mut Stream,
    ask: &Ask<'_>,
    scratch: &mut Scratch,
    body: &mut Vec<u8>,
) -> Result<(), Broken> {
    loop {
        let size = chunk_line(stream, ask.deadline, scratch, |line| {
            let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
            let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
            usize::from_str_radix(digits, 16).ok()
        })?;
        if size == 0 {
            break;
        }
        move_on(stream, size, ask, scratch, body)?;
        chunk_line(stream, ask.deadline, scratch, |line| line.is_empty().then_some(()))?;
    }
    // Trailers, of which nothing is needed, up to the empty line.
    let mut bytes = 0;
    while !chunk_line(stream, ask.deadline, scratch, |line| {
        bytes += line.len();
        (bytes <= HEAD_BYTES_MAX).then_some(line.is_empty())
    })? {}
    Ok(())
}

/// Reads one line of the framing.
fn chunk_line<T>(
    stream: &mut Stream,
    deadline: Instant,
    scratch: &mut Scratch,
    mut read: impl FnMut(&[u8]) -> Option<T>,
) -> Result<T, Broken> {
    let wrong = || Broken::from(Failure::new("the chunks of the answer are damaged"));
    loop {
        if let Some(end) = scratch.waiting().windows(2).position(|two| two == b"\r\n") {
            let read = read(scratch.waiting().get(..end).unwrap_or_default());
            scratch.take(end + 2);
            return read.ok_or_else(wrong);
        }
        if scratch.waiting().len() > CHUNK_LINE_BYTES_MAX {
            return Err(wrong());
        }
        if fill(stream, deadline, scratch)? == 0 {
            return Err(Failure::new("the answer broke off in its body").into());
        }
    }
}
