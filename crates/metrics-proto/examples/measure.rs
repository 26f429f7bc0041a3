//! Measures the decoders: MB/s and nanoseconds of processor time per sample. `cargo run --release -p metrics-proto --example measure`
#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::collections::HashMap;
use std::hint::black_box;

use metrics_proto::text::{Entry, Format, Limits, Parser, TextError};
use metrics_proto::write::{self, Decoder, Encoder, Version};
use metrics_proto::{Item, LabelLimits, inflate, otlp};

const ROUNDS: u32 = 50;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let body = exposition(20_000);
    text(&body)?;
    for version in [Version::V1, Version::V2] {
        receive(version, 20_000, 1)?;
        receive(version, 2_000, 10)?;
    }
    send()?;
    otlp(20_000)
}

/// Such as node_exporter gives: long help, short names, one to four labels, counters with many digits.
fn exposition(samples: usize) -> String {
    let modes = ["user", "system", "idle", "iowait", "irq", "softirq", "steal", "nice"];
    let mut text = String::new();
    for number in 0..samples {
        if number % 40 == 0 {
            text.push_str(&format!(
                "# HELP node_metric_{0}_seconds_total Seconds the thing {0} spent in each mode.\n\
                 # TYPE node_metric_{0}_seconds_total counter\n",
                number / 40
            ));
        }
        text.push_str(&format!(
            "node_metric_{}_seconds_total{{cpu=\"{}\",mode=\"{}\",site=\"oslo-{}\"}} {}.{}\n",
            number / 40,
            number % 40 / 8,
            modes.get(number % 8).unwrap_or(&""),
            number % 5,
            number * 7_919,
            number % 97
        ));
    }
    text
}

/// Processor time of this thread so far in nanoseconds (Linux), which a busy machine does not lengthen.
struct Started(u64);

impl Started {
    fn now() -> Self {
        let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        Self(schedule.split(' ').next().and_then(|spent| spent.parse().ok()).unwrap_or_default())
    }
}

fn say(what: &str, bytes: usize, samples: usize, started: Started) {
    let seconds = (Started::now().0 - started.0) as f64 / 1e9 / f64::from(ROUNDS);
    println!(
        "{what:42} {samples:6} samples, {:6.2} MB: {:7.0} MB/s, {:6.1} ns a sample",
        bytes as f64 / 1e6,
        bytes as f64 / 1e6 / seconds,
        seconds * 1e9 / samples as f64
    );
}

fn text(body: &str) -> Result<(), Failure> {
    let parser = || Parser::new(body.as_bytes(), Format::Prometheus, Limits::default());
    let mut known: HashMap<&[u8], u32> = HashMap::new();
    let mut order: Vec<&[u8]> = Vec::new();
    let started = Started::now();
    for _ in 0..ROUNDS {
        known.clear();
        order.clear();
        let mut labels = Vec::new();
        for entry in parser()? {
            if let Entry::Sample(sample) = entry? {
                sample.series.labels_into(&LabelLimits::default(), &mut labels)?;
                black_box(&labels);
                known.insert(sample.series.raw(), known.len() as u32);
                order.push(sample.series.raw());
            }
        }
    }
    say("text, every series new, labels read", body.len(), known.len(), started);

    let count = |parsed: Result<Option<Entry<'_>>, TextError>| parsed.map(|entry| black_box(entry).is_some());
    let started = Started::now();
    for _ in 0..ROUNDS {
        let mut parser = parser()?;
        while count(parser.next_entry(None))? {}
    }
    say("text, parsed only", body.len(), known.len(), started);

    let started = Started::now();
    for _ in 0..ROUNDS {
        for entry in parser()? {
            if let Entry::Sample(sample) = entry? {
                black_box((known.get(sample.series.raw()), sample.value));
            }
        }
    }
    say("text, series found in a map", body.len(), known.len(), started);

    let started = Started::now();
    for _ in 0..ROUNDS {
        let mut parser = parser()?;
        let mut place = 0;
        while let Some(entry) = parser.next_entry(order.get(place).copied())? {
            if let Entry::Sample(sample) = entry {
                black_box((order.get(place) == Some(&sample.series.raw()), sample.value));
                place += 1;
            }
        }
    }
    say("text, series at its place of last time", body.len(), known.len(), started);
    Ok(())
}

fn encoded(version: Version, series: usize, samples: usize) -> Result<Vec<u8>, Failure> {
    let mut encoder = Encoder::new(version);
    fill(&mut encoder, series, samples);
    Ok(encoder.finish()?)
}

fn fill(encoder: &mut Encoder, series: usize, samples: usize) {
    for number in 0..series {
        let (cpu, instance) = ((number % 16).to_string(), format!("srv{}.example.com:9100", number / 100));
        let labels = [
            ("__name__", "node_cpu_seconds_total"),
            ("cpu", cpu.as_str()),
            ("instance", instance.as_str()),
            ("job", "node"),
            ("mode", "system"),
            ("site", "oslo"),
        ];
        let times = (0..samples as i64).map(|at| (1_700_000_000_000 + at * 15_000, number as f64 * 1.37 + at as f64));
        encoder.series(labels, times);
    }
}

fn receive(version: Version, series: usize, samples: usize) -> Result<(), Failure> {
    let body = encoded(version, series, samples)?;
    let mut unpacked = Vec::new();
    let started = Started::now();
    for _ in 0..ROUNDS {
        inflate::snappy(&body, 64 << 20, &mut unpacked)?;
    }
    say(&format!("{version:?} snappy, {samples} a series"), unpacked.len(), series * samples, started);

    let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut decoder = Decoder::new(write::Limits::default());
    decoder.read(version, &unpacked, |item| {
        if let Item::Series(series) = item {
            known.insert(series.labels.as_bytes().to_vec(), known.len() as u32);
        }
    })?;
    let started = Started::now();
    for _ in 0..ROUNDS {
        decoder.read(version, &unpacked, |item| {
            black_box(&item);
        })?;
    }
    say(&format!("{version:?} decoded, {samples} a series"), unpacked.len(), series * samples, started);
    let started = Started::now();
    for _ in 0..ROUNDS {
        decoder.read(version, &unpacked, |item| {
            if let Item::Series(series) = item {
                black_box((known.get(series.labels.as_bytes()), series.samples));
            }
        })?;
    }
    say(&format!("{version:?} decoded, series found in a map"), unpacked.len(), series * samples, started);
    Ok(())
}

fn send() -> Result<(), Failure> {
    for version in [Version::V1, Version::V2] {
        let mut encoder = Encoder::new(version);
        let mut bytes = 0;
        let started = Started::now();
        for _ in 0..ROUNDS {
            fill(&mut encoder, 20_000, 1);
            bytes = black_box(encoder.finish()?).len();
        }
        say(&format!("{version:?} encoded and packed"), bytes, 20_000, started);
    }
    Ok(())
}

fn otlp(points: usize) -> Result<(), Failure> {
    let point = |number: usize| {
        format!(
            r#"{{"timeUnixNano":"1700000000000000000","asInt":"{number}","attributes":[{{"key":"http.method","value":{{"stringValue":"GET"}}}},{{"key":"net.peer","value":{{"stringValue":"10.0.0.{number}"}}}}]}}"#
        )
    };
    let all: Vec<String> = (0..points).map(point).collect();
    let json = format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"scopeMetrics":[{{"metrics":[{{"name":"http.requests","sum":{{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[{}]}}}}]}}]}}]}}"#,
        all.join(",")
    );
    let started = Started::now();
    for _ in 0..ROUNDS {
        otlp::read(json.as_bytes(), otlp::Encoding::Json, &otlp::Options::default(), |item| {
            black_box(&item);
        })?;
    }
    say("OTLP JSON", json.len(), points, started);
    Ok(())
}
