//! Test rules as promtool does.

use std::collections::BTreeMap;

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::export::ExportRules;
use crate::store;

/// Test rules with a file of tests in promtool's format. Nothing is stored and no alert goes out.
///
/// The rule files that the tests name are taken from `rules`, else from the imported files.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TestRules {
    /// The tests, in promtool's YAML.
    pub tests: String,
    /// A rule file to test in place of those that the tests name.
    pub rules: Option<String>,
}

/// What the tests said.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tested {
    /// Every expectation was met.
    pub ok: bool,
    /// Expectations that were met.
    pub passed: usize,
    /// What differed, in words.
    pub failures: Vec<String>,
}

impl Operation for TestRules {
    const NAME: &'static str = "monitor.rule.test";
    const ROUTE: Route = post("/monitor/rule-files/test");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    const FIELD_BYTES_MAX: usize = rules::FILE_BYTES_MAX;
    type Output = Tested;

    fn run(&self, cx: &mut Cx) -> Result<Tested> {
        cx.reach_everything(Self::NAME)?;
        let said = |wrong: rules::Mistake| Error::invalid("tests", format!("{wrong}."));
        let suite = rules::suite::Suite::parse(&self.tests).map_err(said)?;
        let mut files = BTreeMap::new();
        match self.rules.as_ref().filter(|text| !text.trim().is_empty()) {
            Some(text) => drop(files.insert("rules".to_owned(), text.clone())),
            None => {
                for name in &suite.rule_files {
                    let short = name.rsplit('/').next().unwrap_or(name);
                    let mut known = None;
                    for name in [name.as_str(), short] {
                        known = known.or(store::rules::file(cx.tx, name)?.map(|file| file.name));
                    }
                    let known = known.ok_or_else(|| {
                        let why = format!("The tests name the rule file \"{name}\". Import it, or give its text.");
                        Error::invalid("tests", why)
                    })?;
                    // As the rules are now, not as they came.
                    let file = cx.call(&ExportRules { file: Some(known) })?;
                    files.insert(file.name, file.text);
                }
            }
        }
        let report = suite.run(&files).map_err(|wrong| Error::invalid("rules", format!("{wrong}.")))?;
        Ok(Tested { ok: report.failures.is_empty(), passed: report.passed, failures: report.failures })
    }
}
