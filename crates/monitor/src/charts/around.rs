//! What stands around the lines of a figure: alerts and silences as periods, what happened to the asset as marks.

use std::collections::BTreeMap;

use kernel::{Cx, Operation as _, Ref, Result, Time};

use super::{Band, ChartMark};
use crate::alert::ListAlerts;
use crate::check::Check;
use crate::labels::Labels;
use crate::maintenance::list::ListWindows;
use crate::shade::{Facing, planned};
use crate::silence::ListSilences;
use crate::store;
use crate::store::figures::Turn;

/// Turns of alerts that are read; periods that began longer ago are not drawn.
const TURNS_MAX: i64 = 200;
/// Windows that are looked at, the newest.
const WINDOWS_MAX: usize = 500;
/// Silences, maintenance and gaps of a figure.
const PERIODS_MAX: i64 = 50;
/// Events of the asset's timeline that are marks.
const EVENTS_MAX: i64 = 40;
/// These events are told by the periods, or are none that changes how a machine runs.
const WITHOUT: &[&str] = &["monitor.", "desk.", "people."];

/// Periods and moments of a figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    pub(crate) bands: Vec<Band>,
    pub(crate) marks: Vec<ChartMark>,
}

/// What stands around the figures of an asset that the actor may see.
pub(crate) fn asset(cx: &mut Cx, asset: i64, (from, to): (Time, Time)) -> Result<Around> {
    let reach = cx.actor.reach(ListAlerts::NAME, cx.now).unwrap_or_default();
    let turns = store::figures::turns_of_asset(cx.tx, asset, to, &reach, TURNS_MAX)?;
    let mut bands = periods(&turns, (from, to));
    bands.extend(silenced(cx, (Some(asset), None), &Labels::default(), (from, to))?);
    let brief = assets::brief(cx.tx, &[asset])?.remove(&asset);
    let facing = Facing { asset: Some(asset), place: brief.as_ref().and_then(|one| one.place), ..Facing::default() };
    bands.extend(maintained(cx, &facing, brief.and_then(|one| one.team), (from, to))?);
    let gaps = store::gaps::between(cx.tx, asset, from, to, PERIODS_MAX)?;
    bands.extend(gaps.into_iter().map(|(from, to, why)| band((from, to), format!("Nothing was kept: {why}"), "idle")));
    let mut marks = super::marks(store::alerts::marks(cx.tx, asset, from, to, &reach, 100)?);
    marks.extend(events(cx, &Ref::new("asset", asset), (from, to))?);
    marks.sort_by_key(|mark| mark.at);
    Ok(Around { bands, marks })
}

/// What stands around the figure of a check that the actor may see.
pub(crate) fn check(cx: &mut Cx, of: &Check, (from, to): (Time, Time)) -> Result<Around> {
    let (check, asset) = (of.id, of.asset);
    let turns = store::figures::turns_of_check(cx.tx, check, to, TURNS_MAX)?;
    let mut bands = periods(&turns, (from, to));
    let place = match asset {
        Some(asset) => assets::brief(cx.tx, &[asset])?.remove(&asset).and_then(|one| one.place),
        None => None,
    };
    let mut labels = of.labels.clone();
    labels.or("alertname", &of.name);
    labels.or("severity", of.severity.as_str());
    bands.extend(silenced(cx, (asset, Some(check)), &labels, (from, to))?);
    let facing = Facing { check, asset, place, labels, team: of.team.or(of.asset_team) };
    bands.extend(maintained(cx, &facing, of.team.or(of.asset_team), (from, to))?);
    let inside = turns.into_iter().filter(|(at, ..)| (from..=to).contains(at));
    let mut marks = super::marks(inside.map(|(at, _, name, fired)| (at, name, fired)).collect());
    if let Some(asset) = asset {
        marks.extend(events(cx, &Ref::new("asset", asset), (from, to))?);
        marks.sort_by_key(|mark| mark.at);
    }
    Ok(Around { bands, marks })
}

/// What happened to the asset, as far as the actor may read of it.
fn events(cx: &mut Cx, subject: &Ref, span: (Time, Time)) -> Result<Vec<ChartMark>> {
    let happened = cx.happened(std::slice::from_ref(subject), WITHOUT, span, EVENTS_MAX)?;
    let told = cx.readable(Some(subject), happened)?;
    Ok(told
        .into_iter()
        .map(|event| ChartMark { at: event.at.millis(), title: event.title, tone: event.mark })
        .collect())
}

/// The times of silences of an asset or a check with these labels; one by labels is about none that has none.
fn silenced(cx: &mut Cx, of: (Option<i64>, Option<i64>), labels: &Labels, span: (Time, Time)) -> Result<Vec<Band>> {
    let Some(reach) = cx.actor.reach(ListSilences::NAME, cx.now) else { return Ok(Vec::new()) };
    let all = store::figures::silences(cx.tx, of, span, &reach, PERIODS_MAX)?;
    let fitting = all.into_iter().filter(|(.., matchers)| matchers.fits(labels));
    Ok(fitting.map(|(from, to, why, _)| band((from, to), format!("Silence: {why}"), "planned")).collect())
}

/// The times of maintenance, as far as the actor may see the windows.
fn maintained(cx: &mut Cx, facing: &Facing, team: Option<i64>, (from, to): (Time, Time)) -> Result<Vec<Band>> {
    let Some(reach) = cx.actor.reach(ListWindows::OPERATION, cx.now) else { return Ok(Vec::new()) };
    let windows = store::windows::since(cx.tx, from, &reach, WINDOWS_MAX)?;
    let most = usize::try_from(PERIODS_MAX).unwrap_or(50);
    let covers = planned(cx.tx, windows, (facing, team), (from, to), most)?;
    let one = |cover: crate::shade::Cover| {
        band((cover.from.max(from), cover.until.min(to)), format!("Maintenance: {}", cover.why), "planned")
    };
    Ok(covers.into_iter().map(one).collect())
}

fn band((from, to): (Time, Time), title: String, tone: &str) -> Band {
    Band { from: from.millis(), to: to.millis(), title, tone: tone.to_owned() }
}

/// The times at which alerts were out, as far as they overlap a span, from turns in order of time. One whose beginning is
/// not among the turns was out from the beginning; one that has not ended is out to the end.
fn periods(turns: &[Turn], (from, to): (Time, Time)) -> Vec<Band> {
    let mut open: BTreeMap<i64, (Time, &str)> = BTreeMap::new();
    let mut out = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    let mut add = |began: Time, ended: Time, name: &str| {
        if ended >= from && began <= to {
            out.push(band((began.max(from), ended.min(to)), format!("Alert: {name}"), "critical"));
        }
    };
    for (at, check, name, fired) in turns {
        let first = known.insert(*check);
        if *fired {
            open.entry(*check).or_insert((*at, name));
        } else if let Some((began, name)) = open.remove(check) {
            add(began, *at, name);
        } else if first {
            add(from, *at, name);
        }
    }
    for (began, name) in open.into_values() {
        add(began, to, name);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_a_period_from_its_firing_to_its_clearing() {
        let turn = |at: i64, check: i64, fired: bool| (Time(at * 1_000), check, format!("c{check}"), fired);
        let check = |turns: &[Turn]| -> Vec<(i64, i64, String)> {
            let all = periods(turns, (Time(100_000), Time(200_000)));
            all.into_iter().map(|one| (one.from, one.to, one.title)).collect()
        };
        let alert = |from: i64, to: i64, name: &str| (from, to, format!("Alert: {name}"));
        assert_eq!(check(&[]), []);
        assert_eq!(check(&[turn(120, 1, true), turn(150, 1, false)]), [alert(120, 150, "c1")]);
        assert_eq!(check(&[turn(20, 1, true)]), [alert(100, 200, "c1")], "out before, still out");
        assert_eq!(check(&[turn(150, 1, false)]), [alert(100, 150, "c1")], "its beginning is too long ago");
        assert_eq!(check(&[turn(20, 1, true), turn(50, 1, false)]), [], "over before the span begins");
        assert_eq!(
            check(&[turn(120, 1, true), turn(130, 1, true), turn(140, 1, false), turn(145, 1, false)]),
            [alert(120, 140, "c1")]
        );
        assert_eq!(
            check(&[turn(110, 1, true), turn(120, 2, true), turn(130, 1, false)]),
            [alert(110, 130, "c1"), alert(120, 200, "c2")]
        );
    }
}
