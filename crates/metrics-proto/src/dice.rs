//! Seeded chance for the tests that damage bytes: a failure comes again.

/// xorshift64*.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }

    /// Damages `bytes` in one to five places; `tokens` are pieces the format at hand may stumble over.
    pub(crate) fn damage(&mut self, bytes: &mut Vec<u8>, tokens: &[&[u8]]) {
        for _ in 0..=self.roll(4) {
            let at = self.roll(bytes.len());
            match self.roll(8) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, 0xff),
                2 => {
                    let token = tokens[self.roll(tokens.len())];
                    bytes.splice(at..at, token.iter().copied());
                }
                3 if at < bytes.len() => drop(bytes.remove(at)),
                4 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][self.roll(6)],
                5 if at < bytes.len() => {
                    let end = (at + 1 + self.roll(40)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    let to = self.roll(bytes.len());
                    bytes.splice(to..to, copy);
                }
                _ if at < bytes.len() => bytes[at] ^= 1 << self.roll(8),
                _ => bytes.push(self.roll(256) as u8),
            }
        }
    }
}

/// The largest amount of memory this process ever held, in KiB (Linux).
pub(crate) fn peak_resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
