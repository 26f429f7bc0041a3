//! Messages and the answers to them in SQL.

use std::collections::BTreeMap;

use kernel::db::{Query, Row, Tx};
use kernel::limits::COUNT_MAX;
use kernel::permission::Visible;
use kernel::{Reach, Result, Time};

use super::{Attempt, Message, MessageState, Recipient, Said};

const COLUMNS: &str = "SELECT id, at, what, group_id, page_id, step, round, user_id, lane, address, label, contact, subject, lines, severity, \
                       team_id, place_id, state, attempts, answer, sent_at FROM paging_messages";

fn message(row: &Row) -> Result<Message> {
    let some = |column| Ok(Some(row.int(column)?).filter(|id| *id != 0));
    Ok(Message {
        id: row.int(0)?,
        at: row.time(1)?,
        what: row.text(2)?,
        group: some(3)?,
        page: row.int(4)?,
        step: row.int(5)?,
        round: row.int(6)?,
        user: some(7)?,
        lane: row.text(8)?,
        address: row.text(9)?,
        to: row.text(10)?,
        contact: row.int(11)?,
        subject: row.text(12)?,
        lines: row.json(13)?,
        severity: row.text(14)?,
        team: row.opt_int(15)?,
        place: row.opt_int(16)?,
        state: MessageState::parse(row.str(17)?).unwrap_or_default(),
        attempts: row.int(18)?,
        answer: row.text(19)?,
        sent_at: Some(row.time(20)?).filter(|at| at.0 != 0),
    })
}

/// Adds a message; false when one with its key is there.
pub(crate) fn insert(tx: &mut Tx<'_>, said: &Said, to: &Recipient, key: &str, now: Time) -> Result<bool> {
    let lines = serde_json::Value::from(said.lines.clone());
    let added = tx.execute(
        "INSERT INTO paging_messages (dedup, what, group_id, page_id, step, round, user_id, lane, address, label, contact, subject, lines, \
         severity, team_id, place_id, state, attempts, answer, at, send_at, sent_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
         ?12, ?13, ?14, ?15, ?16, 'waiting', 0, '', ?17, ?17, 0) ON CONFLICT (dedup) DO NOTHING",
        &[
            key.into(),
            said.what.as_str().into(),
            said.group.into(),
            said.page.into(),
            said.step.into(),
            said.round.into(),
            to.user.into(),
            (&to.lane).into(),
            (&to.address).into(),
            (&to.label).into(),
            to.contact.into(),
            (&said.subject).into(),
            (&lines).into(),
            (&said.severity).into(),
            said.team.into(),
            said.place.into(),
            now.into(),
        ],
    )?;
    Ok(added == 1)
}

pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Message>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id = ").bind(id);
    tx.run(&query)?.first().map(message).transpose()
}

/// What is due on a lane, oldest first.
pub(crate) fn due(tx: &mut Tx<'_>, lane: &str, now: Time, rows: usize) -> Result<Vec<Message>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE lane = ").bind(lane).push(" AND state = 'waiting' AND send_at <= ").bind(now);
    query.push(" ORDER BY send_at, id LIMIT ").bind(rows);
    tx.run(&query)?.iter().map(message).collect()
}

/// When the next message of a lane is due.
pub(crate) fn next(tx: &mut Tx<'_>, lane: &str) -> Result<Option<Time>> {
    let sql = "SELECT send_at FROM paging_messages WHERE lane = ?1 AND state = 'waiting' ORDER BY send_at LIMIT 1";
    tx.first(sql, &[lane.into()])?.map(|row| row.time(0)).transpose()
}

/// Lanes with something that should have left before a moment.
pub(crate) fn stuck(tx: &mut Tx<'_>, before: Time) -> Result<Vec<String>> {
    tx.query(
        "SELECT DISTINCT lane FROM paging_messages WHERE state = 'waiting' AND send_at <= ?1 LIMIT 100",
        &[before.into()],
    )?
    .iter()
    .map(|row| row.text(0))
    .collect()
}

pub(crate) fn log(tx: &mut Tx<'_>, id: i64, attempt: &Attempt) -> Result<()> {
    tx.execute(
        "INSERT INTO paging_attempts (message_id, at, attempt, ok, answer) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[id.into(), attempt.at.into(), attempt.attempt.into(), attempt.ok.into(), (&attempt.answer).into()],
    )?;
    Ok(())
}

/// Writes down how a try ended.
pub(crate) fn tried(
    tx: &mut Tx<'_>,
    message: &Message,
    state: MessageState,
    attempt: &Attempt,
    send_at: Time,
) -> Result<()> {
    let sent_at = if state == MessageState::Sent { attempt.at } else { Time(0) };
    tx.execute(
        "UPDATE paging_messages SET state = ?1, attempts = ?2, answer = ?3, send_at = ?4, sent_at = ?5 WHERE id = ?6",
        &[
            state.as_str().into(),
            attempt.attempt.into(),
            (&attempt.answer).into(),
            send_at.into(),
            sent_at.into(),
            message.id.into(),
        ],
    )?;
    Ok(())
}

/// Pages and recoveries for people that wait on a lane, after one of them, oldest first.
pub(crate) fn waiting_for_people(tx: &mut Tx<'_>, lane: &str, after: i64, rows: usize) -> Result<Vec<Message>> {
    let mut query = Query::new(COLUMNS);
    query
        .push(" WHERE lane = ")
        .bind(lane)
        .push(" AND state = 'waiting' AND user_id > 0 AND what IN ('page', 'recovery') AND id > ")
        .bind(after);
    query.push(" ORDER BY id LIMIT ").bind(rows);
    tx.run(&query)?.iter().map(message).collect()
}

/// A message does not leave by its own way, as the person is told by another.
pub(crate) fn hand_over(tx: &mut Tx<'_>, id: i64, answer: &str) -> Result<()> {
    tx.execute("UPDATE paging_messages SET state = 'failed', answer = ?1 WHERE id = ?2", &[answer.into(), id.into()])?;
    Ok(())
}

/// Announcements of other lanes' failures that wait on a lane do not leave by it.
pub(crate) fn drop_announcements(tx: &mut Tx<'_>, lane: &str, answer: &str) -> Result<u64> {
    tx.execute(
        "UPDATE paging_messages SET state = 'failed', answer = ?1 WHERE lane = ?2 AND state = 'waiting' AND what = 'failing' \
         AND dedup >= 'failing/' AND dedup < 'failing0'",
        &[answer.into(), lane.into()],
    )
}

/// Announcements that wait on a lane and are of no lane's failure, oldest first, at most 200.
pub(crate) fn announced_on(tx: &mut Tx<'_>, lane: &str) -> Result<Vec<Message>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE lane = ").bind(lane).push(" AND state = 'waiting' AND what = 'failing'");
    query.push(" AND (dedup < 'failing/' OR dedup >= 'failing0') ORDER BY id LIMIT 200");
    tx.run(&query)?.iter().map(message).collect()
}

/// The key of a message.
pub(crate) fn key(tx: &mut Tx<'_>, id: i64) -> Result<String> {
    let row = tx.first("SELECT dedup FROM paging_messages WHERE id = ?1", &[id.into()])?;
    row.map_or_else(|| Ok(String::new()), |row| row.text(0))
}

/// Stops what has not left yet under keys that begin alike: what it tells is over.
pub(crate) fn stop_announcements(tx: &mut Tx<'_>, prefix: &str) -> Result<u64> {
    tx.execute(
        "UPDATE paging_messages SET state = 'stopped' WHERE dedup >= ?1 AND dedup < ?2 AND state = 'waiting'",
        &[prefix.into(), format!("{prefix}\u{10ffff}").into()],
    )
}

/// Stops what has not left yet of an alert group's pages.
pub(crate) fn stop(tx: &mut Tx<'_>, group: i64) -> Result<u64> {
    tx.execute(
        "UPDATE paging_messages SET state = 'stopped' WHERE group_id = ?1 AND what = 'page' AND state = 'waiting'",
        &[group.into()],
    )
}

/// Stops what has not left yet of an escalation, unless it names another alert, of which nobody else may speak to its reader.
pub(crate) fn stop_page(tx: &mut Tx<'_>, group: i64, page: i64) -> Result<u64> {
    tx.execute(
        "UPDATE paging_messages SET state = 'stopped' WHERE group_id = ?1 AND page_id = ?2 AND what = 'page' AND state = 'waiting' AND lines NOT LIKE ?3",
        &[group.into(), page.into(), crate::page::own::NAMES_ANOTHER.into()],
    )
}

/// Who was told that an alert group is open since a moment, or is about to be, with what they read; the newest first, at most 500.
pub(crate) fn paged_since(tx: &mut Tx<'_>, group: i64, since: Time) -> Result<Vec<Message>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE group_id = ").bind(group).push(" AND what = 'page' AND state IN ('waiting', 'sent') AND at >= ");
    query.bind(since).push(" ORDER BY id DESC LIMIT 500");
    tx.run(&query)?.iter().map(message).collect()
}

/// Stops what has not left yet of what tells that an alert group is over.
pub(crate) fn stop_recoveries(tx: &mut Tx<'_>, group: i64) -> Result<u64> {
    tx.execute(
        "UPDATE paging_messages SET state = 'stopped' WHERE group_id = ?1 AND what = 'recovery' AND state = 'waiting'",
        &[group.into()],
    )
}

/// Who was told that groups are open, since they opened or were back last: the messages that were taken, one a recipient.
pub(crate) fn told(tx: &mut Tx<'_>, groups: &[i64]) -> Result<Vec<Recipient>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE what = 'page' AND state = 'sent' AND group_id IN ").list(groups);
    query.push(" AND id > (SELECT g.again_from FROM paging_groups g WHERE g.group_id = paging_messages.group_id)");
    query.push(" ORDER BY id LIMIT 2000");
    let mut all: Vec<Recipient> = Vec::new();
    for row in tx.run(&query)? {
        let one = message(&row)?.recipient();
        if !all.iter().any(|known| (&known.lane, &known.address) == (&one.lane, &one.address)) {
            all.push(one);
        }
    }
    Ok(all)
}

/// Messages that alert groups are open or over, since they opened or were back last: those that were taken first, at most so many;
/// answered oldest first.
pub(crate) fn of_groups(tx: &mut Tx<'_>, groups: &[i64], rows: usize) -> Result<Vec<Message>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE what IN ('page', 'recovery') AND group_id IN ").list(groups);
    query.push(
        " AND id > COALESCE((SELECT g.again_from FROM paging_groups g WHERE g.group_id = paging_messages.group_id), 0)",
    );
    query.push(" ORDER BY CASE WHEN state = 'sent' THEN 0 ELSE 1 END, id DESC LIMIT ").bind(rows);
    let mut all: Vec<Message> = tx.run(&query)?.iter().map(message).collect::<Result<_>>()?;
    all.sort_by_key(|one| one.id);
    Ok(all)
}

/// The messages under keys that begin alike, newest first, at most 200: the key and where each is.
pub(crate) fn under(tx: &mut Tx<'_>, prefix: &str) -> Result<Vec<(String, MessageState)>> {
    let end = format!("{prefix}\u{10ffff}");
    let mut query = Query::new("SELECT dedup, state FROM paging_messages WHERE dedup >= ");
    query.bind(prefix).push(" AND dedup < ").bind(end).push(" ORDER BY id DESC LIMIT 200");
    let of = |row: &Row| Ok((row.text(0)?, MessageState::parse(row.str(1)?).unwrap_or_default()));
    tx.run(&query)?.iter().map(of).collect()
}

/// Who was told under keys that begin alike.
pub(crate) fn told_of(tx: &mut Tx<'_>, prefix: &str) -> Result<Vec<Recipient>> {
    let end = format!("{prefix}\u{10ffff}");
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE state = 'sent' AND dedup >= ").bind(prefix).push(" AND dedup < ").bind(end).push(" LIMIT 100");
    tx.run(&query)?.iter().map(|row| message(row).map(|one| one.recipient())).collect()
}

pub(crate) fn attempts(tx: &mut Tx<'_>, id: i64) -> Result<Vec<Attempt>> {
    tx.query(
        "SELECT at, attempt, ok, answer FROM paging_attempts WHERE message_id = ?1 ORDER BY id LIMIT 100",
        &[id.into()],
    )?
    .iter()
    .map(|row| Ok(Attempt { at: row.time(0)?, attempt: row.int(1)?, ok: row.bool(2)?, answer: row.text(3)? }))
    .collect()
}

/// The tries of several messages, oldest first, at most 500.
pub(crate) fn attempts_of(tx: &mut Tx<'_>, messages: &[i64]) -> Result<BTreeMap<i64, Vec<Attempt>>> {
    let mut query = Query::new("SELECT message_id, at, attempt, ok, answer FROM paging_attempts WHERE message_id IN ");
    query.list(messages).push(" ORDER BY message_id, id LIMIT 500");
    let mut all: BTreeMap<i64, Vec<Attempt>> = BTreeMap::new();
    for row in tx.run(&query)? {
        let one = Attempt { at: row.time(1)?, attempt: row.int(2)?, ok: row.bool(3)?, answer: row.text(4)? };
        all.entry(row.int(0)?).or_default().push(one);
    }
    Ok(all)
}

/// Which messages are wanted.
#[derive(Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<MessageState>,
    pub(crate) group: Option<i64>,
    pub(crate) user: Option<i64>,
}

/// Who sees a message: those who see what it is about, and the person it was for.
const SEEN: Visible = Visible { place: "place_id", team: "team_id", owner: Some("user_id") };

fn narrowed(query: &mut Query, filter: &Filter, before: i64) {
    query.push(" AND id < ").bind(before);
    if let Some(state) = filter.state {
        // As text: an index of the few that were not sent is chosen by it.
        query.push(" AND state = '").push(state.as_str()).push("'");
        query.push(if state == MessageState::Sent { "" } else { " AND state <> 'sent'" });
    }
    if let Some(group) = filter.group {
        query.push(" AND group_id = ").bind(group);
    }
    if let Some(user) = filter.user {
        query.push(" AND user_id = ").bind(user);
    }
}

/// The numbers of the newest messages that fit and that a reach covers.
fn newest(query: &mut Query, filter: &Filter, reach: &Reach, before: i64, rows: i64) {
    const FROM: &str = "SELECT id FROM paging_messages WHERE id > 0";
    if filter.group.is_some() || filter.user.is_some() {
        // These are found by an index of their own, and are few.
        query.push(FROM);
        narrowed(query, filter, before);
        SEEN.narrow(query, reach);
        query.push(" ORDER BY id DESC LIMIT ").bind(rows);
    } else {
        SEEN.newest(query, reach, rows, FROM, &|query| narrowed(query, filter, before));
    }
}

fn page_query(filter: &Filter, reach: &Reach, before: i64, rows: usize) -> Query {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id IN (");
    newest(&mut query, filter, reach, before, i64::try_from(rows).unwrap_or(i64::MAX));
    query.push(") ORDER BY id DESC");
    query
}

fn count_query(filter: &Filter, reach: &Reach) -> Query {
    let mut query = Query::new("SELECT id FROM (");
    newest(&mut query, filter, reach, i64::MAX, COUNT_MAX);
    query.push(") AS those");
    query.counted(COUNT_MAX)
}

pub(crate) fn page(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach, before: i64, rows: usize) -> Result<Vec<Message>> {
    tx.run(&page_query(filter, reach, before, rows))?.iter().map(message).collect()
}

/// One that a reach covers.
pub(crate) fn find(tx: &mut Tx<'_>, id: i64, reach: &Reach) -> Result<Option<Message>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id = ").bind(id);
    SEEN.narrow(&mut query, reach);
    tx.run(&query)?.first().map(message).transpose()
}

/// How many fit, counted up to the limit.
pub(crate) fn count(tx: &mut Tx<'_>, filter: &Filter, reach: &Reach) -> Result<i64> {
    tx.count(&count_query(filter, reach))
}

/// Deletes messages older than a moment, with the answers to them; answers how many.
pub(crate) fn clean(tx: &mut Tx<'_>, before: Time, rows: i64) -> Result<u64> {
    let old =
        tx.query("SELECT id FROM paging_messages WHERE at < ?1 ORDER BY at LIMIT ?2", &[before.into(), rows.into()])?;
    let ids: Vec<i64> = old.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    let mut answers = Query::new("DELETE FROM paging_attempts WHERE message_id IN ");
    answers.list(&ids);
    tx.run(&answers)?;
    let mut messages = Query::new("DELETE FROM paging_messages WHERE id IN ");
    messages.list(&ids);
    tx.run(&messages)?;
    Ok(ids.len() as u64)
}

#[cfg(test)]
mod tests;
