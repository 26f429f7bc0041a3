//! Channels, contacts and the state of lanes in SQL.

use kernel::db::{Row, Tx};
use kernel::{Result, Time};

use super::contact::Contact;
use super::lane::Health;
use super::{CHANNELS_MAX, Channel, Kind};

fn channel(row: &Row) -> Result<Channel> {
    Ok(Channel {
        id: row.int(0)?,
        name: row.text(1)?,
        kind: Kind::parse(row.str(2)?).unwrap_or_default(),
        config: row.json(3)?,
        enabled: row.bool(4)?,
        version: row.int(5)?,
    })
}

/// All channels by name.
pub(crate) fn all(tx: &mut Tx<'_>) -> Result<Vec<Channel>> {
    let sql = "SELECT id, name, kind, config, enabled, version FROM paging_channels ORDER BY name LIMIT ?1";
    tx.query(sql, &[CHANNELS_MAX.into()])?.iter().map(channel).collect()
}

pub(crate) fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Channel>> {
    let sql = "SELECT id, name, kind, config, enabled, version FROM paging_channels WHERE id = ?1";
    tx.first(sql, &[id.into()])?.as_ref().map(channel).transpose()
}

pub(crate) fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>> {
    tx.first("SELECT id FROM paging_channels WHERE name = ?1", &[name.into()])?.map(|row| row.int(0)).transpose()
}

pub(crate) fn insert(tx: &mut Tx<'_>, new: &Channel, config: &str) -> Result<i64> {
    tx.insert(
        "INSERT INTO paging_channels (name, kind, config, enabled, version) VALUES (?1, ?2, ?3, ?4, 1) RETURNING id",
        &[(&new.name).into(), new.kind.as_str().into(), config.into(), new.enabled.into()],
    )
}

pub(crate) fn update(tx: &mut Tx<'_>, new: &Channel, config: &str) -> Result<()> {
    tx.execute(
        "UPDATE paging_channels SET name = ?1, kind = ?2, config = ?3, enabled = ?4, version = version + 1 WHERE id = ?5",
        &[(&new.name).into(), new.kind.as_str().into(), config.into(), new.enabled.into(), new.id.into()],
    )?;
    Ok(())
}

/// What is kept of each channel, as it stands in its row.
pub(crate) fn configs(tx: &mut Tx<'_>) -> Result<Vec<(i64, serde_json::Value)>> {
    let rows = tx.query("SELECT id, config FROM paging_channels ORDER BY id LIMIT ?1", &[CHANNELS_MAX.into()])?;
    rows.iter().map(|row| Ok((row.int(0)?, row.json(1)?))).collect()
}

/// Puts what is kept of a channel in another form.
pub(crate) fn set_config(tx: &mut Tx<'_>, id: i64, config: &str) -> Result<()> {
    tx.execute("UPDATE paging_channels SET config = ?1 WHERE id = ?2", &[config.into(), id.into()])?;
    Ok(())
}

pub(crate) fn remove(tx: &mut Tx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM paging_channels WHERE id = ?1", &[id.into()])?;
    drop_lane(tx, &format!("channel:{id}"))
}

/// A policy or a person that names a channel, in words; `None` when nothing does.
pub(crate) fn used_by(tx: &mut Tx<'_>, id: i64) -> Result<Option<String>> {
    if let Some(row) = tx.first("SELECT user_id FROM paging_contacts WHERE channel_id = ?1 LIMIT 1", &[id.into()])? {
        let user = row.int(0)?;
        let name = people::names(tx, "user", &[user])?.remove(&user).unwrap_or_else(|| format!("user:{user}"));
        return Ok(Some(format!("{name} is told by it")));
    }
    let text = format!("channel:{id}");
    let names = |policy: &&crate::policy::Policy| policy.steps.iter().any(|step| step.targets.contains(&text));
    let policies = crate::policy::store::all(tx)?;
    Ok(policies.iter().find(names).map(|policy| format!("the policy \"{}\" names it", policy.name)))
}

/// By which channels a person is told, in order.
pub(crate) fn contacts(tx: &mut Tx<'_>, user: i64) -> Result<Vec<Contact>> {
    let sql = "SELECT channel_id, address, severity, hours FROM paging_contacts WHERE user_id = ?1 ORDER BY position, id LIMIT 20";
    tx.query(sql, &[user.into()])?
        .iter()
        .map(|row| {
            let channel = Some(row.int(0)?).filter(|id| *id != 0);
            Ok(Contact { channel, address: row.text(1)?, severity: row.text(2)?, hours: row.text(3)? })
        })
        .collect()
}

pub(crate) fn set_contacts(tx: &mut Tx<'_>, user: i64, all: &[Contact]) -> Result<()> {
    tx.execute("DELETE FROM paging_contacts WHERE user_id = ?1", &[user.into()])?;
    for (position, one) in (1_i64..).zip(all) {
        tx.execute(
            "INSERT INTO paging_contacts (user_id, position, channel_id, address, severity, hours) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &[
                user.into(),
                position.into(),
                one.channel.unwrap_or(0).into(),
                (&one.address).into(),
                (&one.severity).into(),
                (&one.hours).into(),
            ],
        )?;
    }
    Ok(())
}

const HEALTH: &str =
    "SELECT lane, failing_since, failures, retry_at, answer, seen_at, tested_at, test_ok FROM paging_lanes";

fn health(row: &Row) -> Result<Health> {
    let some = |column| Ok(Some(row.time(column)?).filter(|at| at.0 != 0));
    Ok(Health {
        lane: row.text(0)?,
        failing_since: some(1)?,
        failures: row.int(2)?,
        retry_at: row.time(3)?,
        answer: row.text(4)?,
        seen_at: some(5)?,
        tested_at: some(6)?,
        test_ok: row.bool(7)?,
    })
}

/// How every way out stands that was ever used.
pub(crate) fn healths(tx: &mut Tx<'_>) -> Result<Vec<Health>> {
    let mut query = kernel::db::Query::new(HEALTH);
    query.push(" ORDER BY lane LIMIT 500");
    tx.run(&query)?.iter().map(health).collect()
}

/// How one way out stands.
pub(crate) fn lane(tx: &mut Tx<'_>, lane: &str) -> Result<Health> {
    let mut query = kernel::db::Query::new(HEALTH);
    query.push(" WHERE lane = ").bind(lane);
    let found = tx.run(&query)?.first().map(health).transpose()?;
    Ok(found.unwrap_or_else(|| Health { lane: lane.to_owned(), ..Health::default() }))
}

/// What is known of a lane is not wanted any more.
pub(crate) fn drop_lane(tx: &mut Tx<'_>, lane: &str) -> Result<()> {
    tx.execute("DELETE FROM paging_lanes WHERE lane = ?1", &[lane.into()])?;
    Ok(())
}

pub(crate) fn put_lane(tx: &mut Tx<'_>, health: &Health) -> Result<()> {
    let micros = |at: Option<Time>| at.unwrap_or_default();
    tx.execute(
        "INSERT INTO paging_lanes (lane, failing_since, failures, retry_at, answer, seen_at, tested_at, test_ok) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (lane) DO UPDATE SET failing_since = excluded.failing_since, \
         failures = excluded.failures, retry_at = excluded.retry_at, answer = excluded.answer, seen_at = excluded.seen_at, \
         tested_at = excluded.tested_at, test_ok = excluded.test_ok",
        &[
            (&health.lane).into(),
            micros(health.failing_since).into(),
            health.failures.into(),
            health.retry_at.into(),
            (&health.answer).into(),
            micros(health.seen_at).into(),
            micros(health.tested_at).into(),
            health.test_ok.into(),
        ],
    )?;
    Ok(())
}
