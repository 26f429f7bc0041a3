//! What keeps people from being told at a moment: silences and maintenance windows in force. Read once for many alerts.

use std::collections::BTreeSet;

use kernel::db::Tx;
use kernel::{Ref, Result, Time};

use crate::group::judgement::Judgement;
use crate::labels::Labels;
use crate::maintenance::{Spread, Window};
use crate::silence::Silence;
use crate::{ground, store};

/// Most things that one window covers.
const SPREAD_MAX: usize = 5_000;
/// How far a window spreads along relations.
const SPREAD_HOPS: usize = 8;

/// The times in a span at which windows hold back an alert, at most so many; `team` is who would be told.
pub(crate) fn planned(
    tx: &mut Tx<'_>,
    windows: Vec<Window>,
    (alert, team): (&Facing, Option<i64>),
    (from, to): (Time, Time),
    most: usize,
) -> Result<Vec<Cover>> {
    let mut found = Vec::new();
    for window in windows {
        let spans = window.spans(from, to, most.saturating_sub(found.len()));
        // What else is asked for is cheap to look at; what it spreads to is not.
        if spans.is_empty() || !fits(&window, alert, team) {
            continue;
        }
        let area = Area::new(tx, window, from, to)?;
        if area.covers(alert, team) {
            found.extend(spans.into_iter().map(|(from, until)| Cover { from, until, ..area.cover() }));
        }
    }
    Ok(found)
}

/// What a window asks for besides things and places.
fn fits(window: &Window, alert: &Facing, team: Option<i64>) -> bool {
    window.check.is_none_or(|check| check == alert.check)
        && window.team.is_none_or(|wanted| team == Some(wanted))
        && window.labels.0.iter().all(|(name, value)| alert.labels.get(name) == Some(value))
}

/// What a silence or a window may fit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facing {
    pub(crate) check: i64,
    pub(crate) asset: Option<i64>,
    pub(crate) place: Option<i64>,
    pub(crate) labels: Labels,
    /// Who would be told of it, were it alone.
    pub(crate) team: Option<i64>,
}

/// What a group says of each of its alerts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Within {
    /// The asset that is its cause, when one is determined.
    pub(crate) cause: Option<i64>,
    /// Its cause is determined, and is no thing that alerts are about.
    pub(crate) beyond: bool,
    /// Who is told of the group.
    pub(crate) team: Option<i64>,
}

impl Within {
    /// What a judgement says of the alerts of a group that a team is told of.
    pub(crate) fn of(judgement: &Judgement, team: Option<i64>) -> Self {
        let cause = judgement.cause();
        Self {
            cause: cause.and_then(|suspect| suspect.asset),
            beyond: cause.is_some_and(|suspect| suspect.kind != "thing"),
            team,
        }
    }

    /// True when an alert about this asset merely follows from a known cause elsewhere.
    pub(crate) fn explains(&self, asset: Option<i64>) -> bool {
        self.beyond || self.cause.is_some() && self.cause != asset
    }

    /// Who is told of one of its alerts: what follows is told with the group, all else also for itself.
    fn told(&self, alert: &Facing) -> Option<i64> {
        if self.explains(alert.asset) { self.team } else { alert.team.or(self.team) }
    }
}

/// What covers an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cover {
    /// The silence or the window.
    pub(crate) by: Ref,
    /// Why there is one.
    pub(crate) why: String,
    /// Since when.
    pub(crate) from: Time,
    /// Until when at the latest.
    pub(crate) until: Time,
}

/// A window in force, with everything it spreads to.
struct Area {
    window: Window,
    from: Time,
    until: Time,
    assets: Option<BTreeSet<i64>>,
    places: Option<BTreeSet<i64>>,
}

/// All that is in force.
#[derive(Default)]
pub(crate) struct Shade {
    silences: Vec<Silence>,
    areas: Vec<Area>,
}

impl Shade {
    /// Reads what is in force at a moment.
    pub(crate) fn load(tx: &mut Tx<'_>, now: Time) -> Result<Self> {
        let silences = store::silences::in_force(tx, now)?;
        let mut areas = Vec::new();
        for window in store::windows::coming(tx, now)? {
            if let Some((from, until)) = window.at(now) {
                areas.push(Area::new(tx, window, from, until)?);
            }
        }
        Ok(Self { silences, areas })
    }

    /// A window by itself, as it was at a moment.
    pub(crate) fn only(tx: &mut Tx<'_>, window: &Window, at: Time) -> Result<Self> {
        let area = Area::new(tx, window.clone(), at, at)?;
        Ok(Self { silences: Vec::new(), areas: vec![area] })
    }

    /// The first that covers an alert, if any; `team` is who would be told.
    pub(crate) fn cover(&self, alert: &Facing, team: Option<i64>) -> Option<Cover> {
        let silence = self.silences.iter().find(|one| one.covers(alert, team)).map(|one| Cover {
            by: Ref::new("silence", one.id),
            why: one.reason.clone(),
            from: one.from,
            until: one.until,
        });
        silence.or_else(|| self.areas.iter().find(|area| area.covers(alert, team)).map(Area::cover))
    }

    /// True when something covers an alert.
    pub(crate) fn covers(&self, alert: &Facing, team: Option<i64>) -> bool {
        self.cover(alert, team).is_some()
    }

    /// The first that covers an alert of a group, if any: by itself, or with the thing from which it follows.
    pub(crate) fn cover_in(&self, group: &Within, alert: &Facing) -> Option<Cover> {
        let cause = || {
            let cause = group.cause.filter(|_| group.explains(alert.asset))?;
            Some(Facing { asset: Some(cause), ..Facing::default() })
        };
        self.cover(alert, group.told(alert)).or_else(|| self.cover(&cause()?, group.team))
    }

    /// True when something covers an alert of a group, by itself or with the group's cause.
    pub(crate) fn covers_in(&self, group: &Within, alert: &Facing) -> bool {
        self.cover_in(group, alert).is_some()
    }
}

impl Area {
    fn new(tx: &mut Tx<'_>, window: Window, from: Time, until: Time) -> Result<Self> {
        let assets = match window.asset {
            None => None,
            Some(asset) => Some(reach(tx, asset, window.spread)?),
        };
        let places = window.place.map(|place| people::places_below(tx, place)).transpose()?;
        Ok(Self { window, from, until, assets, places: places.map(|all| all.into_iter().collect()) })
    }

    fn covers(&self, alert: &Facing, team: Option<i64>) -> bool {
        let within = |set: &Option<BTreeSet<i64>>, one: Option<i64>| {
            set.as_ref().is_none_or(|set| one.is_some_and(|one| set.contains(&one)))
        };
        within(&self.assets, alert.asset) && within(&self.places, alert.place) && fits(&self.window, alert, team)
    }

    fn cover(&self) -> Cover {
        let by = Ref::new("maintenance", self.window.id);
        Cover { by, why: self.window.name.clone(), from: self.from, until: self.until }
    }
}

/// The things that a window about an asset spreads to, itself included.
fn reach(tx: &mut Tx<'_>, asset: i64, spread: Spread) -> Result<BTreeSet<i64>> {
    let further = match spread {
        Spread::Only => Vec::new(),
        Spread::Dependents => ground::dependents(tx, asset, SPREAD_HOPS, SPREAD_MAX)?,
        Spread::Service => ground::foundations(tx, asset, SPREAD_HOPS, SPREAD_MAX)?,
    };
    Ok(std::iter::once(asset).chain(further).collect())
}
