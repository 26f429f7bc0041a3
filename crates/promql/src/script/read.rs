//! Reading a script.

use crate::engine::When;
use crate::labels::Labels;
use crate::notation::{Point, parse_series};
use crate::number::{parse_duration, parse_float};

/// A script: commands and the lines they begin at.
#[derive(Clone, Debug)]
pub struct Script {
    /// In order.
    pub commands: Vec<(usize, Command)>,
}

/// One command.
#[derive(Clone, Debug)]
pub enum Command {
    /// Forget all samples.
    Clear,
    /// Add samples: labels and points, from time zero on.
    Load {
        /// From one point to the next, in ms.
        step_ms: i64,
        /// The series.
        series: Vec<(Labels, Vec<Point>)>,
        /// Also make native histograms of classic ones.
        native: bool,
    },
    /// Ask and judge.
    Eval(Box<Eval>),
    /// Written in a way this reader does not know: its first line, and why not.
    Unread(String, String),
}

/// A query and what must come back.
#[derive(Clone, Debug)]
pub struct Eval {
    /// The query.
    pub query: String,
    /// When it is asked.
    pub when: When,
    /// What it must give.
    pub expected: Expected,
    /// The series of an instant answer come in the order they are listed.
    pub ordered: bool,
    /// Warnings and infos that must or must not come.
    pub annotations: Vec<Annotation>,
}

/// What a query must give.
#[derive(Clone, Debug)]
pub enum Expected {
    /// An error, perhaps with these words.
    Fail(Option<TextTest>),
    /// A number.
    Scalar(f64),
    /// A text.
    Text(String),
    /// Series: with one point for an instant query, with one per step for a range query.
    Series(Vec<(Labels, Vec<Point>)>),
    /// Samples of a range vector: first time and step in ms.
    Matrix(i64, i64, Vec<(Labels, Vec<Point>)>),
}

/// A condition on a text.
#[derive(Clone, Debug)]
pub enum TextTest {
    /// Exactly this.
    Equal(String),
    /// Matches this pattern somewhere.
    Pattern(regex::Regex),
}

/// A condition on warnings or infos.
#[derive(Clone, Debug)]
pub struct Annotation {
    /// About warnings, else infos.
    pub warning: bool,
    /// There must be one, else none.
    pub wanted: bool,
    /// What one must say.
    pub text: Option<TextTest>,
}

impl TextTest {
    /// True if `text` is as it should be.
    pub fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Equal(wanted) => text == wanted,
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

/// Reads a script.
///
/// Loads and evals that cannot be read are [`Command::Unread`]: the suite grows syntax.
///
/// # Errors
/// Names the line that is no command at all.
pub fn read(text: &str) -> Result<Script, String> {
    // A comment counts as an empty line, and ends a command like one.
    let lines: Vec<&str> =
        text.lines().map(|line| line.trim()).map(|line| if line.starts_with('#') { "" } else { line }).collect();
    let mut commands = Vec::new();
    let mut rest = lines.iter().copied().enumerate().peekable();
    while let Some((index, line)) = rest.next() {
        if line.is_empty() {
            continue;
        }
        let mut body = Vec::new();
        let single = line == "clear";
        while let Some((_, line)) = rest.next_if(|(_, line)| !single && !line.is_empty()) {
            body.push(line);
        }
        let word = line.split_whitespace().next().unwrap_or_default();
        let command = match command(line, &body) {
            Err(message) if word.starts_with("load") || word.starts_with("eval") => {
                Command::Unread(line.to_owned(), format!("line {}: {message}", index + 1))
            }
            command => command.map_err(|message| format!("line {}: {message}", index + 1))?,
        };
        commands.push((index + 1, command));
    }
    Ok(Script { commands })
}

fn command(line: &str, body: &[&str]) -> Result<Command, String> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match word {
        "clear" => Ok(Command::Clear),
        "load" | "load_with_nhcb" => {
            let step_ms = time(rest.trim())?;
            let series = body.iter().map(|line| parse_series(line)).collect::<Result<_, _>>()?;
            Ok(Command::Load { step_ms, series, native: word == "load_with_nhcb" })
        }
        "eval" | "eval_fail" | "eval_ordered" | "eval_warn" | "eval_info" => {
            eval(word, rest.trim(), body).map(|eval| Command::Eval(Box::new(eval)))
        }
        _ => Err(format!("{word:?} is no command; known are clear, load, load_with_nhcb and eval")),
    }
}

/// A time or duration in ms: with a unit, or in seconds.
fn time(text: &str) -> Result<i64, String> {
    let (sign, body) = text.strip_prefix('-').map_or((1, text), |body| (-1, body));
    let ms = parse_duration(body).or_else(|| parse_float(body).map(|seconds| (seconds * 1e3) as i64));
    ms.map(|ms| sign * ms).ok_or_else(|| format!("{text:?} is no time; write 90, 90s or 1m30s"))
}

/// Takes `word`, then a word of its own.
fn after<'a>(text: &'a str, word: &str) -> Result<(&'a str, &'a str), String> {
    let rest = text.strip_prefix(word).ok_or_else(|| format!("expected {word:?} before {text:?}"))?.trim_start();
    let (value, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Ok((value, rest.trim_start()))
}

fn eval(word: &str, rest: &str, body: &[&str]) -> Result<Eval, String> {
    let (when, query) = if let Some(rest) = rest.strip_prefix("instant") {
        let (at, query) = after(rest.trim_start(), "at")?;
        (When::Instant(time(at)?), query)
    } else if let Some(rest) = rest.strip_prefix("range") {
        let (from, rest) = after(rest.trim_start(), "from")?;
        let (to, rest) = after(rest, "to")?;
        let (step, query) = after(rest, "step")?;
        (When::Range { start_ms: time(from)?, end_ms: time(to)?, step_ms: time(step)? }, query)
    } else {
        return Err("an eval is \"instant at\" or \"range from .. to .. step ..\"".to_owned());
    };
    let mut reader = Reader { ordered: word == "eval_ordered", ..Reader::default() };
    if word == "eval_fail" {
        reader.fail = Some(None);
    }
    if matches!(word, "eval_warn" | "eval_info") {
        reader.annotations.push(Annotation { warning: word == "eval_warn", wanted: true, text: None });
    }
    for line in body {
        reader.line(line)?;
    }
    let Reader { ordered, annotations, .. } = reader;
    let expected = reader.expected;
    let expected = match (reader.fail, expected) {
        (Some(text), _) => Expected::Fail(text),
        (None, Some(expected)) => expected,
        (None, None) => match reader.matrix {
            Some((start, step)) => Expected::Matrix(start, step, reader.series),
            None => Expected::Series(reader.series),
        },
    };
    Ok(Eval { query: query.to_owned(), when, expected, ordered, annotations })
}

#[derive(Default)]
struct Reader {
    ordered: bool,
    fail: Option<Option<TextTest>>,
    expected: Option<Expected>,
    matrix: Option<(i64, i64)>,
    series: Vec<(Labels, Vec<Point>)>,
    annotations: Vec<Annotation>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(message) = line.strip_prefix("expected_fail_message") {
            self.fail = Some(Some(TextTest::Equal(message.trim().to_owned())));
        } else if let Some(pattern) = line.strip_prefix("expected_fail_regexp") {
            self.fail = Some(Some(TextTest::Pattern(regex::Regex::new(pattern.trim()).map_err(|e| e.to_string())?)));
        } else if let Some(rest) = line.strip_prefix("expect ") {
            return self.expect(rest.trim());
        } else if let Some(value) = parse_float(line) {
            self.expected = Some(Expected::Scalar(value));
        } else {
            self.series.push(parse_series(line)?);
        }
        Ok(())
    }

    fn expect(&mut self, rest: &str) -> Result<(), String> {
        let (word, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let tail = tail.trim();
        match word {
            "ordered" => self.ordered = true,
            "fail" => self.fail = Some(text_test(tail)?),
            "warn" | "info" | "no_warn" | "no_info" => self.annotations.push(Annotation {
                warning: word.ends_with("warn"),
                wanted: !word.starts_with("no_"),
                text: text_test(tail)?,
            }),
            "string" => {
                let value = crate::parse(tail).map_err(|error| error.to_string())?;
                let crate::ExprKind::Text(text) = value.kind else { return Err(format!("{tail} is no string")) };
                self.expected = Some(Expected::Text(text.value));
            }
            "range" => {
                let (from, rest) = after(tail.strip_prefix("vector").unwrap_or(tail).trim_start(), "from")?;
                let (_, rest) = after(rest, "to")?;
                let (step, _) = after(rest, "step")?;
                self.matrix = Some((time(from)?, time(step)?));
            }
            _ => return Err(format!("nothing is known of \"expect {word}\"")),
        }
        Ok(())
    }
}

fn text_test(text: &str) -> Result<Option<TextTest>, String> {
    if let Some(message) = text.strip_prefix("msg:") {
        return Ok(Some(TextTest::Equal(message.trim().to_owned())));
    }
    if let Some(pattern) = text.strip_prefix("regex:") {
        let pattern = regex::Regex::new(pattern.trim()).map_err(|error| error.to_string())?;
        return Ok(Some(TextTest::Pattern(pattern)));
    }
    if text.is_empty() { Ok(None) } else { Err(format!("{text:?} is neither msg: nor regex:")) }
}

/// True if the points of any series are native histograms.
pub(crate) fn has_histograms(series: &[(Labels, Vec<Point>)]) -> bool {
    series.iter().any(|(_, points)| points.iter().any(|point| matches!(point, Point::Histogram(_))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_read_command_by_command() {
        let script = read(
            "load 1m\n  a 1 2\n# note\nclear\neval instant at 90 a\n  a 1\n\neval_fail range from 0 to 1m step 30s b\n",
        );
        let script = script.unwrap();
        let lines: Vec<usize> = script.commands.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 4, 5, 8]);
        let Command::Eval(eval) = &script.commands[2].1 else { panic!() };
        assert_eq!(eval.when, When::Instant(90_000));
        let Command::Eval(eval) = &script.commands[3].1 else { panic!() };
        assert!(matches!(eval.expected, Expected::Fail(None)));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        assert!(read("\nfoo").unwrap_err().starts_with("line 2: \"foo\" is no command"));
        let unread = |text: &str| match read(text).unwrap().commands.remove(0) {
            (_, Command::Unread(_, message)) => message,
            other => panic!("{other:?}"),
        };
        assert!(unread("eval at 5 x").contains("instant at"));
        assert!(unread("load 1m\n a b").contains("\"b\" is no point"));
    }
}
