//! The output of a monitoring plugin: exit code, text and performance data.
//!
//! Sources: monitoring-plugins.org, "Monitoring Plugins Development Guidelines" (plugin output, performance data,
//! threshold and range format); nagios.org, "Plugin API" (long output); icinga.com, "Performance Data Metrics" (units).
//!
//! ```
//! use metrics_proto::nagios::{self, Limits, State, Unit};
//! let read = nagios::read(Some(1), b"DISK WARNING - /var 91% used | '/var'=91GB;90;95;0;100\n", Limits::default());
//! assert_eq!((read.state, read.summary.as_str()), (State::Warning, "DISK WARNING - /var 91% used"));
//! let var = &read.performance[0];
//! assert_eq!((var.label.as_str(), var.value, var.unit), ("/var", Some(91e9), Unit::Bytes));
//! assert!(var.warning.unwrap().alerts(91e9));
//! ```

mod performance;
mod range;
#[cfg(test)]
mod tests;
mod unit;

pub use performance::Performance;
pub use range::Range;
pub use unit::Unit;

/// How much of a plugin's output is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes; the rest is cut off.
    pub bytes_max: usize,
    /// Most items of performance data; more are counted as unreadable.
    pub performance_max: usize,
    /// Most bytes of a label; items with a longer one are counted as unreadable.
    pub label_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 64 << 10, performance_max: 1_000, label_bytes_max: 256 }
    }
}

/// What a plugin says about the thing it looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Exit code 0.
    Ok,
    /// Exit code 1.
    Warning,
    /// Exit code 2.
    Critical,
    /// Exit code 3, any other, and none (it was killed).
    Unknown,
}

impl State {
    /// The state of an exit code; `None` if a signal ended the plugin.
    pub fn of_exit_code(code: Option<i32>) -> Self {
        match code {
            Some(0) => Self::Ok,
            Some(1) => Self::Warning,
            Some(2) => Self::Critical,
            _ => Self::Unknown,
        }
    }

    /// The exit code.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

/// What a plugin said.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The state.
    pub state: State,
    /// Why the exit code was not one a plugin should have: not executable, not found, ended by a signal.
    pub complaint: Option<&'static str>,
    /// The first line without performance data.
    pub summary: String,
    /// The other lines without performance data.
    pub details: String,
    /// Performance data, in order.
    pub performance: Vec<Performance>,
    /// Items of performance data that could not be read.
    pub unreadable: usize,
    /// The first of them.
    pub unreadable_first: Option<String>,
    /// Whether the output was longer than allowed and was cut.
    pub cut: bool,
}

/// Reads what a plugin wrote to its standard output. Bytes that are not UTF-8 become U+FFFD. It never fails: what cannot be
/// read is counted, since a check must not be lost to a plugin's bad number.
pub fn read(exit_code: Option<i32>, output: &[u8], limits: Limits) -> Output {
    let cut = output.len() > limits.bytes_max;
    let kept = output.get(..limits.bytes_max).unwrap_or(output);
    let text = String::from_utf8_lossy(kept);
    let (summary, details, data) = split(&text);
    let mut read = Output {
        state: State::of_exit_code(exit_code),
        complaint: complaint(exit_code),
        summary: summary.to_owned(),
        details,
        performance: Vec::new(),
        unreadable: 0,
        unreadable_first: None,
        cut,
    };
    for piece in data {
        performance::read(piece, &limits, &mut read);
    }
    read
}

fn complaint(exit_code: Option<i32>) -> Option<&'static str> {
    match exit_code {
        Some(0..=3) => None,
        Some(126) => Some("the plugin is not executable (exit code 126)"),
        Some(127) => Some("the plugin was not found (exit code 127)"),
        Some(_) => Some("the plugin ended with an exit code that is not 0 to 3"),
        None => Some("the plugin was ended by a signal"),
    }
}

/// First line, other lines, and the pieces of performance data: after `|` on the first line, and everything after the
/// first `|` of the lines below.
fn split(text: &str) -> (&str, String, Vec<&str>) {
    let (first, below) = text.split_once('\n').unwrap_or((text, ""));
    let (summary, on_first) = first.split_once('|').unwrap_or((first, ""));
    let (long, on_others) = below.split_once('|').unwrap_or((below, ""));
    let details: Vec<&str> = long.lines().map(str::trim_end).collect();
    let mut data = vec![on_first];
    data.extend(on_others.lines());
    (summary.trim(), details.join("\n").trim_end().to_owned(), data)
}
