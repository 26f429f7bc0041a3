//! Chance from a seed: the same seed gives the same outage.

/// A generator of numbers (splitmix64, Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64, of: &str) -> Self {
        // FNV-1a, so that each part of a run has its own numbers.
        let name = of
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let mut chance = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ name);
        chance.next();
        chance
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, without 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `end`; 0 when that is 0.
    pub(crate) fn below(&mut self, end: i64) -> i64 {
        if end <= 0 { 0 } else { (self.share() * end as f64) as i64 }
    }

    /// A number from `from` to `to`.
    pub(crate) fn between(&mut self, [from, to]: [i64; 2]) -> i64 {
        from + self.below(to - from + 1)
    }
}
