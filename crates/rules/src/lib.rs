//! Rules over series, as Prometheus has them: rule files, the templates of labels and annotations, what an evaluation
//! leads to, and tests of rules in promtool's format. It reads no clock, opens no file and holds no series.
//!
//! A file is read by [`RuleFile::parse`] and written by [`RuleFile::write`]. The answer to a rule's expression goes to
//! [`Alerts::evaluate`] or [`recorded`]; [`Alerts`] and [`Written`] keep what is remembered from one evaluation to the next. What is
//! beyond Prometheus (an expression that ends an alert, n of m evaluations, what missing data means) is in [`Extras`] and
//! travels in annotations, so that a file stays one that Prometheus reads.
//!
//! ```
//! let text = "groups:\n- name: web\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 5m\n";
//! let file = rules::RuleFile::parse(text).unwrap();
//! assert_eq!(file.groups[0].rules[0].for_ms, 300_000);
//! let wrong = rules::RuleFile::parse(&text.replace("up == 0", "up ==")).unwrap_err();
//! assert_eq!(wrong.line, Some(5));
//! ```

mod alert;
mod expression;
mod extras;
mod file;
mod mistake;
mod record;
pub mod suite;
mod template;

pub use alert::{Active, Alerts, Ask, Phase, Since, Watched};
pub use expression::{Part, base_of, parse as parse_expression, parts_of};
pub use extras::{Extras, Missing, PREFIX};
pub use file::{FILE_BYTES_MAX, Group, Kind, Pairs, Rule, RuleFile};
pub use mistake::Mistake;
pub use record::{Written, recorded, vector_of};
pub use template::{Data, Template};
