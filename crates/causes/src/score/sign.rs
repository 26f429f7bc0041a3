//! Symptoms as they are judged.

use crate::looks::Known;
use crate::words::What;

/// A bad result that has not fired counts so much.
const SUSPECTED: f64 = 0.6;

/// A symptom in the case at hand.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    pub(crate) key: u64,
    pub(crate) thing: u64,
    pub(crate) what: What,
    pub(crate) vantage: Option<u64>,
    pub(crate) since: i64,
    pub(crate) interval: i64,
    /// When it was good again.
    pub(crate) until: Option<i64>,
    /// An alert is or was out; else a bad result is only suspected to be one.
    pub(crate) fired: bool,
}

impl Sign {
    pub(crate) fn of(known: &Known) -> Option<Self> {
        let since = known.bad_since?;
        let until = known.good.map(|(since, _)| since).filter(|_| !known.is_bad());
        Some(Self {
            key: known.look.key,
            thing: known.look.thing,
            what: known.what,
            vantage: known.look.vantage,
            since,
            interval: known.look.interval_ms,
            until,
            fired: known.fired,
        })
    }

    pub(crate) fn strength(&self) -> f64 {
        if self.fired { 1.0 } else { SUSPECTED }
    }
}
