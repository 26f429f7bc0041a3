//! The attention list in SQL.

use super::{Attention, Need};
use crate::db::Tx;
use crate::error::Result;
use crate::reference::Ref;

pub(crate) fn put(tx: &mut Tx<'_>, one: &Attention) -> Result<()> {
    tx.execute(
        "INSERT INTO kernel_attention (kind, ref_id, need, title, why, mark, word, weight, since, action, href, team_id, user_id, \"grant\") \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
         ON CONFLICT (kind, ref_id, need) DO UPDATE SET title = excluded.title, why = excluded.why, mark = excluded.mark, word = excluded.word, \
         weight = excluded.weight, action = excluded.action, href = excluded.href, team_id = excluded.team_id, user_id = excluded.user_id, \
         \"grant\" = excluded.\"grant\"",
        &[
            one.subject.kind.as_ref().into(),
            one.subject.id.into(),
            one.need.into(),
            (&one.title).into(),
            (&one.why).into(),
            one.mark.as_str().into(),
            one.word.into(),
            one.weight.into(),
            one.since.into(),
            one.action.into(),
            (&one.href).into(),
            one.team.into(),
            one.user.into(),
            one.grant.into(),
        ],
    )?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, subject: &Ref, need: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM kernel_attention WHERE kind = ?1 AND ref_id = ?2 AND need = ?3",
        &[subject.kind.as_ref().into(), subject.id.into(), need.into()],
    )?;
    Ok(())
}

pub(super) fn all(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Need>> {
    let rows = tx.query(
        "SELECT kind, ref_id, title, why, mark, word, weight, since, action, href, team_id, user_id, \"grant\" \
         FROM kernel_attention ORDER BY weight DESC, since LIMIT ?1",
        &[limit.into()],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Need {
                subject: Ref { kind: std::borrow::Cow::Owned(row.text(0)?), id: row.int(1)? },
                title: row.text(2)?,
                why: row.text(3)?,
                mark: row.text(4)?,
                word: row.text(5)?,
                weight: row.int(6)?,
                since: row.time(7)?,
                action: row.text(8)?,
                href: row.text(9)?,
                team: row.opt_int(10)?,
                user: row.opt_int(11)?,
                grant: row.text(12)?,
                score: 0,
                reason: String::new(),
            })
        })
        .collect()
}
