//! Take the events of another calendar as overrides: shifts that were planned elsewhere, or when somebody is away. The same
//! calendar can be sent again: an event that is known replaces what came of it before.

use std::collections::{BTreeMap, BTreeSet};

use kernel::time::DAY;
use kernel::{Access, Cx, Effect, Error, Operation, PrepareCx, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::{must_be_active, whom};
use super::ical::{self, Read, Taken};
use super::list::one;
use super::overrides::{Overridden, apply, may, may_take_back, room_for};
use super::roster::{Kept, Roster};
use super::{Rota, seen, store, text, time};

/// Most events that one import takes.
const TAKEN_MAX: usize = 100;
/// Most events that are remembered as left out.
const LEFT_SHOWN: usize = 20;
/// How far ahead events are taken, in microseconds.
const AHEAD: i64 = 400 * DAY;

/// What the events of a calendar mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// Who is named is on call, instead of everybody else.
    #[default]
    Shifts,
    /// Who is named is away, and so not on call.
    Absence,
}

/// Take the events of a calendar (iCalendar, .ics) as overrides of a rota: shifts, or when somebody is away.
///
/// Taken are events that have not ended and begin within 400 days, repeats by day, week, month and year included; 100 at once. Whom an event is about is said by `person`, else by the mail address of its one attendee, else by its summary: a login, or a name of somebody in the rota. People whose shifts of calendars meet are on call together. An event that was cancelled takes back what came of it. What cannot be taken is answered with a reason.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct ImportCalendar {
    /// The rota's number.
    pub id: i64,
    /// The text of the calendar.
    pub calendar: String,
    /// What its events mean: shifts or absence.
    #[serde(default)]
    pub meaning: Meaning,
    /// Whom every event is about: a login, a name or user:17. Left out, each event says it itself.
    #[serde(default)]
    pub person: Option<String>,
    /// What was read, and in which zone.
    #[serde(skip)]
    read: Option<(String, Read)>,
}

/// What was left out of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// The event.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What came of a calendar.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// The overrides that were made.
    pub added: Vec<Overridden>,
    /// How many of them replaced what came of the same event before.
    pub replaced: i64,
    /// How many were there already.
    pub unchanged: i64,
    /// How many were taken back, as their event was cancelled or is about somebody else now.
    pub taken_back: i64,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

/// What came of the last calendar, for who looks at the rota.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LastImport {
    pub(crate) at: kernel::Time,
    pub(crate) by: String,
    pub(crate) added: usize,
    pub(crate) replaced: i64,
    pub(crate) unchanged: i64,
    pub(crate) taken_back: i64,
    /// The first that were left out.
    pub(crate) left_out: Vec<LeftOut>,
    /// How many were.
    pub(crate) left_out_count: usize,
}

impl LastImport {
    fn of(cx: &Cx, done: &Imported) -> Self {
        Self {
            at: cx.now,
            by: cx.actor.name.clone(),
            added: done.added.len(),
            replaced: done.replaced,
            unchanged: done.unchanged,
            taken_back: done.taken_back,
            left_out: done.left_out.iter().take(LEFT_SHOWN).cloned().collect(),
            left_out_count: done.left_out.len(),
        }
    }

    /// The counts in words.
    pub(crate) fn words(&self) -> String {
        let what = match (self.added, self.unchanged, self.taken_back) {
            (0, 0, 0) => "Nothing was taken.".to_owned(),
            (added, unchanged, back) => {
                let replaced = self.replaced;
                format!(
                    "Overrides made: {added} ({replaced} in place of older ones), unchanged: {unchanged}, taken back: {back}."
                )
            }
        };
        match self.left_out_count {
            0 => what,
            left => format!("{what} Events left out: {left}."),
        }
    }
}

impl Operation for ImportCalendar {
    const NAME: &'static str = "people.rota.import";
    const ROUTE: Route = post("/people/rotas/{id}/import");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const FIELD_BYTES_MAX: usize = 512 * 1024;
    type Output = Imported;

    /// Reads the calendar, which may take its time, before anything is locked.
    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        let id = self.id;
        if let Some(rota) = cx.kernel.db.read(|tx| store::get(tx, id))? {
            let read = self.read_in(&rota.time_zone, cx.now)?;
            self.read = Some((rota.time_zone, read));
        }
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<Imported> {
        let rota = seen(cx, self.id, Self::NAME)?;
        let again;
        let read = match &self.read {
            Some((zone, read)) if *zone == rota.time_zone => read,
            // Somebody changed the zone meanwhile.
            _ => {
                again = self.read_in(&rota.time_zone, cx.now)?;
                &again
            }
        };
        if read.events == 0 {
            return Err(Error::invalid("calendar", "There is no event in it. Send the text of an .ics file."));
        }
        let person = match self.person.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Some(whom(cx, "person", text)?),
            None => None,
        };
        must_be_active(cx, "person", person.into_iter().collect())?;
        let emails: Vec<String> = read.taken.iter().flat_map(|one| one.attendees.iter().take(1)).cloned().collect();
        let people = About {
            person,
            by_email: store::by_email(cx.tx, &emails)?,
            roster: one(cx, rota.clone(), cx.now, cx.now.plus(AHEAD))?,
        };
        let known = store::from_calendars(cx.tx, rota.id, cx.now)?;
        let plan = self.plan(cx, read, &people, &known);
        self.carry_out(cx, &rota, plan)
    }
}

/// Whom events are about.
struct About {
    person: Option<i64>,
    by_email: BTreeMap<String, i64>,
    roster: Roster,
}

impl About {
    fn of(&self, event: &Taken) -> Option<i64> {
        let attendee = match event.attendees.as_slice() {
            [one] => self.by_email.get(one).copied(),
            _ => None,
        };
        self.person.or(attendee).or_else(|| named(&self.roster, &event.summary))
    }
}

/// What an import will do.
#[derive(Default)]
struct Planned {
    take: Vec<Kept>,
    make: Vec<Kept>,
    done: Imported,
}

impl ImportCalendar {
    fn read_in(&self, zone: &str, now: kernel::Time) -> Result<Read> {
        Ok(ical::read(&self.calendar, &text::zone(zone)?, now.timestamp(), now.plus(AHEAD).timestamp()))
    }

    /// What the name of an event's override begins and ends with; whom it is about stands between. Events that say it themselves
    /// may be about somebody else later.
    fn stem(&self, person: Option<i64>) -> &'static str {
        match (self.meaning, person) {
            (Meaning::Shifts, None) => "shifts",
            (Meaning::Shifts, Some(_)) => "shifts-of",
            (Meaning::Absence, None) => "absence",
            (Meaning::Absence, Some(_)) => "absence-of",
        }
    }

    fn plan(&self, cx: &Cx, read: &Read, people: &About, known: &BTreeMap<String, Kept>) -> Planned {
        let mut planned = Planned::default();
        let left = |what: &str, why: &str| LeftOut { what: what.to_owned(), why: why.to_owned() };
        planned.done.left_out.extend(read.left.iter().map(|one| left(&one.what, &one.why)));
        let stem = self.stem(people.person);
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        // The events that are about somebody, or about nobody any more.
        let mut looked_at: BTreeSet<&str> = read.cancelled.iter().map(|one| one.key.as_str()).collect();
        for event in &read.taken {
            if planned.make.len() >= TAKEN_MAX {
                let why = format!("One import makes at most {TAKEN_MAX} overrides. Send it again for the rest.");
                planned.done.left_out.push(left(&event.summary, &why));
                break;
            }
            let Some(user) = people.of(event) else {
                planned.done.left_out.push(left(&event.summary, "It does not say whom it is about."));
                continue;
            };
            let source = format!("{stem}/{user}/{}", event.key);
            looked_at.insert(&event.key);
            if !wanted.insert(source.clone()) {
                planned.done.left_out.push(left(&event.summary, "It is in the calendar twice."));
                continue;
            }
            let kept = self.kept(cx, &people.roster.rota, event, user, source);
            match known.get(&kept.source) {
                Some(old) if same(old, &kept) => planned.done.unchanged += 1,
                Some(old) => {
                    planned.take.push(old.clone());
                    planned.done.replaced += 1;
                    planned.make.push(kept);
                }
                None => planned.make.push(kept),
            }
        }
        for (source, old) in known {
            let mut parts = source.splitn(3, '/');
            let (Some(of), Some(user), Some(key)) = (parts.next(), parts.next(), parts.next()) else { continue };
            let about = people.person.is_none_or(|person| user == person.to_string());
            if of == stem && about && looked_at.contains(key) && !wanted.contains(source) {
                planned.take.push(old.clone());
                planned.done.taken_back += 1;
            }
        }
        planned
    }

    fn kept(&self, cx: &Cx, rota: &Rota, event: &Taken, user: i64, source: String) -> Kept {
        let shift = self.meaning == Meaning::Shifts;
        Kept {
            id: 0,
            rota: rota.id,
            from: time(event.from),
            to: time(event.to),
            add: if shift { vec![user] } else { Vec::new() },
            remove: if shift { Vec::new() } else { vec![user] },
            everybody: shift,
            why: kernel::text::shorten(&one_line(&event.summary), 200),
            source,
            made_by: cx.actor.name.clone(),
            made_by_user: cx.actor.user(),
            made_at: cx.now,
        }
    }

    fn carry_out(&self, cx: &mut Cx, rota: &Rota, planned: Planned) -> Result<Imported> {
        let Planned { take, make, mut done } = planned;
        for kept in &make {
            may(cx, Self::NAME, rota, kept)?;
        }
        for kept in &take {
            may_take_back(cx, Self::NAME, rota, kept)?;
        }
        if !(take.is_empty() && make.is_empty()) {
            if make.len() > take.len() {
                room_for(cx, rota.id, &make)?;
            }
            done.added = apply(cx, rota, &take, make)?;
        }
        let last = LastImport::of(cx, &done);
        store::set_imported(cx.tx, rota.id, &last)?;
        Ok(done)
    }
}

/// True when two overrides say the same, whoever made them.
fn same(one: &Kept, other: &Kept) -> bool {
    (one.from, one.to, &one.add, &one.remove, one.everybody)
        == (other.from, other.to, &other.add, &other.remove, other.everybody)
}

fn one_line(text: &str) -> String {
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whom a summary is about: who takes turns in the rota, by login or by name, if it is only one of them.
fn named(roster: &Roster, summary: &str) -> Option<i64> {
    let words = words(summary);
    let says = |name: &str| {
        let name = self::words(name);
        !name.is_empty() && words.windows(name.len()).any(|part| part == name.as_slice())
    };
    let people = roster.people.iter().filter(|(_, one)| one.active);
    let mut found = people.filter(|(_, one)| words.contains(&one.login.to_lowercase()) || says(&one.name));
    match (found.next(), found.next()) {
        (Some((user, _)), None) => Some(*user),
        _ => None,
    }
}

/// The words of a text in lower case. What may stand in a login is part of a word, unless it ends one.
fn words(text: &str) -> Vec<String> {
    let inside = |c: char| matches!(c, '.' | '-' | '_' | '@' | '+');
    let parts = text.split(|c: char| !c.is_alphanumeric() && !inside(c));
    parts.map(|part| part.trim_matches(inside).to_lowercase()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rota::roster::Member;

    #[test]
    fn a_name_counts_only_as_whole_words() {
        let member = |name: &str, login: &str| Member { name: name.into(), login: login.into(), active: true };
        let people: BTreeMap<i64, Member> = [(1, member("Ann", "ann.l")), (2, member("Grace Hopper", "grace"))].into();
        let rota: Rota = serde_json::from_value(serde_json::json!({
            "id": 1, "ref": "rota:1", "slug": "x", "name": "X", "about": "", "team": null, "time_zone": "UTC",
            "rotations": [{ "kind": "daily", "start": "2026-03-02T08:00", "participants": ["user:1", "user:2"] }],
            "created_at": kernel::world::START, "changed_at": kernel::world::START, "version": 1,
        }))
        .unwrap();
        let roster = Roster::new(rota, Vec::new(), &people).unwrap();
        for (summary, expected) in [
            ("Planning", None),
            ("Annual leave", None),
            ("On call: Ann.", Some(1)),
            ("ANN (nights)", Some(1)),
            ("ann.l", Some(1)),
            ("Grace Hopper on duty", Some(2)),
            ("Gracehopper", None),
            ("grace", Some(2)),
            ("Ann, grace", None),
            ("", None),
        ] {
            assert_eq!(named(&roster, summary), expected, "{summary}");
        }
    }
}
