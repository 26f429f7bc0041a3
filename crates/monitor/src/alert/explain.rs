//! Why did, or didn't, somebody get this alert? Everything that decided it, in order.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::told::{self, Told};
use super::{Alert, ListAlerts, Transition};
use crate::check::Check;
use crate::group::judgement::Suspect;
use crate::group::{Group, GroupState};
use crate::live::{Monitor, Seen};
use crate::machine::State;
use crate::shade::{Shade, Within};
use crate::store;

/// Say why somebody did or did not get an alert: what is looked at and was seen, when it fires, how it stood, what held it
/// back, and which group it went into and why.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ExplainAlert {
    /// The alert.
    pub id: i64,
}

/// One step of the explanation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// What it is about: `looked`, `rule`, `state`, `silence`, `maintenance`, `flapping`, `unreachable`, `waits`,
    /// `severity`, `group`, `cause`, `again` (what was looked at again first) or `told`.
    pub about: String,
    /// It keeps people from being told.
    pub holds_back: bool,
    /// In plain words.
    pub text: String,
    /// Since when, or when.
    pub at: Option<Time>,
    /// What it points at.
    pub to: Option<Ref>,
}

/// Why somebody did or did not get an alert.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The alert.
    pub alert: Alert,
    /// What is looked at, in plain words.
    pub looks_at: String,
    /// In one sentence: was it told, and why or why not.
    pub verdict: String,
    /// What decided it, in order.
    pub steps: Vec<Step>,
    /// The newest results since the server started, newest first.
    pub results: Vec<Seen>,
    /// Changes of state, newest first, at most 50.
    pub transitions: Vec<Transition>,
    /// The group it belongs to, or belonged to last.
    pub group: Option<Group>,
    /// Who was told of that group, by what, and with what answer; null when it was told to nobody, or when that is not for you.
    pub told: Option<Told>,
}

impl ExplainAlert {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "monitor.alert.explain";
}

impl Operation for ExplainAlert {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/monitor/alerts/{id}/explain");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Explanation;

    fn run(&self, cx: &mut Cx) -> Result<Explanation> {
        let reach = cx.reach(Self::NAME)?;
        let missing = || Error::not_found(format!("The alert {}", self.id));
        let alert = store::alerts::find(cx.tx, self.id, &reach)?.ok_or_else(missing)?;
        let check = store::checks::by_id(cx.tx, &[alert.check])?.into_iter().next().ok_or_else(missing)?;
        let transitions = store::alerts::transitions(cx.tx, alert.check, 50)?;
        let results = cx.kernel.get::<Monitor>()?.recent(check.id);
        let group = group_of(cx, &alert)?;
        let shade = Shade::load(cx.tx, cx.now)?;
        let mut steps = vec![looked(&check, &results), rule(&check), stood(&alert)];
        steps.extend(held(&alert));
        let alone = Within { team: alert.told_team, ..Within::default() };
        if let Some(cover) = shade.cover_in(&group.as_ref().map_or(alone, Group::within), &alert.facing()) {
            let kind = if cover.by.kind == "silence" { "silence" } else { "maintenance" };
            steps.push(Step {
                about: kind.to_owned(),
                holds_back: true,
                text: format!("Covered by a {kind} until {}: {}", minute(cover.until), cover.why),
                at: Some(cover.from),
                to: Some(cover.by),
            });
        }
        let told = match group.as_ref().filter(|group| group.announced) {
            Some(group) => told::of(cx, group.id)?,
            None => None,
        };
        steps.extend(group.as_ref().map(|group| grouped(group, &alert, told.as_ref())).into_iter().flatten());
        let verdict = verdict(&alert, group.as_ref(), told.as_ref(), &steps);
        Ok(Explanation { looks_at: check.probe.words(), alert, verdict, steps, results, transitions, group, told })
    }
}

/// The group it is in, or was in last, as far as the actor may see it.
fn group_of(cx: &mut Cx, alert: &Alert) -> Result<Option<Group>> {
    let id = match alert.group {
        Some(id) => Some(id),
        None => store::groups::last_of(cx.tx, alert.check)?,
    };
    let Some(id) = id.filter(|_| cx.actor.reach(ListAlerts::NAME, cx.now).is_some()) else { return Ok(None) };
    let Some(reach) = cx.actor.reach(crate::group::list::ListGroups::OPERATION, cx.now) else { return Ok(None) };
    store::groups::find(cx.tx, id, &reach)
}

fn step(about: &str, holds_back: bool, text: String, at: Option<Time>) -> Step {
    Step { about: about.to_owned(), holds_back, text, at, to: None }
}

fn looked(check: &Check, results: &[Seen]) -> Step {
    let from = match (check.vantage, check.asset) {
        (None, _) => "by this server",
        (vantage, asset) if vantage == asset => "by its own agent",
        _ => "from another machine",
    };
    let every = web::ui::duration(check.interval_s);
    let newest = results.first().map_or_else(
        || "No result came since the server started.".to_owned(),
        |seen| format!("The newest result is {}: {}", seen.outcome, seen.text),
    );
    let text = format!("{}, looked at {from} every {every}. {newest}", check.probe.words());
    step("looked", false, text, results.first().map(|seen| seen.at))
}

fn rule(check: &Check) -> Step {
    let mut text = format!(
        "It fires when {} of the last {} results are bad and the newest is, and ends after {} good ones in a row.",
        check.fire_n, check.fire_m, check.clear_k
    );
    if check.for_ms > 0 {
        text.push_str(&format!(" It must be bad for {}.", web::ui::duration(check.for_ms / 1_000)));
    }
    if check.keep_firing_ms > 0 {
        text.push_str(&format!(" It stays out for {} after.", web::ui::duration(check.keep_firing_ms / 1_000)));
    }
    step("rule", false, text, None)
}

fn stood(alert: &Alert) -> Step {
    let text = match (alert.open, alert.state) {
        (true, _) => format!("The alert is out ({}): {}", alert.state.as_str(), alert.evidence),
        (false, State::Ok) if alert.fired_at.is_some() => format!("It is well again: {}", alert.evidence),
        (false, State::Ok) => "It is well, and never was out.".to_owned(),
        (false, _) => format!("The alert is not out ({}): {}", alert.state.as_str(), alert.evidence),
    };
    step("state", false, text, Some(alert.since))
}

/// What of its own state holds it back.
fn held(alert: &Alert) -> Option<Step> {
    let (about, text) = match (alert.state, alert.open) {
        _ if alert.is_quiet() => ("severity", "Its severity says that nobody is to be told."),
        _ if alert.paused => ("state", "Its check is paused: nobody looks."),
        (State::Pending, _) => ("waits", "It is bad, but not often or not long enough yet."),
        (State::Flapping, false) => ("flapping", "It comes and goes, never long enough for an alert."),
        (State::Unreachable, _) => {
            ("unreachable", "Everything of a kind that its asset stands on is out; people are told of that instead.")
        }
        (State::NoData | State::Stale | State::Error, false) => {
            ("state", "Nothing is known of it now, and not knowing is no alert of its own.")
        }
        (_, true) if alert.group.is_none() => {
            ("waits", "What may be its cause is looked at again before anybody is told, at most a quarter of a minute.")
        }
        _ => return None,
    };
    Some(step(about, true, text.to_owned(), Some(alert.since)))
}

fn grouped(group: &Group, alert: &Alert, told: Option<&Told>) -> Vec<Step> {
    let (leads, follows) = (group.check == alert.check, group.within().explains(alert.asset));
    let how = match (leads, follows) {
        (true, _) => format!("It leads the alert group {}", group.id),
        (false, true) => {
            format!("It belongs to the alert group {}, whose people are told once for all of it", group.id)
        }
        (false, false) => format!(
            "It belongs to the alert group {}; whoever its own labels, team and place lead to is told of it as well",
            group.id
        ),
    };
    let (to, text) = (Some(group.reference()), format!("{how}: {}", group.title));
    let mut steps = vec![Step { to, ..step("group", !leads && follows, text, Some(group.opened_at)) }];
    let because = |suspect: &Suspect| {
        let why = suspect.reasons_for.first().map(|why| format!(": {why}")).unwrap_or_default();
        format!("The likely cause is that {} ({} %){why}", suspect.what, suspect.percent)
    };
    match (&group.judgement.undetermined, group.judgement.cause()) {
        (Some(why), _) => steps.push(step("cause", false, format!("The cause cannot be determined: {why}"), None)),
        (None, Some(suspect)) => {
            let to = suspect.asset.map(|id| Ref::new("asset", id));
            steps.push(Step { to, ..step("cause", false, because(suspect), None) });
        }
        (None, None) => {}
    }
    steps.extend(group.judgement.again.first().map(|text| step("again", false, text.clone(), Some(group.opened_at))));
    let (holds_back, words) = match (group.announced, group.silenced) {
        (true, _) => (told.is_some_and(|told| !told.reached()), told::both(told)),
        (false, true) => (true, "Nobody was told when the group opened: all of it was covered.".to_owned()),
        (false, false) => (true, "Nobody was told of the group.".to_owned()),
    };
    steps.push(step("told", holds_back, words, Some(group.opened_at)));
    steps
}

/// Was it told? By what became of the messages, not by what was meant.
fn verdict(alert: &Alert, group: Option<&Group>, told: Option<&Told>, steps: &[Step]) -> String {
    let covered = steps.iter().find(|step| matches!(step.about.as_str(), "silence" | "maintenance"));
    let waits = steps.iter().find(|step| step.about == "waits");
    let began = told::began(told);
    match (alert.open, group) {
        (true, _) if alert.is_quiet() => "Nobody is told: its severity says that nobody is to be told.".to_owned(),
        (true, Some(group)) if group.announced && group.check == alert.check => began.to_owned(),
        (true, Some(group)) if group.announced && covered.is_none() && !group.within().explains(alert.asset) => {
            format!("It is told with its group \"{}\", and to whoever it leads to by itself. {began}", group.title)
        }
        (true, Some(group)) if group.announced => {
            format!("It is told with its group \"{}\", not alone. {began}", group.title)
        }
        (true, Some(_)) => match covered {
            Some(step) => format!("Nobody was told. {}", step.text),
            None => "Nobody was told yet: its group was covered when it opened.".to_owned(),
        },
        (true, None) => "Nobody was told yet: what may be its cause is looked at again first.".to_owned(),
        (false, _) if waits.is_some() => "Nobody was told: it is bad, but not often or not long enough.".to_owned(),
        (false, Some(group)) if group.announced && group.state != GroupState::Open => {
            format!("It is over. {}", told::both(told))
        }
        (false, Some(group)) if group.announced => format!("It is over; the rest of its group is not. {began}"),
        (false, _) => "There is nothing to tell: the alert is not out.".to_owned(),
    }
}

/// A moment to the minute, as it stands in a sentence.
fn minute(at: Time) -> String {
    at.timestamp().strftime("%F %H:%M UTC").to_string()
}
