//! A map of bounded size that forgets what was not used for longest: prepared statements, whose texts are without end
//! because lists differ in length.

use std::collections::HashMap;

pub(super) struct Latest<T> {
    max: usize,
    uses: u64,
    known: HashMap<String, (T, u64)>,
}

impl<T: Clone> Latest<T> {
    pub(super) fn new(max: usize) -> Self {
        Self { max, uses: 0, known: HashMap::new() }
    }

    pub(super) fn get(&mut self, name: &str) -> Option<T> {
        self.uses += 1;
        let (value, used) = self.known.get_mut(name)?;
        *used = self.uses;
        Some(value.clone())
    }

    /// Keeps a value; a full map first forgets the half that was not used for longest.
    pub(super) fn put(&mut self, name: &str, value: T) {
        if self.known.len() >= self.max {
            let mut uses: Vec<u64> = self.known.values().map(|(_, used)| *used).collect();
            uses.sort_unstable();
            let middle = uses.get(uses.len() / 2).copied().unwrap_or_default();
            self.known.retain(|_, (_, used)| *used > middle);
        }
        self.uses += 1;
        self.known.insert(name.to_owned(), (value, self.uses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_number_is_bounded() {
        let mut latest = Latest::new(8);
        latest.put("always", 0);
        for number in 1..1_000 {
            latest.put(&format!("once {number}"), number);
            assert_eq!(latest.get("always"), Some(0));
            assert!(latest.known.len() <= 8);
        }
        assert_eq!(latest.get("once 999"), Some(999));
        assert_eq!(latest.get("once 900"), None);
    }
}
