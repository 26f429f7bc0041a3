//! The tail of a program's output: the last bytes are the ones that say why it failed.

use std::collections::VecDeque;

use agent_proto::limits::OUTPUT_BYTES_MAX;

use crate::pair::Outcome;

pub(crate) struct Tail {
    bytes: VecDeque<u8>,
    dropped: u64,
}

impl Tail {
    pub(crate) fn new() -> Self {
        Self { bytes: VecDeque::new(), dropped: 0 }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let over = self.bytes.len().saturating_sub(OUTPUT_BYTES_MAX);
        self.bytes.drain(..over);
        self.dropped = self.dropped.saturating_add(over as u64);
    }

    /// As the output of something that was done.
    pub(crate) fn into_outcome(self) -> Outcome {
        let (output, output_dropped_bytes) = self.into_text();
        Outcome { output_dropped_bytes, ..Outcome::done(output) }
    }

    /// The tail as text, and how many bytes came before it.
    fn into_text(mut self) -> (String, u64) {
        let mut text = String::from_utf8_lossy(self.bytes.make_contiguous()).into_owned();
        // A replaced byte takes three: what does not fit any more goes from the front.
        let mut over = text.len().saturating_sub(OUTPUT_BYTES_MAX);
        while !text.is_char_boundary(over) {
            over += 1;
        }
        text.drain(..over);
        (text, self.dropped.saturating_add(over as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_kept_and_the_others_counted() {
        let mut tail = Tail::new();
        tail.push(&[b'a'; OUTPUT_BYTES_MAX]);
        tail.push(b"end");
        let (text, dropped) = tail.into_text();
        assert!(text.ends_with("aend"));
        assert_eq!((text.len(), dropped), (OUTPUT_BYTES_MAX, 3));
    }

    #[test]
    fn damaged_text_is_replaced_and_still_fits() {
        let mut tail = Tail::new();
        tail.push(&[0xff; OUTPUT_BYTES_MAX]);
        let (text, dropped) = tail.into_text();
        assert!(text.len() <= OUTPUT_BYTES_MAX && dropped > 0);
        assert!(text.chars().all(|c| c == '\u{fffd}'));
    }
}
