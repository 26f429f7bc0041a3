//! PromQL over columns of floats: parser, evaluator and test scripts. It knows nothing of IT departments.
//!
//! A query is read by [`parse`], evaluated against a [`Source`] by [`query`] or [`evaluate`], and gives an [`Answer`].
//! A range query is evaluated column-wise: each selector is read once, and every operator works on whole columns of
//! steps. It stops at its deadline, its memory budget and a raised flag, with an error that names which. README.md says
//! what is covered and what differs from Prometheus. Native histograms are refused: there are none here.
//!
//! ```
//! use promql::{Labels, MemorySource, Options, Value, When, query};
//! let mut source = MemorySource::new();
//! let labels = Labels::from_pairs([("__name__", "requests_total"), ("site", "oslo")]);
//! for minute in 0..10 {
//!     source.push(&labels, minute * 60_000, minute as f64 * 30.0);
//! }
//! let answer = query("sum by (site) (rate(requests_total[5m]))", &source, When::Instant(540_000), &Options::default());
//! let Ok(Value::Vector(samples)) = answer.map(|answer| answer.value) else { panic!("a vector was asked for") };
//! assert_eq!(samples[0].labels.to_string(), r#"{site="oslo"}"#);
//! assert_eq!(samples[0].value, 0.5);
//! ```

mod answer;
mod bucket;
mod engine;
mod error;
mod eval;
mod expr;
mod function;
mod guard;
mod labels;
mod lex;
mod matcher;
mod memory;
pub mod notation;
mod notes;
mod number;
mod operator;
mod parse;
mod print;
pub mod script;
mod source;
mod token;
mod walk;

pub use answer::{Answer, Points, Sample, Stats, Value};
pub use bucket::{BucketColumn, Buckets, Numbers, SelectedBuckets};
pub use engine::{Options, When, evaluate, query};
pub use error::{EvalError, ParseError, SourceError};
pub use eval::STALE_BITS;
pub use expr::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, Edges, Expr, ExprKind, Grouping, Matching,
    RangeSelector, Selector, Span, Subquery, Text, ValueType, When as Modifiers,
};
pub use function::{FUNCTIONS, Function, Repeat};
pub use guard::{MemoryPool, PoolShare};
pub use labels::{Labels, LabelsIter, NAME_LABEL};
pub use matcher::{MatchOp, Matcher};
pub use memory::MemorySource;
pub use number::{format_duration, format_float, format_plain, format_value, parse_duration, parse_float};
pub use parse::{DEPTH_MAX, ParseOptions, QUERY_BYTES_MAX, parse, parse_selector, parse_with};
pub use source::{BUCKET_MS_MAX, Hint, Selected, Selection, SeriesData, Source};
pub use walk::Selected as SelectorUse;

#[cfg(test)]
fn evaluate_text(text: &str, at_ms: i64) -> Result<Answer, EvalError> {
    query(text, &MemorySource::new(), When::Instant(at_ms), &Options { experimental: true, ..Options::default() })
}
