//! The functions: names, arguments, and which piece of code does the work.

use crate::eval::dates;
use crate::eval::math;
use crate::expr::ValueType;

use ValueType::{Matrix, Scalar, Text, Vector};

/// A function of the language.
#[derive(Debug)]
pub struct Function {
    /// As it is written.
    pub name: &'static str,
    /// The types of its arguments; the last may repeat.
    pub args: &'static [ValueType],
    /// How many arguments may follow the first `args.len() - 1`; zero means that `args` are exactly what it takes.
    pub repeat: Repeat,
    /// What it evaluates to.
    pub returns: ValueType,
    /// True if Prometheus hides it behind a feature flag.
    pub experimental: bool,
    pub(crate) work: Work,
}

/// How often the last argument comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    Once,
    /// At most so often, or not at all.
    UpTo(usize),
    /// As often as one likes, or not at all.
    Any,
}

/// What a function does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// One number of one number.
    Math(fn(f64) -> f64),
    /// A part of a date.
    Date(fn(dates::Civil) -> i64),
    /// Something of the samples in a window.
    Window(WindowWork),
    /// Something of its own.
    Special(Special),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowWork {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Changes,
    Resets,
    Deriv,
    PredictLinear,
    Smooth,
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Present,
    First,
    Last,
    Stddev,
    Stdvar,
    Quantile,
    Mad,
    TimeOfFirst,
    TimeOfLast,
    TimeOfMin,
    TimeOfMax,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    Absent,
    AbsentOverTime,
    Clamp,
    ClampMax,
    ClampMin,
    /// Of native histograms, which there are none of.
    OfNative,
    HistogramFraction,
    HistogramQuantile,
    HistogramQuantiles,
    Info,
    LabelJoin,
    LabelReplace,
    Pi,
    Round,
    Scalar,
    Sort,
    SortDesc,
    SortByLabel,
    SortByLabelDesc,
    Time,
    Timestamp,
    Vector,
    QueryStart,
    QueryEnd,
    QueryRange,
    QueryStep,
}

const fn special(name: &'static str, args: &'static [ValueType], returns: ValueType, work: Special) -> Function {
    Function { name, args, repeat: Repeat::Once, returns, experimental: false, work: Work::Special(work) }
}

const fn repeated(function: Function, repeat: Repeat) -> Function {
    Function { repeat, ..function }
}

const fn experimental(function: Function) -> Function {
    Function { experimental: true, ..function }
}

const fn math(name: &'static str, work: fn(f64) -> f64) -> Function {
    let work = Work::Math(work);
    Function { name, args: &[Vector], repeat: Repeat::Once, returns: Vector, experimental: false, work }
}

const fn date(name: &'static str, work: fn(dates::Civil) -> i64) -> Function {
    let work = Work::Date(work);
    Function { name, args: &[Vector], repeat: Repeat::UpTo(1), returns: Vector, experimental: false, work }
}

const fn window(name: &'static str, work: WindowWork) -> Function {
    window_of(name, &[Matrix], work)
}

const fn window_of(name: &'static str, args: &'static [ValueType], work: WindowWork) -> Function {
    let work = Work::Window(work);
    Function { name, args, repeat: Repeat::Once, returns: Vector, experimental: false, work }
}

/// Every function, by name.
pub static FUNCTIONS: [Function; 87] = [
    math("abs", f64::abs),
    special("absent", &[Vector], Vector, Special::Absent),
    special("absent_over_time", &[Matrix], Vector, Special::AbsentOverTime),
    math("acos", f64::acos),
    math("acosh", f64::acosh),
    math("asin", f64::asin),
    math("asinh", f64::asinh),
    math("atan", f64::atan),
    math("atanh", f64::atanh),
    window("avg_over_time", WindowWork::Avg),
    math("ceil", f64::ceil),
    window("changes", WindowWork::Changes),
    special("clamp", &[Vector, Scalar, Scalar], Vector, Special::Clamp),
    special("clamp_max", &[Vector, Scalar], Vector, Special::ClampMax),
    special("clamp_min", &[Vector, Scalar], Vector, Special::ClampMin),
    math("cos", f64::cos),
    math("cosh", f64::cosh),
    window("count_over_time", WindowWork::Count),
    date("day_of_month", |civil| civil.day),
    date("day_of_week", |civil| civil.weekday),
    date("day_of_year", |civil| civil.day_of_year),
    date("days_in_month", |civil| civil.days_in_month),
    math("deg", math::deg),
    window("delta", WindowWork::Delta),
    window("deriv", WindowWork::Deriv),
    experimental(window_of("double_exponential_smoothing", &[Matrix, Scalar, Scalar], WindowWork::Smooth)),
    experimental(special("end", &[], Scalar, Special::QueryEnd)),
    math("exp", f64::exp),
    experimental(window("first_over_time", WindowWork::First)),
    math("floor", f64::floor),
    special("histogram_avg", &[Vector], Vector, Special::OfNative),
    special("histogram_count", &[Vector], Vector, Special::OfNative),
    special("histogram_fraction", &[Scalar, Scalar, Vector], Vector, Special::HistogramFraction),
    special("histogram_quantile", &[Scalar, Vector], Vector, Special::HistogramQuantile),
    experimental(repeated(
        special("histogram_quantiles", &[Vector, Text, Scalar, Scalar], Vector, Special::HistogramQuantiles),
        Repeat::UpTo(9),
    )),
    special("histogram_stddev", &[Vector], Vector, Special::OfNative),
    special("histogram_stdvar", &[Vector], Vector, Special::OfNative),
    special("histogram_sum", &[Vector], Vector, Special::OfNative),
    date("hour", |civil| civil.hour),
    window("idelta", WindowWork::Idelta),
    window("increase", WindowWork::Increase),
    experimental(repeated(special("info", &[Vector, Vector], Vector, Special::Info), Repeat::UpTo(1))),
    window("irate", WindowWork::Irate),
    repeated(special("label_join", &[Vector, Text, Text, Text], Vector, Special::LabelJoin), Repeat::Any),
    special("label_replace", &[Vector, Text, Text, Text, Text], Vector, Special::LabelReplace),
    window("last_over_time", WindowWork::Last),
    math("ln", f64::ln),
    math("log10", f64::log10),
    math("log2", f64::log2),
    experimental(window("mad_over_time", WindowWork::Mad)),
    window("max_over_time", WindowWork::Max),
    window("min_over_time", WindowWork::Min),
    date("minute", |civil| civil.minute),
    date("month", |civil| civil.month),
    special("pi", &[], Scalar, Special::Pi),
    window_of("predict_linear", &[Matrix, Scalar], WindowWork::PredictLinear),
    window("present_over_time", WindowWork::Present),
    window_of("quantile_over_time", &[Scalar, Matrix], WindowWork::Quantile),
    math("rad", math::rad),
    experimental(special("range", &[], Scalar, Special::QueryRange)),
    window("rate", WindowWork::Rate),
    window("resets", WindowWork::Resets),
    repeated(special("round", &[Vector, Scalar], Vector, Special::Round), Repeat::UpTo(1)),
    special("scalar", &[Vector], Scalar, Special::Scalar),
    math("sgn", math::sgn),
    math("sin", f64::sin),
    math("sinh", f64::sinh),
    special("sort", &[Vector], Vector, Special::Sort),
    experimental(repeated(special("sort_by_label", &[Vector, Text], Vector, Special::SortByLabel), Repeat::Any)),
    experimental(repeated(
        special("sort_by_label_desc", &[Vector, Text], Vector, Special::SortByLabelDesc),
        Repeat::Any,
    )),
    special("sort_desc", &[Vector], Vector, Special::SortDesc),
    math("sqrt", f64::sqrt),
    experimental(special("start", &[], Scalar, Special::QueryStart)),
    window("stddev_over_time", WindowWork::Stddev),
    window("stdvar_over_time", WindowWork::Stdvar),
    experimental(special("step", &[], Scalar, Special::QueryStep)),
    window("sum_over_time", WindowWork::Sum),
    math("tan", f64::tan),
    math("tanh", f64::tanh),
    special("time", &[], Scalar, Special::Time),
    special("timestamp", &[Vector], Vector, Special::Timestamp),
    experimental(window("ts_of_first_over_time", WindowWork::TimeOfFirst)),
    experimental(window("ts_of_last_over_time", WindowWork::TimeOfLast)),
    experimental(window("ts_of_max_over_time", WindowWork::TimeOfMax)),
    experimental(window("ts_of_min_over_time", WindowWork::TimeOfMin)),
    special("vector", &[Scalar], Vector, Special::Vector),
    date("year", |civil| civil.year),
];

impl Function {
    /// The function of this name, which is written in small letters.
    pub fn find(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// The type of argument `index`.
    pub(crate) fn arg(&self, index: usize) -> Option<ValueType> {
        self.args.get(index).or(self.args.last()).copied()
    }

    /// Says what is wrong with having `given` arguments.
    pub(crate) fn check_count(&self, given: usize) -> Result<(), String> {
        let (name, needed) = (self.name, self.args.len());
        let least = needed.saturating_sub(1);
        match self.repeat {
            Repeat::Once if given != needed => {
                Err(format!("expected {needed} argument(s) in call to {name:?}, got {given}"))
            }
            Repeat::UpTo(_) | Repeat::Any if given < least => {
                Err(format!("expected at least {least} argument(s) in call to {name:?}, got {given}"))
            }
            Repeat::UpTo(more) if given > least + more => {
                Err(format!("expected at most {} argument(s) in call to {name:?}, got {given}", least + more))
            }
            _ => Ok(()),
        }
    }

    /// True if the answer changes with the time of evaluation even when all data come from fixed times.
    pub(crate) fn depends_on_time(&self, given: usize) -> bool {
        match self.work {
            Work::Date(_) => given == 0,
            Work::Window(work) => work == WindowWork::PredictLinear,
            Work::Special(work) => matches!(work, Special::Time | Special::Timestamp),
            Work::Math(_) => false,
        }
    }

    /// True if the answer keeps the names of the metrics.
    pub(crate) fn keeps_name(&self) -> bool {
        matches!(self.work, Work::Window(WindowWork::First | WindowWork::Last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_listed_once_and_in_order() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn counts_of_arguments_are_checked() {
        let check = |name: &str, given| Function::find(name).unwrap().check_count(given);
        assert_eq!(check("rate", 2), Err("expected 1 argument(s) in call to \"rate\", got 2".to_owned()));
        assert_eq!(check("round", 3), Err("expected at most 2 argument(s) in call to \"round\", got 3".to_owned()));
        assert_eq!(
            check("label_join", 2),
            Err("expected at least 3 argument(s) in call to \"label_join\", got 2".to_owned())
        );
        assert_eq!((check("label_join", 9), check("year", 0), check("round", 1)), (Ok(()), Ok(()), Ok(())));
    }
}
