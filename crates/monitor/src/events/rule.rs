//! What is told of rules.

use kernel::{Event, Mark, Ref};
use serde::Serialize;

macro_rules! rule_event {
    ($(#[$doc:meta])* $name:ident, $event:literal, $title:literal, $mark:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize)]
        pub struct $name {
            /// The rule.
            pub rule: Ref,
            /// Its name.
            pub name: String,
        }

        impl Event for $name {
            const NAME: &'static str = $event;
            fn subjects(&self) -> Vec<Ref> {
                vec![self.rule.clone()]
            }
            fn title(&self) -> String {
                format!($title, self.name)
            }
            fn mark(&self) -> Mark {
                $mark
            }
            fn sample() -> Self {
                Self { rule: Ref::new("rule", 3), name: "HighErrorRate".into() }
            }
        }
    };
}

rule_event!(
    /// A rule was made.
    RuleCreated, "monitor.rule.created", "Rule created: {}", Mark::Info
);
rule_event!(
    /// A rule was changed, paused or resumed.
    RuleChanged, "monitor.rule.changed", "Rule changed: {}", Mark::Info
);
rule_event!(
    /// A rule was deleted.
    RuleDeleted, "monitor.rule.deleted", "Rule deleted: {}", Mark::Idle
);

/// A rule file was imported.
#[derive(Clone, Debug, Serialize)]
pub struct RulesImported {
    /// The file.
    pub file: Ref,
    /// Its name.
    pub name: String,
    /// Rules in it.
    pub rules: usize,
}

impl Event for RulesImported {
    const NAME: &'static str = "monitor.rule.imported";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.file.clone()]
    }
    fn title(&self) -> String {
        format!("Rule file imported: {}", self.name)
    }
    fn mark(&self) -> Mark {
        Mark::Info
    }
    fn sample() -> Self {
        Self { file: Ref::new("rule_file", 1), name: "node.yml".into(), rules: 12 }
    }
}
