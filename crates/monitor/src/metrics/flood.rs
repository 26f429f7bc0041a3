//! Too many pushed series: the sender is told in the answer, and whoever reads "Needs you now" learns who sends them and
//! which label takes the most values.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use kernel::attention::Attention;
use kernel::{Actor, Handle, Mark, Ref, Result, Time};
use metrics_proto::{LabelBytes, LabelLimits};

use crate::live::{Monitor, lock};

/// The name of the entry in "Needs you now".
const NEED: &str = "series-flood";
/// Series of a sender that are looked at, the newest first.
pub(super) const LOOKED_AT: usize = 20_000;
/// A label is looked for again after this time, and a flood is over when nothing was refused for this long.
const OVER_MICROS: i64 = kernel::time::HOUR;

/// Who sends: the key by which their series are counted, and their name.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) key: String,
    pub(crate) name: String,
}

impl Sender {
    /// Whoever is signed in.
    pub(crate) fn of(actor: &kernel::Actor) -> Self {
        Self { key: actor.ident.to_string(), name: actor.name.clone() }
    }
}

/// Why a series is not taken.
pub(super) enum Refusal {
    /// Something is wrong with it.
    Wrong(String),
    /// There are too many.
    Limit(String),
}

impl Refusal {
    /// What the store says, without the keys by which it counts.
    pub(super) fn of(error: tsdb::Error, name: &str, (job, instance): (&str, &str)) -> Self {
        match error {
            tsdb::Error::SourceFull { limit, .. } => {
                let (job, instance) = (kernel::text::shorten(job, 60), kernel::text::shorten(instance, 60));
                Self::Limit(format!(
                    "{name} pushes {limit} series of the job \"{job}\" and the instance \"{instance}\" already, the most there \
                     may be of one: leave out a label that takes too many values"
                ))
            }
            tsdb::Error::StoreFull { limit, .. } => Self::Limit(format!(
                "{limit} series are in use, the most there may be (series_max in the setting monitor.series); the sender \
                 is {name}"
            )),
            tsdb::Error::BadLabels { reason, .. } => Self::Wrong(format!("the labels are refused: {reason}")),
            error => Self::Wrong(error.to_string()),
        }
    }
}

/// What is refused, by sender, and what people were told.
#[derive(Debug, Default)]
pub(crate) struct Floods(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    senders: BTreeMap<String, Flood>,
    /// What "Needs you now" says; `None` when that is not known, as after a start.
    told: Option<Option<String>>,
}

/// Series of one sender that are refused.
#[derive(Clone, Debug)]
struct Flood {
    /// The sender in words.
    name: String,
    why: String,
    label: String,
    since: Time,
    newest: Time,
}

impl Floods {
    /// Notes that series of a sender were refused, and answers which label takes the most values; it is looked for with
    /// `widest` once an hour only.
    pub(super) fn note(
        &self,
        (sender, name): (&str, &str),
        why: &str,
        now: Time,
        widest: impl FnOnce() -> Option<(String, usize)>,
    ) -> String {
        let mut known = lock(&self.0);
        if let Some(flood) = known.senders.get_mut(sender)
            && now.since(flood.since) < OVER_MICROS
        {
            flood.newest = now;
            return flood.label.clone();
        }
        let label = widest().map_or_else(String::new, |(label, values)| {
            format!("The label \"{label}\" takes the most values: {values} in the newest series")
        });
        let flood = Flood { name: name.to_owned(), why: why.to_owned(), label: label.clone(), since: now, newest: now };
        known.senders.insert(sender.to_owned(), flood);
        label
    }
}

impl Known {
    /// The entry there should be: of the flood that began last, if one goes on.
    fn entry(&mut self, now: Time) -> Option<Flood> {
        self.senders.retain(|_, flood| now.since(flood.newest) < OVER_MICROS);
        self.senders.values().max_by_key(|flood| flood.since).cloned()
    }
}

/// Puts the newest flood on "Needs you now", or takes it away when all are over.
pub fn tell(handle: &Handle) -> Result<()> {
    let monitor = handle.get::<Monitor>()?;
    let now = handle.now();
    let entry = {
        let mut known = lock(&monitor.sink.floods.0);
        let entry = known.entry(now);
        let says = entry.as_ref().map(|flood| format!("{}{}", flood.name, flood.label));
        if known.told.as_ref() == Some(&says) {
            return Ok(());
        }
        known.told = Some(says);
        entry
    };
    let about = Ref::new("setting", 0);
    let written = handle.write_as(Actor::service("monitor", &["monitor.*"]), "monitor.series.refuse", move |cx| {
        let Some(flood) = &entry else { return cx.attention_done(&about, NEED) };
        let why = if flood.label.is_empty() { flood.why.clone() } else { format!("{}. {}", flood.label, flood.why) };
        cx.needs_attention(&Attention {
            subject: about.clone(),
            need: NEED,
            title: format!("Series that {} pushes are refused", flood.name),
            why: kernel::text::shorten(&why, 400),
            mark: Mark::Warn,
            word: "Refused",
            weight: 300,
            since: flood.since,
            action: "Explore",
            href: "/monitoring/explore".into(),
            team: None,
            user: None,
            grant: crate::check::list::ListChecks::OPERATION,
        })
    });
    if written.is_err() {
        // Said again the next time.
        lock(&monitor.sink.floods.0).told = None;
    }
    written
}

/// The label with the most values among series, and how many values.
pub(super) fn widest<'a>(series: impl Iterator<Item = &'a [u8]>) -> Option<(String, usize)> {
    let mut values: HashMap<&str, HashSet<&str>> = HashMap::new();
    for bytes in series.take(LOOKED_AT) {
        let mut read = Vec::new();
        if LabelBytes::new(bytes).read_into(&LabelLimits::default(), &mut read).is_ok() {
            for (name, value) in read {
                values.entry(name).or_default().insert(value);
            }
        }
    }
    let (label, values) = values.into_iter().map(|(label, all)| (label, all.len())).max_by_key(|(label, count)| {
        // Of two with as many, the one that comes first in the alphabet.
        (*count, std::cmp::Reverse(*label))
    })?;
    (values > 1).then(|| (label.to_owned(), values))
}

#[cfg(test)]
mod tests {
    use metrics_proto::labels::put_label;

    use super::*;

    #[test]
    fn the_label_with_the_most_values_is_found() {
        let series: Vec<Vec<u8>> = (0..50)
            .map(|n: i32| {
                let mut bytes = Vec::new();
                for (name, value) in
                    [("__name__", "hits".to_owned()), ("path", n.to_string()), ("site", (n % 3).to_string())]
                {
                    put_label(name, &value, &mut bytes);
                }
                bytes
            })
            .collect();
        assert_eq!(widest(series.iter().map(Vec::as_slice)), Some(("path".to_owned(), 50)));
        assert_eq!(widest(series.iter().take(1).map(Vec::as_slice)), None, "one series has one value of each");
    }

    #[test]
    fn what_the_store_refuses_names_the_sender_and_not_the_key_of_its_series() {
        let full = tsdb::Error::SourceFull { source: "user:1//".into(), limit: 120_000 };
        let Refusal::Limit(why) = Refusal::of(full, "Ada Lind", ("", "web")) else { panic!("it is a limit") };
        assert!(why.starts_with("Ada Lind pushes 120000 series") && !why.contains("user:1"), "{why}");
    }

    #[test]
    fn a_flood_is_looked_at_once_an_hour_and_is_over_when_nothing_was_refused_for_that_long() {
        let floods = Floods::default();
        let looked = std::cell::Cell::new(0);
        let note = |minutes: i64| {
            let look = || {
                looked.set(looked.get() + 1);
                Some(("path".to_owned(), 9))
            };
            floods.note(("user:1", "Ada Lind"), "too many", Time(minutes * kernel::time::MINUTE), look)
        };
        assert!(note(0).contains("\"path\"") && note(30).contains("9 in the newest"));
        assert_eq!(looked.get(), 1);
        note(61);
        assert_eq!(looked.get(), 2);
        let entry = |minutes: i64| lock(&floods.0).entry(Time(minutes * kernel::time::MINUTE)).is_some();
        assert!(entry(100) && !entry(130));
    }
}
