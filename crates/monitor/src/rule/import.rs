//! Rule files in.

use kernel::{Access, Cx, Effect, Error, Operation, PrepareCx, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::put_back::{self, KeptFile};
use super::{NewRule, severity_of};
use crate::Labels;
use crate::limits::RULES_MAX;
use crate::store;

/// Import a Prometheus rule file. A file of the same name is replaced: rules that are in both go on with their alerts.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ImportRules {
    /// Name of the file, for example node.yml.
    pub name: String,
    /// Its text.
    pub text: String,
    #[serde(skip)]
    read: Option<rules::RuleFile>,
    /// The file that is there, when its text is another one.
    #[serde(skip)]
    before: Option<(String, rules::RuleFile)>,
}

/// What an import did.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// Name of the file.
    pub name: String,
    /// Groups in it.
    pub groups: usize,
    /// Rules that are new.
    pub added: usize,
    /// Rules that are in both.
    pub kept: usize,
    /// Rules that are not in the new file and were deleted.
    pub removed: usize,
    /// Alerts whose label severity is none, info, information or debug: they are looked at and told to nobody.
    pub quiet: usize,
}

impl Operation for ImportRules {
    const NAME: &'static str = "monitor.rule.import";
    const ROUTE: Route = post("/monitor/rule-files");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const FIELD_BYTES_MAX: usize = rules::FILE_BYTES_MAX;
    type Output = Imported;

    /// Reads both texts here, as that may take longer than a transaction should.
    fn prepare(&mut self, cx: &PrepareCx<'_>) -> Result<()> {
        self.name = kernel::text::line("name", &self.name, 200)?;
        let read = rules::RuleFile::parse(&self.text).map_err(|wrong| Error::invalid("text", format!("{wrong}.")))?;
        self.read = Some(read);
        let name = self.name.clone();
        let there = cx.kernel.db.read(move |tx| store::rules::file(tx, &name))?;
        let there = there.filter(|file| file.body != self.text && put_back::is_kept(&self.text, &file.body));
        self.before = there.and_then(|file| rules::RuleFile::parse(&file.body).ok().map(|read| (file.body, read)));
        Ok(())
    }

    fn run(&self, cx: &mut Cx) -> Result<Imported> {
        cx.reach_everything(Self::NAME)?;
        let file = self.read.as_ref().ok_or_else(|| Error::internal("import-not-prepared", &self.name))?;
        let mut at_hand = vec![(self.text.as_str(), file)];
        at_hand.extend(self.before.iter().map(|(text, file)| (text.as_str(), file)));
        let old = KeptFile::before(cx, &self.name, &self.text, &at_hand)?;
        put(cx, &self.name, (&self.text, file), old).map(|(_, done)| done)
    }
}

/// Puts a file in the place of one of its name; answers also its number. What was there before is kept with the change, unless
/// one of the two is too long for that.
pub(super) fn put(
    cx: &mut Cx,
    name: &str,
    (text, file): (&str, &rules::RuleFile),
    old: Option<Value>,
) -> Result<(i64, Imported)> {
    let count: usize = file.groups.iter().map(|group| group.rules.len()).sum();
    let all = store::rules::count_all(cx.tx)?;
    let mut done = Imported {
        name: name.to_owned(),
        groups: file.groups.len(),
        added: 0,
        kept: 0,
        removed: 0,
        quiet: quiet(file),
    };
    let id = store::rules::put_file(cx.tx, name, text, &cx.actor.ident.to_string(), cx.now)?;
    let mut before = Vec::new();
    let groups: Vec<i64> = store::rules::groups_of(cx.tx, Some(id))?.into_iter().map(|(id, _)| id).collect();
    before.extend(store::rules::of_groups(cx.tx, &groups)?);
    if !has_room(all, before.len(), count) {
        return Err(Error::over_limit(format!("There may be at most {RULES_MAX} rules; this file has {count}.")));
    }
    for (place, group) in (0..).zip(&file.groups) {
        let group_id = store::rules::insert_group(cx.tx, Some(id), place, group)?;
        put_group(cx, (group_id, group), &mut before, &mut done)?;
    }
    done.removed = before.len();
    for old in &before {
        store::rules::delete_row(cx.tx, old.id)?;
        cx.unindex(&old.reference())?;
    }
    store::rules::delete_groups(cx.tx, &groups)?;
    let subject = Ref::new("rule_file", id);
    match old {
        Some(old) => {
            let new = KeptFile::as_read(cx, name)?;
            cx.changed(&subject, put_back::TEXT, old, new)?;
        }
        None => cx.changed(&subject, "rules", before.len() + done.kept, count)?,
    }
    cx.emit(&crate::events::RulesImported { file: subject, name: name.to_owned(), rules: count })?;
    cx.touch(Ref::new("rule", 0));
    Ok((id, done))
}

/// There is room for the rules of a file beside all that are there and that it does not replace.
fn has_room(all: i64, replaced: usize, count: usize) -> bool {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    all.saturating_sub(number(replaced)).saturating_add(number(count)) <= RULES_MAX
}

/// Puts the rules of one group into it. The same rule of the same group goes on, with its alerts, and is taken out of `before`.
fn put_group(
    cx: &mut Cx,
    (group_id, group): (i64, &rules::Group),
    before: &mut Vec<super::Stored>,
    done: &mut Imported,
) -> Result<()> {
    let mut hurried = false;
    for (position, rule) in (0..).zip(&group.rules) {
        let new = new_rule(cx, rule, group)?;
        let same = |one: &super::Stored| {
            one.group == group.name && one.new.rule.name == rule.name && one.new.rule.kind == rule.kind
        };
        let exact = before.iter().position(|one| same(one) && one.new.rule == *rule);
        match exact.or_else(|| before.iter().position(same)) {
            Some(place) => {
                let old = before.swap_remove(place);
                hurried |= old.interval_ms != group.interval_ms;
                store::rules::move_to(cx.tx, old.id, group_id, position)?;
                if old.new != new {
                    store::rules::update(cx.tx, old.id, &new, cx.now)?;
                    super::update::follow(cx, old.id, &old.new, &new)?;
                    super::index(cx, old.id, &new)?;
                }
                done.kept += 1;
            }
            None => {
                let id = store::rules::insert(cx.tx, group_id, position, &new, cx.now)?;
                super::index(cx, id, &new)?;
                done.added += 1;
            }
        }
    }
    if hurried {
        super::update::follow_interval(cx, group_id, group.interval_ms)?;
    }
    Ok(())
}

/// How many alerts of a file are told to nobody.
fn quiet(file: &rules::RuleFile) -> usize {
    let rules = file.groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
    let alerts = rules.filter(|(_, rule)| rule.kind == rules::Kind::Alert);
    alerts.filter(|(group, rule)| Labels(rule.labels_in(group).into_iter().collect()).is_quiet()).count()
}

fn new_rule(cx: &mut Cx, rule: &rules::Rule, group: &rules::Group) -> Result<NewRule> {
    let number = |name: &str| {
        let said = rule.annotations.iter().find(|(known, _)| known == name);
        said.and_then(|(_, value)| value.trim().parse::<i64>().ok())
    };
    // Another house's team or asset is nobody's here.
    let team = match number("mainstay_team") {
        Some(id) if people::team_known(cx.tx, id)? => Some(id),
        _ => None,
    };
    let asset = number("mainstay_asset");
    let brief = match asset {
        Some(id) => assets::brief(cx.tx, &[id])?.remove(&id),
        None => None,
    };
    Ok(NewRule {
        rule: rule.clone(),
        form: None,
        severity: severity_of(&rule.labels_in(group)),
        team,
        asset: asset.filter(|_| brief.is_some()),
        asset_team: brief.as_ref().and_then(|brief| brief.team),
        place: brief.as_ref().and_then(|brief| brief.place),
        owner: brief.and_then(|brief| brief.owner),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_room_in_the_place_of_its_own_rules() {
        let most = usize::try_from(RULES_MAX).unwrap();
        for (all, replaced, count, fits) in [
            (RULES_MAX, most, most, true),
            (RULES_MAX, most - 1, most, false),
            (RULES_MAX, 0, 1, false),
            (RULES_MAX - 1, 0, 1, true),
            (12_000, 12_000, 12_000, true),
        ] {
            assert_eq!(has_room(all, replaced, count), fits, "{all} {replaced} {count}");
        }
    }
}
