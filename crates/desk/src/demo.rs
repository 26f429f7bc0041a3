//! Realistic tickets in large numbers, for the demo company and for measurements: written straight to the tables, without
//! events and audit.

use kernel::{Cx, Result, Time};

use crate::store;
use crate::ticket::{Kind, Priority, Source, Status, Ticket, change};

/// Rows in one statement.
const ROWS: usize = 100;
/// How far back the oldest goes, in microseconds: two years.
const SPAN: i64 = 730 * kernel::time::DAY;

const WHAT: &[(&str, Kind)] = &[
    ("VPN drops every few minutes", Kind::Incident),
    ("Laptop will not wake from sleep", Kind::Incident),
    ("Printer prints blank pages", Kind::Incident),
    ("Wi-Fi slow", Kind::Incident),
    ("Cannot open the payroll share, access denied", Kind::Incident),
    ("Mail bounces to one supplier", Kind::Incident),
    ("Screen flickers", Kind::Incident),
    ("Backup reports a warning", Kind::Incident),
    ("Disk almost full", Kind::Incident),
    ("New starter kit", Kind::Request),
    ("Shared mailbox access", Kind::Request),
    ("Install the drawing program", Kind::Request),
    ("Leaver, last day Friday", Kind::Request),
    ("Second monitor", Kind::Request),
    ("Password reset for the portal", Kind::Request),
    ("Replace the switch before its support ends", Kind::Task),
    ("Renew the certificate of the intranet", Kind::Task),
];
const WHERE: &[&str] =
    &["floor 1", "floor 2", "floor 3", "from home", "meeting room Oslo", "warehouse", "reception", "Finance"];

/// What to load.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    /// How many tickets this call writes.
    pub count: u64,
    /// How many were written by calls before, and how many there will be in all: the oldest come first.
    pub from: u64,
    /// See `from`.
    pub total: u64,
    /// The same seed gives the same tickets.
    pub seed: u64,
    /// Things that some of them are about.
    pub assets: &'a [i64],
    /// Also make them findable by words; takes several times as long.
    pub searchable: bool,
}

/// Writes `load.count` tickets for the teams, people and places there are; at most some 20,000 a call, so that a write stays short.
/// A tenth is open; the rest is resolved or closed.
pub fn bulk(cx: &mut Cx, load: &Load<'_>) -> Result<Vec<i64>> {
    let teams = numbers(people::team_options(cx.tx)?);
    let users = numbers(people::user_options(cx.tx)?);
    let places = numbers(people::place_options(cx.tx)?);
    let mut random = Random(load.seed ^ load.from.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut ids = Vec::new();
    let mut batch = Vec::with_capacity(ROWS);
    for index in load.from..load.from.saturating_add(load.count) {
        batch.push(ticket(cx.now, &mut random, (index, load.total), &teams, &users, &places));
        if batch.len() == ROWS {
            write(cx, &mut batch, load, &mut random, &mut ids)?;
        }
    }
    write(cx, &mut batch, load, &mut random, &mut ids)?;
    Ok(ids)
}

fn numbers(options: Vec<(i64, String)>) -> Vec<i64> {
    options.into_iter().map(|(id, _)| id).collect()
}

fn write(cx: &mut Cx, batch: &mut Vec<Ticket>, load: &Load<'_>, random: &mut Random, ids: &mut Vec<i64>) -> Result<()> {
    let new = store::bulk::insert(cx.tx, batch)?;
    let about = new.iter().filter_map(|id| {
        let asset = random.pick(load.assets)?;
        random.one_in(3).then_some((*id, asset))
    });
    let about: Vec<(i64, i64)> = about.collect();
    store::bulk::link(cx.tx, &about, cx.now)?;
    if load.searchable {
        for (ticket, id) in batch.iter_mut().zip(&new) {
            ticket.id = *id;
            change::index(cx, ticket, &[])?;
        }
    }
    batch.clear();
    ids.extend(new);
    Ok(())
}

fn ticket(
    now: Time,
    random: &mut Random,
    (index, total): (u64, u64),
    teams: &[i64],
    users: &[i64],
    places: &[i64],
) -> Ticket {
    let left = i64::try_from(total.saturating_sub(index)).unwrap_or(i64::MAX);
    let step = SPAN / i64::try_from(total.max(1)).unwrap_or(i64::MAX).max(1);
    let created_at = now.plus(-step.saturating_mul(left)).plus(random.below(step.max(1)));
    let (what, kind) = random.pick(WHAT).unwrap_or(("Something is wrong", Kind::Incident));
    let place = random.pick(WHERE).unwrap_or("reception");
    let status = match random.below(100) {
        0..3 => Status::New,
        3..8 => Status::InProgress,
        8..10 => Status::Waiting,
        10..13 => Status::Resolved,
        _ => Status::Closed,
    };
    let owned = match status {
        Status::New => random.one_in(5),
        Status::InProgress | Status::Waiting => !random.one_in(10),
        _ => !random.one_in(20),
    };
    let priority = match random.below(100) {
        0..20 => Priority::Low,
        20..85 => Priority::Normal,
        85..97 => Priority::High,
        _ => Priority::Urgent,
    };
    let age = now.since(created_at).max(1);
    let updated_at = created_at.plus(random.below(age.min(14 * kernel::time::DAY)));
    Ticket {
        id: 0,
        kind,
        status,
        priority,
        summary: format!("{what}, {place}"),
        detail: format!("{what}. Seen at {place}, for the first time this week. A restart did not help."),
        team: random.pick(teams).unwrap_or(0),
        place: random.pick(places).unwrap_or(0),
        requester: random.pick(users).unwrap_or(0),
        owner: if owned { random.pick(users).unwrap_or(0) } else { 0 },
        source: if random.one_in(3) { Source::Console } else { Source::Portal },
        external_key: None,
        handled: owned,
        wait_reason: if status == Status::Waiting { "A part is ordered".to_owned() } else { String::new() },
        wait_until: if status == Status::Waiting { now.plus(7 * kernel::time::DAY) } else { Time(0) },
        version: 1,
        created_at,
        updated_at,
        resolved_at: if status.is_open() { Time(0) } else { updated_at },
    }
}

/// A small generator (splitmix64, Steele et al. 2014): the same seed gives the same tickets everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: i64) -> i64 {
        let end = u64::try_from(end).unwrap_or(1).max(1);
        i64::try_from(self.next() % end).unwrap_or(0)
    }

    fn one_in(&mut self, n: i64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let at = usize::try_from(self.below(i64::try_from(from.len()).unwrap_or(1))).unwrap_or(0);
        from.get(at).copied()
    }
}
