//! The outbox and its log in SQL.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Notification, Recipient};
use crate::db::{Query, Row, Tx};
use crate::error::Result;
use crate::reference::Ref;
use crate::time::Time;

/// A message to one recipient.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Outgoing {
    /// Its number.
    pub id: i64,
    /// When it was put into the outbox.
    pub at: Time,
    /// By whom.
    pub actor: String,
    /// `email` or `webhook`.
    pub channel: String,
    /// The address or the webhook's name.
    pub recipient: String,
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// What it is about.
    pub about: Ref,
    /// `waiting`, `sent`, `failed` or `stopped`.
    pub state: String,
    /// Not before this moment.
    pub send_at: Time,
}

/// One try to deliver a message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Delivery {
    /// When.
    pub at: Time,
    /// Which try, from 1.
    pub attempt: i64,
    /// True when the other side took it.
    pub ok: bool,
    /// What the other side said.
    pub answer: String,
}

const COLUMNS: &str =
    "SELECT id, at, actor, channel, recipient, subject, body, kind, ref_id, state, send_at FROM kernel_notifications";

fn outgoing(row: &Row) -> Result<Outgoing> {
    Ok(Outgoing {
        id: row.int(0)?,
        at: row.time(1)?,
        actor: row.text(2)?,
        channel: row.text(3)?,
        recipient: row.text(4)?,
        subject: row.text(5)?,
        body: row.text(6)?,
        about: Ref { kind: row.text(7)?.into(), id: row.int(8)? },
        state: row.text(9)?,
        send_at: row.time(10)?,
    })
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    notification: &Notification,
    recipient: &Recipient,
    actor: &str,
    send_at: Time,
    now: Time,
) -> Result<i64> {
    let (channel, to) = match recipient {
        Recipient::Email(address) => ("email", address),
        Recipient::Webhook(name) => ("webhook", name),
    };
    tx.insert(
        "INSERT INTO kernel_notifications (at, actor, channel, recipient, subject, body, kind, ref_id, state, send_at, undoable) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting', ?9, ?10) RETURNING id",
        &[
            now.into(),
            actor.into(),
            channel.into(),
            to.into(),
            crate::text::shorten(&notification.subject, 200).into(),
            (&notification.body).into(),
            notification.about.kind.as_ref().into(),
            notification.about.id.into(),
            send_at.into(),
            notification.undo_delay.into(),
        ],
    )
}

pub(super) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Outgoing>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id = ").bind(id);
    tx.run(&query)?.first().map(outgoing).transpose()
}

pub(super) fn list(
    tx: &mut Tx<'_>,
    state: Option<&str>,
    about: Option<&Ref>,
    before: i64,
    rows: usize,
) -> Result<Vec<Outgoing>> {
    let mut query = Query::new(COLUMNS);
    query.push(" WHERE id < ").bind(before);
    if let Some(state) = state {
        query.push(" AND state = ").bind(state);
    }
    if let Some(about) = about {
        query.push(" AND kind = ").bind(about.kind.as_ref()).push(" AND ref_id = ").bind(about.id);
    }
    query.push(" ORDER BY id DESC LIMIT ").bind(rows);
    tx.run(&query)?.iter().map(outgoing).collect()
}

/// Stops what a call of an actor at a moment put into the outbox and what is not due yet.
pub(super) fn stop(tx: &mut Tx<'_>, actor: &str, at: Time, now: Time) -> Result<u64> {
    tx.execute(
        "UPDATE kernel_notifications SET state = 'stopped' WHERE at = ?1 AND actor = ?2 AND state = 'waiting' AND undoable = 1 AND send_at > ?3",
        &[at.into(), actor.into(), now.into()],
    )
}

pub(super) fn set_state(tx: &mut Tx<'_>, id: i64, state: &str) -> Result<()> {
    tx.execute("UPDATE kernel_notifications SET state = ?1 WHERE id = ?2", &[state.into(), id.into()])?;
    Ok(())
}

pub(super) fn log(tx: &mut Tx<'_>, id: i64, attempt: i64, ok: bool, answer: &str, now: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO kernel_deliveries (notification_id, at, attempt, ok, answer) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[id.into(), now.into(), attempt.into(), ok.into(), answer.into()],
    )?;
    Ok(())
}

pub(super) fn deliveries(tx: &mut Tx<'_>, id: i64) -> Result<Vec<Delivery>> {
    let rows = tx.query(
        "SELECT at, attempt, ok, answer FROM kernel_deliveries WHERE notification_id = ?1 ORDER BY id LIMIT 100",
        &[id.into()],
    )?;
    rows.iter()
        .map(|row| Ok(Delivery { at: row.time(0)?, attempt: row.int(1)?, ok: row.bool(2)?, answer: row.text(3)? }))
        .collect()
}
