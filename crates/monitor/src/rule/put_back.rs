//! Undo of what takes rules away: a deleted rule comes back, and a rule file is again what it was before an import.

use std::collections::BTreeMap;

use kernel::{Cx, Error, Operation as _, Ref, Resolved, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::delete::DeleteRule;
use super::form::Form;
use super::import::{self, ImportRules};
use super::list::ListRules;
use super::words::Words;
use super::{Makes, NewRule, Stored, index};
use crate::check::Severity;
use crate::events::{RuleCreated, RulesImported};
use crate::limits::RULES_MAX;
use crate::store;

/// The field of a rule that is the whole of it: null while it is not there.
pub(super) const WHOLE: &str = "rule";
/// The field of a rule file that is its text.
pub(super) const TEXT: &str = "text";
/// Longest text of a file that is kept to be put back, in bytes.
const KEPT_BYTES_MAX: usize = 256 << 10;

/// A deleted rule, with the group it stood in.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Kept {
    name: String,
    makes: Makes,
    expr: String,
    form: Option<Form>,
    for_ms: i64,
    keep_firing_ms: i64,
    labels: Words,
    annotations: Words,
    severity: Severity,
    team: Option<i64>,
    asset: Option<i64>,
    paused: bool,
    position: i64,
    file: Option<String>,
    group_id: i64,
    group: String,
    group_position: i64,
    interval_ms: Option<i64>,
    offset_ms: Option<i64>,
    series_limit: Option<u64>,
    group_labels: Words,
}

impl Kept {
    pub(super) fn of(cx: &mut Cx, rule: &Stored) -> Result<Self> {
        let (group, group_position, position) = store::rule_files::place(cx.tx, rule.id)?;
        let (new, said) = (&rule.new, rule.new.rule.clone());
        Ok(Self {
            name: said.name,
            makes: if said.kind == rules::Kind::Alert { Makes::Alert } else { Makes::Record },
            expr: said.expr,
            form: new.form.clone(),
            for_ms: said.for_ms,
            keep_firing_ms: said.keep_firing_ms,
            labels: Words(said.labels),
            annotations: Words(said.annotations),
            severity: new.severity,
            team: new.team,
            asset: new.asset,
            paused: rule.paused,
            position,
            file: rule.file.clone(),
            group_id: rule.group_id,
            group: group.name,
            group_position,
            interval_ms: group.interval_ms,
            offset_ms: group.query_offset_ms,
            series_limit: group.limit,
            group_labels: Words(group.labels),
        })
    }

    fn new_rule(&self) -> NewRule {
        NewRule {
            rule: rules::Rule {
                kind: self.makes.kind(),
                name: self.name.clone(),
                expr: self.expr.clone(),
                for_ms: self.for_ms,
                keep_firing_ms: self.keep_firing_ms,
                labels: self.labels.0.clone(),
                annotations: self.annotations.0.clone(),
            },
            form: self.form.clone(),
            severity: self.severity,
            team: self.team,
            asset: self.asset,
            asset_team: None,
            place: None,
            owner: None,
        }
    }

    /// Its group, made once more when it went with its last rule. A rule whose file is gone is the house's own.
    fn in_group(&self, cx: &mut Cx) -> Result<i64> {
        if store::rule_files::is_group(cx.tx, self.group_id, &self.group)? {
            return Ok(self.group_id);
        }
        let file = match &self.file {
            Some(name) => store::rules::file(cx.tx, name)?.map(|file| file.id),
            None => None,
        };
        // An import makes the groups of a file anew, and a file has one of a name.
        let there = match file {
            Some(file) => store::rule_files::group_of(cx.tx, file, &self.group)?,
            None => store::rules::own_group(cx.tx, &self.group)?,
        };
        if let Some(there) = there {
            let same = |one: &Stored| {
                let rule = &one.new.rule;
                rule.name == self.name && rule.kind == self.makes.kind() && rule.expr == self.expr
            };
            if file.is_some() && store::rules::of_groups(cx.tx, &[there])?.iter().any(same) {
                return Err(Error::conflict("An import has brought it back already."));
            }
            return Ok(there);
        }
        let group = rules::Group {
            name: self.group.clone(),
            interval_ms: self.interval_ms,
            query_offset_ms: self.offset_ms,
            limit: self.series_limit,
            labels: self.group_labels.0.clone(),
            rules: Vec::new(),
        };
        store::rules::insert_group(cx.tx, file, self.group_position, &group)
    }
}

/// Puts a deleted rule back under a number of its own, as what was out under the old one ends; null takes it away again.
pub(super) fn rule(cx: &mut Cx, id: i64, value: &Value) -> Result<()> {
    cx.reach_everything(DeleteRule::NAME)?;
    if value.is_null() {
        if store::rules::is_there(cx.tx, id)? {
            cx.call(&DeleteRule { id, expected_version: None })?;
        }
        return Ok(());
    }
    let kept: Kept =
        serde_json::from_value(value.clone()).map_err(|_| Error::conflict("This rule cannot be put back."))?;
    if store::rules::count_all(cx.tx)? >= RULES_MAX {
        return Err(Error::over_limit(format!("There are {RULES_MAX} rules already, the most there may be.")));
    }
    let mut new = kept.new_rule();
    new.settle(cx, DeleteRule::NAME, None)?;
    let group = kept.in_group(cx)?;
    let again = store::rules::insert(cx.tx, group, kept.position, &new, cx.now)?;
    if kept.paused {
        store::rules::set_paused(cx.tx, again, true, cx.now)?;
    }
    index(cx, again, &new)?;
    let (before, now) = (Ref::new("rule", id), Ref::new("rule", again));
    // Also under the old number: what was undone once is not undone again.
    cx.changed(&before, WHOLE, Value::Null, value)?;
    cx.changed(&now, WHOLE, Value::Null, value)?;
    cx.emit(&RuleCreated { rule: now.clone(), name: kept.name })?;
    cx.touch(now);
    Ok(())
}

/// A rule file as it stands, to be put back.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct KeptFile {
    name: String,
    text: String,
    /// Which of its rules are paused, counted through the file.
    paused: Vec<usize>,
}

/// True when both texts of a file, before and after, are short enough to be kept.
pub(super) fn is_kept(one: &str, other: &str) -> bool {
    one.len().max(other.len()) <= KEPT_BYTES_MAX
}

impl KeptFile {
    /// A file that says this.
    fn of(cx: &mut Cx, id: i64, name: String, text: String) -> Result<Self> {
        let all = in_order(cx, id)?;
        let paused = all.iter().enumerate().filter(|(_, rule)| rule.paused).map(|(at, _)| at).collect();
        Ok(Self { name, text, paused })
    }

    /// The file of this name, before a text takes its place: null when there is none. Nothing when one of the two is too long to
    /// be kept with the change.
    pub(super) fn before(
        cx: &mut Cx,
        name: &str,
        text: &str,
        at_hand: &[(&str, &rules::RuleFile)],
    ) -> Result<Option<Value>> {
        let file = store::rules::file(cx.tx, name)?;
        if !is_kept(text, file.as_ref().map_or("", |file| &file.body)) {
            return Ok(None);
        }
        let Some(file) = file else { return Ok(Some(Value::Null)) };
        let id = file.id;
        let now = super::export::of_file(cx, file, at_hand)?;
        Ok(Some(json!(Self::of(cx, id, now.name, now.text)?)))
    }

    /// The file of this name, whose rules are as its text says.
    pub(super) fn as_read(cx: &mut Cx, name: &str) -> Result<Option<Self>> {
        let file = store::rules::file(cx.tx, name)?;
        file.map(|file| Self::of(cx, file.id, file.name, file.body)).transpose()
    }
}

/// The rules of a file, as it lists them.
fn in_order(cx: &mut Cx, file: i64) -> Result<Vec<Stored>> {
    let groups: Vec<i64> = store::rules::groups_of(cx.tx, Some(file))?.into_iter().map(|(id, _)| id).collect();
    let mut all = store::rules::of_groups(cx.tx, &groups)?;
    let places: BTreeMap<i64, usize> = groups.into_iter().enumerate().map(|(at, id)| (id, at)).collect();
    all.sort_by_key(|rule| places.get(&rule.group_id).copied());
    Ok(all)
}

/// Puts a rule file back to an earlier text; null takes it away with its rules.
pub(crate) fn file(cx: &mut Cx, id: i64, field: &str, value: &Value) -> Result<()> {
    cx.reach_everything(ImportRules::NAME)?;
    let wrong = || Error::conflict("This import cannot be put back. Import the file as it is to be.");
    if field != TEXT {
        return Err(wrong());
    }
    let there = store::rule_files::names(cx.tx, &[id])?.into_iter().next();
    let there = there.map(|(_, name)| store::rules::file(cx.tx, &name)).transpose()?.flatten();
    if let Some(file) = there {
        let now = super::export::of_file(cx, file, &[])?;
        if !now.unchanged {
            let words = format!(
                "Rules of {} were changed since, so it is not put back. Import the file as it is to be.",
                now.name
            );
            return Err(Error::conflict(words));
        }
    }
    if value.is_null() {
        return remove(cx, id);
    }
    let kept: KeptFile = serde_json::from_value(value.clone()).map_err(|_| wrong())?;
    let read = rules::RuleFile::parse(&kept.text).map_err(|_| wrong())?;
    // Its rules were just found to be as its text says.
    let before = KeptFile::as_read(cx, &kept.name)?;
    let old = is_kept(&kept.text, before.as_ref().map_or("", |file| &file.text)).then(|| json!(before));
    let file = import::put(cx, &kept.name, (&kept.text, &read), old)?.0;
    let in_file = in_order(cx, file)?;
    for rule in kept.paused.iter().filter_map(|at| in_file.get(*at)).filter(|rule| !rule.paused) {
        store::rules::set_paused(cx.tx, rule.id, true, cx.now)?;
    }
    Ok(())
}

/// Takes a file away that an import brought, with its rules.
fn remove(cx: &mut Cx, id: i64) -> Result<()> {
    let Some((_, name)) = store::rule_files::names(cx.tx, &[id])?.into_iter().next() else { return Ok(()) };
    let kept = KeptFile::as_read(cx, &name)?;
    for rule in in_order(cx, id)? {
        store::rules::delete_row(cx.tx, rule.id)?;
        cx.unindex(&rule.reference())?;
    }
    store::rule_files::delete_empty(cx.tx, id)?;
    let subject = Ref::new("rule_file", id);
    cx.changed(&subject, TEXT, kept, Value::Null)?;
    cx.emit(&RulesImported { file: subject, name, rules: 0 })?;
    cx.touch(Ref::new("rule", 0));
    Ok(())
}

/// Titles and pages of rule files, for references.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    if cx.actor.reach(ListRules::OPERATION, cx.now).is_none_or(|reach| !reach.everything) {
        return Ok(Vec::new());
    }
    let href = |name: &str| kernel::address::with_query("/monitoring/rules/files", &[("file", name)]);
    let found = store::rule_files::names(cx.tx, ids)?;
    Ok(found.into_iter().map(|(id, title)| Resolved { id, href: href(&title), title }).collect())
}
