//! Rule files out: as they came while nothing was changed, else as files that say the same.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NewRule;
use crate::store;

/// Give a rule file back: byte for byte as it was imported while its rules are unchanged, else one that says the same.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ExportRules {
    /// The rule file; the house's own rules if left out.
    pub file: Option<String>,
}

/// A rule file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Exported {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// It is the text that was imported.
    pub unchanged: bool,
}

impl Operation for ExportRules {
    const NAME: &'static str = "monitor.rule.export";
    const ROUTE: Route = get("/monitor/rule-files/export");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Exported;

    fn run(&self, cx: &mut Cx) -> Result<Exported> {
        cx.reach_everything(Self::NAME)?;
        let name = self.file.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let Some(name) = name else {
            let text = rules::RuleFile { groups: groups(cx, None)? }.write();
            return Ok(Exported { name: "mainstay.yml".to_owned(), text, unchanged: false });
        };
        let file = store::rules::file(cx.tx, name)?;
        let file = file.ok_or_else(|| Error::not_found(format!("The rule file \"{name}\"")))?;
        of_file(cx, file, &[])
    }
}

/// A file as it is now. Texts that were read before are at hand, and not read again.
pub(super) fn of_file(cx: &mut Cx, file: store::rules::File, at_hand: &[(&str, &rules::RuleFile)]) -> Result<Exported> {
    let now = rules::RuleFile { groups: groups(cx, Some(file.id))? };
    // Compared and not remembered: what was changed and changed back is unchanged.
    let unchanged = match at_hand.iter().find(|(text, _)| *text == file.body) {
        Some((_, then)) => **then == now,
        None => rules::RuleFile::parse(&file.body).is_ok_and(|then| then == now),
    };
    let text = if unchanged { file.body } else { now.write() };
    Ok(Exported { name: file.name, text, unchanged })
}

/// The groups of a file, or the house's own, as they are now.
pub(crate) fn groups(cx: &mut Cx, file: Option<i64>) -> Result<Vec<rules::Group>> {
    let groups = store::rules::groups_of(cx.tx, file)?;
    let ids: Vec<i64> = groups.iter().map(|(id, _)| *id).collect();
    let mut rules = store::rules::of_groups(cx.tx, &ids)?;
    let with_rules = groups.into_iter().map(|(id, mut group)| {
        group.rules = rules.extract_if(.., |one| one.group_id == id).map(|one| one.new.for_file()).collect();
        group
    });
    Ok(with_rules.collect())
}

impl NewRule {
    /// As it stands in a rule file: what a file does not know is among the annotations of alerts.
    pub(crate) fn for_file(&self) -> rules::Rule {
        let mut rule = self.rule.clone();
        if rule.kind == rules::Kind::Alert {
            let ours = [("mainstay_team", self.team), ("mainstay_asset", self.asset)];
            let said = ours.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?.to_string())));
            let missing: Vec<_> =
                said.filter(|(name, _)| rule.annotations.iter().all(|(known, _)| known != name)).collect();
            rule.annotations.extend(missing);
        }
        rule
    }
}
