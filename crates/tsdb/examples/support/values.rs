//! The values of what a monitored house measures, made up: ten kinds of series, the same numbers in every run. The benches
//! use the same ones.

/// The kinds of series, in the order of their numbers.
pub(crate) const KINDS: [&str; 10] = [
    "counter",
    "cpu_seconds",
    "memory",
    "percent",
    "constant",
    "state",
    "idle_counter",
    "temperature",
    "round_trip",
    "rare_errors",
];

/// xorshift64*: good enough to look like measurements.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Another seed, other numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 up to but not including 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, one_in: f64) -> bool {
        self.unit() * one_in < 1.0
    }
}

/// The values of one series, sample after sample.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    kind: usize,
    at: f64,
    random: Random,
}

impl Values {
    /// Series number `number`, of a kind by its place among [`KINDS`].
    pub(crate) fn new(kind: usize, number: usize) -> Self {
        let mut random = Random::new(number as u64 + 1);
        let at = match kind {
            0 => (random.unit() * 1e12).floor(),
            1 => (random.unit() * 1e7).floor() / 100.0,
            2 => (random.unit() * 4e6).floor() * 4_096.0,
            3 | 7 => (random.unit() * 80.0).floor() + 10.0,
            4 => (random.unit() * 1e6).floor(),
            8 => 1.0 + random.unit() * 30.0,
            _ => 0.0,
        };
        Self { kind, at, random }
    }

    /// The value of the next sample.
    pub(crate) fn step(&mut self) -> f64 {
        let random = &mut self.random;
        match self.kind {
            // Bytes on a network interface.
            0 => self.at += (random.unit() * random.unit() * 2e6).floor(),
            // Seconds a processor spent, in hundredths.
            1 => self.at = ((self.at + random.unit() * 2.0) * 100.0).round() / 100.0,
            // Memory in pages.
            2 => self.at = (self.at + ((random.unit() - 0.5) * 500.0).round() * 4_096.0).max(0.0),
            // A share with one decimal.
            3 => self.at = ((self.at + random.unit() * 4.0 - 2.0).clamp(0.0, 100.0) * 10.0).round() / 10.0,
            5 if random.chance(500.0) => self.at = (random.unit() * 3.0).floor(),
            6 if random.chance(100.0) => self.at += 1.0,
            // Half degrees.
            7 if random.chance(4.0) => self.at += if random.chance(2.0) { 0.5 } else { -0.5 },
            // Milliseconds with three decimals, and a rare slow one; not a walk, so `at` stays.
            8 => {
                let slow = if random.chance(50.0) { 10.0 } else { 1.0 };
                return ((self.at + random.unit() * random.unit() * 3.0) * slow * 1_000.0).round() / 1_000.0;
            }
            9 if random.chance(2_000.0) => self.at += 1.0,
            _ => {}
        }
        self.at
    }
}
