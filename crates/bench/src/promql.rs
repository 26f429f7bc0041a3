//! The public PromQL scripts of a folder, run through the HTTP API of a real server: a new one on empty data whenever a
//! script forgets its samples.

use std::path::{Path, PathBuf};

use ::promql::script::{Class, Driver, Outcome, Reply, Sampled, read, run as play};
use ::promql::{Labels, Points, Sample, Value, When, parse_float};
use kernel::{Error, Result};
use metrics_proto::write::{Encoder, Version};
use serde_json::{Value as Json, json};

use crate::engine::{prepare, seconds};
use crate::process::Server;
use crate::report::Report;
use crate::{Run, unusable};

/// Samples of scripts begin in 1970: they are kept for so many days.
const DAYS: i64 = 36_500;
/// Failures that are told; all are counted.
const TOLD_MAX: usize = 50;

pub(crate) fn measure(run: &Run, folder: Option<&Path>, report: &mut Report) -> Result<()> {
    let folder = folder.ok_or_else(|| Error::invalid("folder", "Name the folder that holds the *.test scripts."))?;
    let scratch = run.scratch()?;
    let empty = scratch.path().join("empty");
    prepare(&empty, json!({ "raw_days": DAYS, "five_minutes_days": 0, "hour_days": 0 }))?;
    let mut driver =
        Http { mainstay: run.mainstay.clone(), root: scratch.path().to_owned(), empty, server: None, starts: 0 };
    let counts = play_all(&scripts(folder)?, &mut driver, report)?;
    let [floats, experimental, native] = counts.0;
    report.datum("scripts", counts.1);
    report.datum("starts", driver.starts);
    for (name, [passed, failed, skipped]) in
        [("float", floats), ("experimental", experimental), ("native histogram", native)]
    {
        report.say(format!("{name}: {passed} passed, {failed} failed, {skipped} skipped"));
    }
    let share = |[passed, failed, _]: [usize; 3]| 100.0 * passed as f64 / ((passed + failed) as f64).max(1.0);
    report.figure("pass_percent", share(floats));
    report.figure("passed", floats[0] as f64);
    report.figure("failed", floats[1] as f64);
    report.figure("skipped_native_histograms", native[2] as f64);
    report.figure("experimental_passed", experimental[0] as f64);
    report.figure("experimental_failed", experimental[1] as f64);
    Ok(())
}

/// Plays scripts one after the other. One that cannot be read or played to its end is named and counted as failed, and the
/// others are played all the same.
fn play_all(paths: &[PathBuf], driver: &mut impl Driver, report: &mut Report) -> Result<Counts> {
    let (mut counts, mut broken) = (Counts::default(), Vec::new());
    for path in paths {
        if let Err(why) = one_script(path, driver, &mut counts, report)? {
            let line = format!("{}: {why}", path.file_name().unwrap_or_default().to_string_lossy());
            report.say(&line);
            counts.0[0][1] += 1;
            broken.push(line);
        }
    }
    if !broken.is_empty() {
        report.is_part();
    }
    report.detail("not_played", broken.into());
    Ok(counts)
}

/// Passed, failed and skipped evals of floats, experiments and native histograms; and scripts.
#[derive(Default)]
struct Counts([[usize; 3]; 3], usize);

/// Plays one script; answers why it could not be read or played to its end.
fn one_script(
    path: &Path,
    driver: &mut impl Driver,
    counts: &mut Counts,
    report: &Report,
) -> Result<std::result::Result<(), String>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).map_err(|error| unusable(path, &error))?;
    let judged = match read(&text).map_err(|error| error.to_string()).and_then(|script| play(&script, driver)) {
        Ok(judged) => judged,
        Err(why) => return Ok(Err(why)),
    };
    counts.1 += 1;
    let mut told = 0;
    for one in judged.evals {
        let class = match one.class {
            Class::Float | Class::Unread => &mut counts.0[0],
            Class::Experimental => &mut counts.0[1],
            Class::NativeHistogram => &mut counts.0[2],
        };
        match one.outcome {
            Outcome::Passed => class[0] += 1,
            Outcome::Skipped => class[2] += 1,
            Outcome::Failed(why) => {
                class[1] += 1;
                told += 1;
                if told <= TOLD_MAX {
                    report.say(format!("{name}:{} {}\n    {why}", one.line, one.query));
                }
            }
        }
    }
    Ok(Ok(()))
}

fn scripts(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| unusable(folder, &error))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "test"))
        .collect();
    found.sort();
    match found.is_empty() {
        true => Err(Error::not_found(format!("A script (*.test) in {}", folder.display()))),
        false => Ok(found),
    }
}

/// A server that is asked over HTTP.
struct Http {
    mainstay: PathBuf,
    root: PathBuf,
    empty: PathBuf,
    server: Option<Server>,
    starts: usize,
}

impl Http {
    fn begin(&mut self) -> Result<()> {
        if let Some(mut old) = self.server.take() {
            old.process.kill();
        }
        let data = self.root.join("data");
        let _ = std::fs::remove_dir_all(&data);
        copy(&self.empty, &data)?;
        let key = |path: &Path| path.with_extension("key");
        std::fs::copy(key(&self.empty), key(&data)).map_err(|error| unusable(&data, &error))?;
        self.starts += 1;
        self.server = Some(Server::start(&self.mainstay, &data, false)?);
        Ok(())
    }

    fn server(&self) -> std::result::Result<&Server, String> {
        self.server.as_ref().ok_or_else(|| "no server runs".to_owned())
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).map_err(|error| unusable(to, &error))?;
    for entry in std::fs::read_dir(from).map_err(|error| unusable(from, &error))?.flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target)?;
        } else if path.is_file() {
            std::fs::copy(&path, &target).map_err(|error| unusable(&path, &error))?;
        }
    }
    Ok(())
}

impl Driver for Http {
    fn clear(&mut self) -> std::result::Result<(), String> {
        self.begin().map_err(|error| error.to_string())
    }

    fn load(&mut self, series: &[Sampled]) -> std::result::Result<(), String> {
        let mut encoder = Encoder::new(Version::V1);
        for (labels, samples) in series {
            encoder.series(labels.iter(), samples.iter().copied());
        }
        let body = encoder.finish().map_err(|error| error.to_string())?;
        let client = &self.server()?.client;
        let sent = client.send("POST", "/prometheus/api/v1/write", "application/x-protobuf", &body);
        match sent.map_err(|error| error.to_string())? {
            (204, _) => Ok(()),
            (status, said) => Err(format!("remote write answered {status}: {said}")),
        }
    }

    fn ask(&mut self, query: &str, when: When) -> std::result::Result<Reply, String> {
        let query = kernel::address::percent(query);
        let path = match when {
            When::Instant(at) => format!("/prometheus/api/v1/query?query={query}&time={}", seconds(at)),
            When::Range { start_ms, end_ms, step_ms } => format!(
                "/prometheus/api/v1/query_range?query={query}&start={}&end={}&step={}",
                seconds(start_ms),
                seconds(end_ms),
                seconds(step_ms)
            ),
        };
        let (_, text) = self.server()?.client.request("GET", &path, None).map_err(|error| error.to_string())?;
        let answer: Json = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        if let Some(error) = answer.get("error") {
            let said = error.as_str().unwrap_or_default();
            return Err(said.trim_start_matches("invalid parameter \"query\": ").to_owned());
        }
        let list = |name: &str| {
            let notes = answer.get(name).and_then(Json::as_array).into_iter().flatten();
            notes.filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let value = answer.get("data").and_then(value).ok_or_else(|| format!("an answer of another form: {text}"))?;
        Ok(Reply { value, warnings: list("warnings"), infos: list("infos") })
    }
}

fn value(data: &Json) -> Option<Value> {
    let result = data.get("result")?;
    Some(match data.get("resultType")?.as_str()? {
        "scalar" => point(result).map(|(at, value)| Value::Scalar(at, value))?,
        "string" => Value::Text(at(result.get(0)?)?, result.get(1)?.as_str()?.to_owned()),
        "vector" => {
            let one = |one: &Json| {
                let (at_ms, value) = point(one.get("value")?)?;
                Some(Sample { labels: labels(one.get("metric")?)?, at_ms, value })
            };
            Value::Vector(result.as_array()?.iter().map(one).collect::<Option<_>>()?)
        }
        "matrix" => {
            let one = |one: &Json| {
                let points = one.get("values")?.as_array()?.iter().map(point).collect::<Option<_>>()?;
                Some(Points { labels: labels(one.get("metric")?)?, points })
            };
            Value::Matrix(result.as_array()?.iter().map(one).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn labels(metric: &Json) -> Option<Labels> {
    let pairs = metric.as_object()?.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    Some(Labels::from_pairs(pairs))
}

#[expect(clippy::cast_possible_truncation, reason = "times are what was asked for, in milliseconds")]
fn at(seconds: &Json) -> Option<i64> {
    Some((seconds.as_f64()? * 1_000.0).round() as i64)
}

fn point(pair: &Json) -> Option<(i64, f64)> {
    Some((at(pair.get(0)?)?, parse_float(pair.get(1)?.as_str()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows no samples, and answers no question.
    struct Mute;

    impl Driver for Mute {
        fn clear(&mut self) -> std::result::Result<(), String> {
            Ok(())
        }

        fn load(&mut self, _: &[Sampled]) -> std::result::Result<(), String> {
            Ok(())
        }

        fn ask(&mut self, _: &str, _: When) -> std::result::Result<Reply, String> {
            Err("no answer".to_owned())
        }
    }

    #[test]
    fn a_script_with_an_unknown_command_is_counted_as_failed_and_the_others_are_played() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.test"), "frobnicate all\n").unwrap();
        std::fs::write(folder.path().join("b.test"), "eval instant at 0m 1\n  1\n").unwrap();
        let mut report = Report::new("promql", true);
        let counts = play_all(&scripts(folder.path()).unwrap(), &mut Mute, &mut report).unwrap();
        assert_eq!((counts.0[0], counts.1), ([0, 2, 0], 1), "the script, and the question of the other one");
        assert!(report.data()["not_played"][0].as_str().unwrap().starts_with("a.test: "), "{}", report.data());
        assert!(!report.finish(), "who asks by the exit code learns of it");
    }
}
