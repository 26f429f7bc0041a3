//! Take the events of another calendar as overrides: shifts that were planned elsewhere, or when somebody is away. The same
//! calendar can be sent again: an event that is known replaces what came of it before.

use kernel::time::DAY;
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::{must_be_active, whom};
use super::ical::{self, Taken};
use super::list::one;
use super::overrides::{Overridden, may, put, room_for, take};
use super::roster::{Kept, Roster};
use super::{Rota, seen, store, text, time};

/// Most events that one import takes.
const TAKEN_MAX: usize = 100;
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
/// Taken are events that have not ended and begin within 400 days, repeats by day, week, month and year included; 100 at once. Whom an event is about is said by `person`, else by the mail address of its one attendee, else by its summary: a login, or a name of somebody in the rota. What cannot be taken is answered with a reason.
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
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

impl Operation for ImportCalendar {
    const NAME: &'static str = "people.rota.import";
    const ROUTE: Route = post("/people/rotas/{id}/import");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const FIELD_BYTES_MAX: usize = 512 * 1024;
    type Output = Imported;

    fn run(&self, cx: &mut Cx) -> Result<Imported> {
        let rota = seen(cx, self.id, Self::NAME)?;
        let zone = text::zone(&rota.time_zone)?;
        let (now, end) = (cx.now.timestamp(), cx.now.plus(AHEAD).timestamp());
        let read = ical::read(&self.calendar, &zone, now, end);
        if read.events == 0 {
            return Err(Error::invalid("calendar", "There is no event in it. Send the text of an .ics file."));
        }
        let person = match self.person.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Some(whom(cx, "person", text)?),
            None => None,
        };
        must_be_active(cx, "person", person.into_iter().collect())?;
        let roster = one(cx, rota.clone(), cx.now, cx.now.plus(AHEAD))?;
        let mut done = Imported::default();
        let left = |what: String, why: String| LeftOut { what, why };
        done.left_out.extend(read.left.into_iter().map(|one| left(one.what, one.why)));
        let emails: Vec<String> = read.taken.iter().flat_map(|one| one.attendees.iter().take(1)).cloned().collect();
        let by_email = store::by_email(cx.tx, &emails)?;
        for event in read.taken {
            if done.added.len() >= TAKEN_MAX {
                let why = format!("One import makes at most {TAKEN_MAX} overrides. Send it again for the rest.");
                done.left_out.push(left(event.summary, why));
                break;
            }
            let attendee = match event.attendees.as_slice() {
                [one] => by_email.get(one).copied(),
                _ => None,
            };
            match person.or(attendee).or_else(|| named(&roster, &event.summary)) {
                Some(user) => self.take(cx, &rota, &event, user, &mut done)?,
                None => done.left_out.push(left(event.summary, "It does not say whom it is about.".to_owned())),
            }
        }
        Ok(done)
    }
}

impl ImportCalendar {
    fn take(&self, cx: &mut Cx, rota: &Rota, event: &Taken, user: i64, done: &mut Imported) -> Result<()> {
        let shift = self.meaning == Meaning::Shifts;
        let kept = Kept {
            id: 0,
            rota: rota.id,
            from: time(event.from),
            to: time(event.to),
            add: if shift { vec![user] } else { Vec::new() },
            remove: if shift { Vec::new() } else { vec![user] },
            everybody: shift,
            why: kernel::text::shorten(&one_line(&event.summary), 200),
            source: event.key.clone(),
            made_by: cx.actor.name.clone(),
            made_at: cx.now,
        };
        may(cx, Self::NAME, rota, &kept)?;
        match store::by_source(cx.tx, rota.id, &kept.source)? {
            Some(old) if same(&old, &kept) => {
                done.unchanged += 1;
                return Ok(());
            }
            Some(old) => {
                may(cx, Self::NAME, rota, &old)?;
                take(cx, rota.clone(), &old)?;
                done.replaced += 1;
            }
            None => room_for(cx, rota.id, 1)?,
        }
        done.added.push(put(cx, rota.clone(), kept)?);
        Ok(())
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
    let text = summary.to_lowercase();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '@' | '+')).collect();
    let mut found = roster
        .people
        .iter()
        .filter(|(_, one)| one.active)
        .filter(|(_, one)| words.contains(&one.login.as_str()) || text.contains(&one.name.to_lowercase()));
    match (found.next(), found.next()) {
        (Some((user, _)), None) => Some(*user),
        _ => None,
    }
}
