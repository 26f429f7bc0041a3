//! The register of series: each gets a number once and for ever, because samples on disk outlive the agent's process.
//! So a number is on the disk before a sample with it is, and no line is written behind one that was cut. In memory a series is a hash and a number; its name is read from the file when the server needs it. A sample in the
//! steady state allocates nothing.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use agent_proto::{SeriesName, limits};
use serde::{Deserialize, Serialize};

use crate::{files, log};

/// Beyond this many series new ones are not taken; the machine's interfaces come and go, its memory does not grow.
const SERIES_MAX: usize = 2_048;
/// Names in one message to the server.
const BATCH: usize = 512;

/// Numbers, and the values of the moment.
pub(crate) struct Register {
    path: PathBuf,
    numbers: HashMap<u64, u32>,
    next: u32,
    /// Registered since the server was last told.
    fresh: Vec<(u32, SeriesName)>,
    /// Values of the moment that is being collected.
    pub(crate) values: Vec<(u32, f64)>,
    /// Most values of one moment.
    values_max: usize,
    /// Values that were left out because of a limit, since the agent started.
    pub(crate) refused: u64,
    /// The file may end in a line that was cut.
    torn: bool,
    /// Numbers from this one on are not known to be on the disk.
    unsynced: Option<u32>,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    id: u32,
    name: String,
    labels: Vec<(String, String)>,
}

impl Register {
    /// Reads the register. With `renew`, when no samples wait on disk, an overgrown one is begun anew; numbers go on.
    pub(crate) fn open(dir: &Path, renew: bool) -> Self {
        let path = dir.join("series");
        let mut register = Self {
            path,
            numbers: HashMap::new(),
            next: 1,
            fresh: Vec::new(),
            values: Vec::new(),
            values_max: limits::SAMPLES_MAX,
            refused: 0,
            torn: true,
            unsynced: None,
        };
        if let Err(e) = register.mend() {
            log::note(format!("the register of series cannot be mended: {e}"));
        }
        for line in register.lines() {
            // A damaged line may have held the number that would be the next.
            register.next = line.as_ref().map_or(register.next, |line| register.next.max(line.id)).saturating_add(1);
            if let Some(line) = line.filter(|line| !line.name.is_empty()) {
                register.numbers.insert(hash_of(&line.name, &line.labels), line.id);
            }
        }
        if renew && register.numbers.len() > SERIES_MAX / 2 {
            register.begin_anew();
        }
        register
    }

    /// Keeps only the last number, as a line without a name.
    fn begin_anew(&mut self) {
        let last = Line { id: self.next.saturating_sub(1), name: String::new(), labels: Vec::new() };
        if let Ok(mut json) = serde_json::to_vec(&last) {
            json.push(b'\n');
            if files::replace(&self.path, &json).is_ok() {
                self.numbers.clear();
            }
        }
    }

    /// Cuts off a line that a crash has cut: no sample has its number.
    fn mend(&mut self) -> io::Result<()> {
        if let Some(bytes) = files::read_if_there(&self.path)?.filter(|_| self.torn) {
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            if whole < bytes.len() {
                let file = File::options().write(true).open(&self.path)?;
                file.set_len(whole as u64)?;
                file.sync_data()?;
            }
        }
        self.torn = false;
        Ok(())
    }

    /// The lines of the file; nothing for one that is damaged.
    fn lines(&self) -> impl Iterator<Item = Option<Line>> + use<> {
        let file = File::open(&self.path).ok();
        let lines = file.into_iter().flat_map(|file| BufReader::new(file).split(b'\n').map_while(Result::ok));
        lines.map(|line| serde_json::from_slice(&line).ok())
    }

    /// Starts a moment.
    pub(crate) fn begin(&mut self, values_max: usize) {
        self.values.clear();
        self.values_max = values_max.min(limits::SAMPLES_MAX);
    }

    /// Adds a value to the moment. The name comes in parts so that nobody has to join them; labels sorted by name.
    pub(crate) fn put(&mut self, name: &[&str], labels: &[(&str, &str)], value: f64) {
        if self.values.len() >= self.values_max {
            self.refused = self.refused.saturating_add(1);
            return;
        }
        let hash = hash_of_parts(name, labels);
        let id = match self.numbers.get(&hash) {
            Some(id) => *id,
            None => match self.register(hash, name, labels) {
                Some(id) => id,
                None => return,
            },
        };
        self.values.push((id, value));
    }

    fn register(&mut self, hash: u64, name: &[&str], labels: &[(&str, &str)]) -> Option<u32> {
        if self.numbers.len() >= SERIES_MAX {
            self.refused = self.refused.saturating_add(1);
            return None;
        }
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let series = SeriesName { name: name.concat(), labels: labels.iter().map(owned).collect() };
        let id = self.next;
        let line = Line { id, name: series.name.clone(), labels: series.labels.clone() };
        if let Err(e) = self.append(&line) {
            log::note(format!("the series {} cannot be registered: {e}", series.name));
            self.refused = self.refused.saturating_add(1);
            return None;
        }
        self.next = self.next.saturating_add(1);
        self.numbers.insert(hash, id);
        self.fresh.push((id, series));
        Some(id)
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut json = serde_json::to_vec(line)?;
        json.push(b'\n');
        if self.torn {
            self.mend()?;
        }
        let mut file = files::append(&self.path)?;
        self.torn = true;
        file.write_all(&json)?;
        self.torn = false;
        self.unsynced.get_or_insert(line.id);
        Ok(())
    }

    /// Ends a moment: the numbers of its values are on the disk, or the values are left out.
    pub(crate) fn settle(&mut self) {
        let Some(from) = self.unsynced else { return };
        match File::open(&self.path).and_then(|file| file.sync_data()).and_then(|()| files::sync_parent(&self.path)) {
            Ok(()) => self.unsynced = None,
            Err(e) => {
                log::note(format!("the register of series cannot be kept: {e}"));
                let before = self.values.len();
                self.values.retain(|(id, _)| *id < from);
                self.refused = self.refused.saturating_add((before - self.values.len()) as u64);
            }
        }
    }

    /// What the server has not been told, since [`Register::everything`] or the last call.
    pub(crate) fn take_fresh(&mut self) -> Vec<(u32, SeriesName)> {
        std::mem::take(&mut self.fresh)
    }

    /// The whole register in batches, for a server that knows nothing.
    pub(crate) fn everything(&mut self) -> Vec<Vec<(u32, SeriesName)>> {
        self.fresh.clear();
        let mut batches: Vec<Vec<(u32, SeriesName)>> = Vec::new();
        for line in self.lines().flatten().filter(|line| !line.name.is_empty()) {
            let series = (line.id, SeriesName { name: line.name, labels: line.labels });
            match batches.last_mut() {
                Some(batch) if batch.len() < BATCH => batch.push(series),
                _ => batches.push(vec![series]),
            }
        }
        batches
    }
}

fn hash_of(name: &str, labels: &[(String, String)]) -> u64 {
    let labels: Vec<(&str, &str)> = labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    hash_of_parts(&[name], &labels)
}

fn hash_of_parts(name: &[&str], labels: &[(&str, &str)]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for part in name {
        hasher.write(part.as_bytes());
    }
    for text in labels.iter().flat_map(|(key, value)| [key, value]) {
        hasher.write_u8(0xff);
        hasher.write(text.as_bytes());
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_keeps_its_number_over_restarts_however_its_name_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = Register::open(dir.path(), true);
        first.begin(10);
        first.put(&["node_", "load1"], &[], 0.5);
        first.put(&["node_disk"], &[("device", "sda")], 1.0);
        first.put(&["node_disk"], &[("device", "sdb")], 2.0);
        assert_eq!(first.values, [(1, 0.5), (2, 1.0), (3, 2.0)]);
        assert_eq!(first.take_fresh().len(), 3);
        let mut second = Register::open(dir.path(), true);
        second.begin(10);
        second.put(&["node_disk"], &[("device", "sdb")], 3.0);
        second.put(&["node_load1"], &[], 0.7);
        second.put(&["node_disk"], &[("device", "sdc")], 4.0);
        assert_eq!(second.values, [(3, 3.0), (1, 0.7), (4, 4.0)]);
        let everything = second.everything();
        assert_eq!(everything.len(), 1);
        assert_eq!(everything[0].len(), 4);
        assert!(second.take_fresh().is_empty(), "it was part of everything");
    }

    #[test]
    fn a_cut_line_spoils_nothing_and_limits_hold() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("series"), "{\"id\":7,\"name\":\"a\",\"labels\":[]}\n{\"id\":8,\"na").unwrap();
        let mut register = Register::open(dir.path(), true);
        register.begin(2);
        for name in ["a", "b", "c"] {
            register.put(&[name], &[], 1.0);
        }
        assert_eq!(register.values, [(7, 1.0), (8, 1.0)]);
        assert_eq!(register.refused, 1);
        let told = register.everything().concat();
        let names: Vec<(u32, &str)> = told.iter().map(|(id, series)| (*id, series.name.as_str())).collect();
        assert_eq!(names, [(7, "a"), (8, "b")], "what is written behind the cut can be read");
        let mut second = Register::open(dir.path(), true);
        assert_eq!(second.everything().concat(), told, "also after a restart");
        second.begin(2);
        second.put(&["d"], &[], 1.0);
        second.put(&["b"], &[], 1.0);
        assert_eq!(second.values, [(9, 1.0), (8, 1.0)], "no number is given twice");
    }

    #[test]
    fn the_number_of_a_damaged_line_is_not_given_again() {
        let dir = tempfile::tempdir().unwrap();
        let text = "{\"id\":7,\"name\":\"a\",\"labels\":[]}\n{\"id\":8,\"n#me\":\"b\",\"labels\":[]}\n";
        std::fs::write(dir.path().join("series"), text).unwrap();
        let mut register = Register::open(dir.path(), true);
        register.begin(2);
        register.put(&["c"], &[], 1.0);
        assert_eq!(register.values, [(9, 1.0)]);
    }

    #[test]
    fn values_whose_numbers_cannot_be_kept_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let mut register = Register::open(dir.path(), true);
        let mut moment = |gone: bool| {
            register.begin(9);
            register.put(&["a"], &[], 1.0);
            register.put(&[if gone { "b" } else { "a2" }], &[], 1.0);
            if gone {
                std::fs::remove_file(dir.path().join("series")).unwrap();
            }
            register.settle();
            (register.values.clone(), register.refused)
        };
        assert_eq!(moment(false), (vec![(1, 1.0), (2, 1.0)], 0));
        assert_eq!(moment(true), (vec![(1, 1.0)], 1));
    }

    #[test]
    fn an_overgrown_register_begins_anew_without_giving_a_number_twice() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = Register::open(dir.path(), true);
        first.begin(limits::SAMPLES_MAX);
        for n in 0..SERIES_MAX + 5 {
            first.put(&["s"], &[("n", &n.to_string())], 1.0);
        }
        assert_eq!(first.values.len(), SERIES_MAX);
        assert_eq!(first.refused, 5);
        let mut second = Register::open(dir.path(), true);
        second.begin(10);
        second.put(&["new"], &[], 1.0);
        assert_eq!(second.values[0].0 as usize, SERIES_MAX + 1);
        assert_eq!(second.everything().concat().len(), 1);
    }
}
