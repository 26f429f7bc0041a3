//! Who is on call at a moment, until when, and who is next.

use kernel::db::Tx;
use kernel::time::DAY;
use kernel::{Access, Cx, Effect, Operation, Result, Route, Time, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{one, visible};
use super::plan::Piece;
use super::roster::{self, Roster};
use super::{OnCall, duties, preview, seen, time};

/// How far the next hand-off is looked for at first, in microseconds; further only when there is none.
pub(crate) const SOON: i64 = 8 * DAY;

/// Who is on call by a roster at a moment. The roster knows the overrides of the first days.
pub(crate) fn of(tx: &mut Tx<'_>, roster: &Roster, at: Time) -> Result<OnCall> {
    let found = within(roster, at, at.plus(SOON));
    if found.until.is_some() {
        return Ok(found);
    }
    let end = at.plus(preview::WINDOW_DAYS_MAX * DAY);
    let further = roster::load_one(tx, roster.rota.clone(), at, end)?;
    Ok(further.pieces_or_log(at, end).map_or(found, |pieces| told(&further, &pieces)))
}

fn within(roster: &Roster, at: Time, end: Time) -> OnCall {
    told(roster, &roster.pieces(at, end))
}

fn told(roster: &Roster, pieces: &[Piece<i64>]) -> OnCall {
    let mut later = pieces.iter().skip_while(|piece| pieces.first().is_some_and(|first| first.who == piece.who));
    let next = later.next();
    let rota = &roster.rota;
    OnCall {
        rota: rota.id,
        reference: rota.reference.clone(),
        slug: rota.slug.clone(),
        name: rota.name.clone(),
        team: rota.team,
        who: pieces.first().map(|piece| duties(&roster.people, &piece.who)).unwrap_or_default(),
        gap: pieces.first().and_then(|piece| roster.gap(piece)),
        until: next.map(|piece| time(piece.from)),
        next: next.map(|piece| duties(&roster.people, &piece.who)).unwrap_or_default(),
    }
}

/// Who is on call.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct AllOnCall {
    /// One entry for each rota, by name.
    pub items: Vec<OnCall>,
}

/// Who is on call now, by every rota or by one, until when, and who is next.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
pub struct WhoIsOnCall {
    /// The number of one rota; all of them when left out.
    #[serde(default)]
    pub id: Option<i64>,
    /// At which moment; now when left out.
    #[serde(default)]
    pub at: Option<Time>,
}

impl Operation for WhoIsOnCall {
    const NAME: &'static str = "people.rota.now";
    const ROUTE: Route = get("/people/rotas/now");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = AllOnCall;

    fn run(&self, cx: &mut Cx) -> Result<AllOnCall> {
        let at = sensible(self.at.unwrap_or(cx.now))?;
        let rosters = match self.id {
            Some(id) => {
                let rota = seen(cx, id, Self::NAME)?;
                vec![one(cx, rota, at, at.plus(SOON))?]
            }
            None => visible(cx, Self::NAME, at, at.plus(SOON))?,
        };
        let mut items = Vec::new();
        for roster in &rosters {
            items.push(of(cx.tx, roster, at)?);
        }
        Ok(AllOnCall { items })
    }
}

/// Refuses a moment so far away that no rota is meant.
fn sensible(at: Time) -> Result<Time> {
    let year = jiff::tz::TimeZone::UTC.to_datetime(at.timestamp()).year();
    if (1900..=2300).contains(&year) {
        Ok(at)
    } else {
        Err(kernel::Error::invalid("at", "Use a time from 1900 to 2300."))
    }
}
