//! Expressions as the parser hands them out.

use crate::function::Function;
use crate::matcher::Matcher;
pub use crate::operator::{AggregateOp, BinaryOp};

/// Where something stands in the text of a query, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What an expression evaluates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// One number per step.
    Scalar,
    /// A text.
    Text,
    /// Any number of series with at most one value per step.
    Vector,
    /// Series with all samples of a time range.
    Matrix,
}

impl ValueType {
    /// As messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Text => "string",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
        }
    }
}

/// An expression, checked: its parts have the types they must have.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
    /// Levels of expressions in it, bounded by the parser so that whoever walks it may recurse.
    pub(crate) height: usize,
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A number; durations are seconds.
    Number(f64),
    /// A text.
    Text(Text),
    /// `up{site="oslo"} offset 5m`.
    Selector(Selector),
    /// `up[5m]`.
    Range(RangeSelector),
    /// `rate(x[5m])[1h:1m]`.
    Subquery(Box<Subquery>),
    /// `rate(..)`.
    Call(Call),
    /// `sum by (site) (..)`.
    Aggregate(Box<Aggregate>),
    /// `a + b`.
    Binary(Box<Binary>),
    /// `-a`: true if negative.
    Unary(bool, Box<Expr>),
    /// `(a)`.
    Paren(Box<Expr>),
}

/// A text in quotes. Escapes may make bytes that are not UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text; what is not UTF-8 is replaced.
    pub value: String,
    /// The bytes, if they are not UTF-8.
    pub raw: Option<Vec<u8>>,
}

/// Chooses series.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The metric's name if it was written before the braces or as the only text in them; it is among `matchers` too.
    pub name: Option<String>,
    /// All conditions.
    pub matchers: Vec<Matcher>,
    /// `anchored` or `smoothed`, which are experiments.
    pub edges: Edges,
    /// `offset` and `@`.
    pub when: When,
}

/// What counts at the edges of a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edges {
    /// The samples within, extrapolated by functions that do so.
    #[default]
    Plain,
    /// Also the last sample before the range.
    Anchored,
    /// Values between the samples on both sides of each edge.
    Smoothed,
}

impl Edges {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Anchored => "anchored",
            Self::Smoothed => "smoothed",
        }
    }
}

/// `offset` and `@` of a selector or a subquery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// How far to look back, in ms; negative looks ahead.
    pub offset_ms: i64,
    /// A fixed time.
    pub at: Option<At>,
}

/// The time behind `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Milliseconds since 1970 UTC.
    Time(i64),
    /// The query's first step.
    Start,
    /// The query's last step.
    End,
}

/// Samples of a time range.
#[derive(Clone, Debug)]
pub struct RangeSelector {
    /// Of which series.
    pub selector: Selector,
    /// Length of the range in ms; its left edge is excluded.
    pub range_ms: i64,
}

/// An expression evaluated at steps of its own.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: Expr,
    /// Length of the range in ms; its left edge is excluded.
    pub range_ms: i64,
    /// Step in ms; none means the default of the options.
    pub step_ms: Option<i64>,
    /// `offset` and `@`.
    pub when: When,
}

/// A function with its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub function: &'static Function,
    /// Its arguments, of the right number and types.
    pub args: Vec<Expr>,
}

/// An aggregation.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// How.
    pub op: AggregateOp,
    /// Of what.
    pub expr: Expr,
    /// The first argument of those that take two.
    pub param: Option<Expr>,
    /// By which labels.
    pub grouping: Grouping,
}

/// `by (..)` or `without (..)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouping {
    /// True for `without`.
    pub without: bool,
    /// The labels named.
    pub labels: Vec<String>,
}

/// Two expressions and what is between them.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Left.
    pub left: Expr,
    /// Right.
    pub right: Expr,
    /// `bool`: comparisons give 0 and 1 and do not filter.
    pub returns_bool: bool,
    /// How series find each other; none unless both sides are vectors.
    pub matching: Option<Matching>,
}

/// How the series of two vectors find each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matching {
    /// True for `on`, false for `ignoring` and for nothing.
    pub on: bool,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// One to one, or which side has many.
    pub card: Cardinality,
    /// The labels of `group_left` or `group_right`.
    pub include: Vec<String>,
    /// What stands for a series that the left lacks: `fill` or `fill_left`, which are experiments.
    pub fill_left: Option<f64>,
    /// What stands for a series that the right lacks: `fill` or `fill_right`.
    pub fill_right: Option<f64>,
}

/// Which side may have several series for one of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cardinality {
    /// Neither.
    #[default]
    OneToOne,
    /// The left: `group_left`.
    ManyToOne,
    /// The right: `group_right`.
    OneToMany,
    /// Both: set operators.
    ManyToMany,
}

impl Expr {
    /// The type it evaluates to.
    pub fn value_type(&self) -> ValueType {
        match &self.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::Text(_) => ValueType::Text,
            ExprKind::Selector(_) | ExprKind::Aggregate(_) => ValueType::Vector,
            ExprKind::Range(_) | ExprKind::Subquery(_) => ValueType::Matrix,
            ExprKind::Call(call) => call.function.returns,
            ExprKind::Unary(_, expr) | ExprKind::Paren(expr) => expr.value_type(),
            ExprKind::Binary(binary) => match (binary.left.value_type(), binary.right.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
        }
    }

    /// The expression without parentheses around it.
    pub fn bare(&self) -> &Self {
        let mut expr = self;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        expr
    }
}
