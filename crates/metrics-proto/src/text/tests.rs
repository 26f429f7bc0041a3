//! The formats' own examples, refusals, and damage.

use proptest::prelude::*;

use super::*;
use crate::dice::{Dice, peak_resident_kib};
use crate::{LabelError, is_stale_marker};

/// What a body says, one line per entry, in words a test can hold against a golden text.
fn told(body: &[u8], format: Format) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    let mut labels = Vec::new();
    for entry in Parser::new(body, format, Limits::default()).map_err(|error| error.to_string())? {
        let line = match entry.map_err(|error| error.to_string())? {
            Entry::Sample(sample) | Entry::Created(sample) => {
                sample.series.labels_into(&LabelLimits::default(), &mut labels).map_err(|error| error.to_string())?;
                let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
                let at = sample.at_ms.map(|at| format!(" @{at}")).unwrap_or_default();
                format!("{} {}{at}", pairs.join(" "), number::canonical(sample.value))
            }
            Entry::Type { metric, kind } => format!("type {metric} {}", kind.word()),
            Entry::Help { metric, text } => format!("help {metric} {text:?}"),
            Entry::Unit { metric, unit } => format!("unit {metric} {unit}"),
        };
        lines.push(line);
    }
    Ok(lines)
}

fn prometheus(body: &str, expected: &[&str]) {
    assert_eq!(told(body.as_bytes(), Format::Prometheus).unwrap(), expected, "{body}");
}

fn open_metrics(body: &str, expected: &[&str]) {
    assert_eq!(told(body.as_bytes(), Format::OpenMetrics).unwrap(), expected, "{body}");
}

fn refused(format: Format, body: &str, message: &str) {
    assert_eq!(told(body.as_bytes(), format).unwrap_err(), message, "{body}");
}

/// Every construct of the 0.0.4 page ("Text format example") and the UTF-8 names of Prometheus 3.
const PROMETHEUS: &str = "\
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000
http_requests_total{method=\"post\",code=\"400\"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find file:\\n\\\"FILE.TXT\\\"\"} 1.458255915e9
metric_without_timestamp_and_labels 12.47
  something_weird { problem = \"division by zero\" , } +Inf -3982045
# TYPE rpc_duration_seconds summary
rpc_duration_seconds{quantile=\"0.01\"} 3102
rpc_duration_seconds{quantile=\"1\"} 3272
rpc_duration_seconds_sum 1.7560473e+07
# TYPE x histogram
x_bucket{le=\"1\"} 2
x_bucket{le=\"+Inf\"} 3\t17
# TYPE \"my.dotted\" gauge
{\"my.dotted\",\"with space\"=\"a\",b=\"\"} NaN
# HELP other multi\\nline \\\\ \\x
other{__name2=\"\\q\"}0x
";

#[test]
fn prometheus_text_is_read_as_its_page_says() {
    let body = PROMETHEUS.replace("}0x", "}0");
    prometheus(
        &body,
        &[
            "help http_requests_total \"The total number of HTTP requests.\"",
            "type http_requests_total counter",
            "__name__=\"http_requests_total\" code=\"200\" method=\"post\" 1027.0 @1395066363000",
            "__name__=\"http_requests_total\" code=\"400\" method=\"post\" 3.0 @1395066363000",
            "__name__=\"msdos_file_access_time_seconds\" error=\"Cannot find file:\\n\\\"FILE.TXT\\\"\" path=\"C:\\\\DIR\\\\FILE.TXT\" 1.458255915e+09",
            "__name__=\"metric_without_timestamp_and_labels\" 12.47",
            "__name__=\"something_weird\" problem=\"division by zero\" +Inf @-3982045",
            "type rpc_duration_seconds summary",
            "__name__=\"rpc_duration_seconds\" quantile=\"0.01\" 3102.0",
            "__name__=\"rpc_duration_seconds\" quantile=\"1.0\" 3272.0",
            "__name__=\"rpc_duration_seconds_sum\" 1.7560473e+07",
            "type x histogram",
            "__name__=\"x_bucket\" le=\"1.0\" 2.0",
            "__name__=\"x_bucket\" le=\"+Inf\" 3.0 @17",
            "type my.dotted gauge",
            "__name__=\"my.dotted\" with space=\"a\" NaN",
            "help other \"multi\\nline \\\\ \\\\x\"",
            "__name2=\"\\\\q\" __name__=\"other\" 0.0",
        ],
    );
    refused(Format::Prometheus, PROMETHEUS, "line 20: expected a number as the value, found \"0x\"");
}

#[test]
fn a_last_line_without_its_end_counts_and_nothing_is_a_scrape_too() {
    prometheus("up 1", &["__name__=\"up\" 1.0"]);
    prometheus("", &[]);
    prometheus("\n\n# only words\n#\n#TYPE x y\n# TYPE\n", &[]);
}

#[test]
fn open_metrics_is_read_as_its_specification_says() {
    open_metrics(
        "# TYPE acme_http_router_request_seconds summary\n\
         # UNIT acme_http_router_request_seconds seconds\n\
         # HELP acme_http_router_request_seconds Latency \\\"all\\\" of it.\n\
         acme_http_router_request_seconds_sum{path=\"/api/v1\",method=\"GET\"} 9036.32\n\
         acme_http_router_request_seconds_created{path=\"/api/v1\",method=\"GET\"} 1605281325.0\n\
         # TYPE foo histogram\n\
         foo_bucket{le=\"0.01\"} 0\n\
         foo_bucket{le=\"10\"} 17 # {trace_id=\"oHg5SJYRHA0\"} 9.8 1520879607.789\n\
         foo_count 17 1520879607.789 # {} 1\n\
         # TYPE bar unknown\n\
         {\"bar.x\",a=\"}\"} -0.5 -1.5\n\
         # EOF\n",
        &[
            "type acme_http_router_request_seconds summary",
            "unit acme_http_router_request_seconds seconds",
            "help acme_http_router_request_seconds \"Latency \\\"all\\\" of it.\"",
            "__name__=\"acme_http_router_request_seconds_sum\" method=\"GET\" path=\"/api/v1\" 9036.32",
            "__name__=\"acme_http_router_request_seconds_created\" method=\"GET\" path=\"/api/v1\" 1.605281325e+09",
            "type foo histogram",
            "__name__=\"foo_bucket\" le=\"0.01\" 0.0",
            "__name__=\"foo_bucket\" le=\"10.0\" 17.0",
            "__name__=\"foo_count\" 17.0 @1520879607789",
            "type bar unknown",
            "__name__=\"bar.x\" a=\"}\" -0.5 @-1500",
        ],
    );
    open_metrics("# EOF", &[]);
}

#[test]
fn created_is_told_apart_for_what_counts_only() {
    let created = |body: &str| {
        let entries: Vec<_> = Parser::new(body.as_bytes(), Format::OpenMetrics, Limits::default()).unwrap().collect();
        entries.iter().filter(|entry| matches!(entry, Ok(Entry::Created(_)))).count()
    };
    assert_eq!(created("# TYPE a counter\na_total 1\na_created 5\n# EOF\n"), 1);
    assert_eq!(created("# TYPE a counter\na_total 1\nb_created 5\n# EOF\n"), 0);
    assert_eq!(created("# TYPE a gauge\na_created 5\n# EOF\n"), 0);
    assert_eq!(created("# TYPE \"a.b\" counter\n{\"a.b_created\",x=\"y\"} 5\n# EOF\n"), 1);
}

#[test]
fn open_metrics_is_strict_where_prometheus_text_is_not() {
    let strict = |body, message| refused(Format::OpenMetrics, body, message);
    strict("a 1\n", "line 1: the body does not end with # EOF, so it was cut off");
    strict("", "line 0: the body does not end with # EOF, so it was cut off");
    strict("a 1\n\n# EOF\n", "line 2: expected a metric, a comment or # EOF, not an empty line, but the line ends");
    strict("a 1\n# EOF\nb 1\n", "line 3: expected nothing after # EOF, found \"b 1\"");
    strict("a  1\n# EOF\n", "line 1: expected a number as the value, found \" 1\"");
    strict("a 1 \n# EOF\n", "line 1: expected a timestamp or the end of the line, but the line ends");
    strict("# words\n# EOF\n", "line 1: expected # TYPE, # HELP, # UNIT or # EOF, found \"# words\"");
    strict("# TYPE a untyped\n# EOF\n", "line 1: expected a metric type, found \"untyped\"");
    strict(
        "# UNIT a_b seconds\n",
        "line 1: expected a unit that the metric's name ends with, found \"# UNIT a_b seconds\"",
    );
    strict("a 1 NaN\n# EOF\n", "line 1: expected a timestamp or the end of the line, found \"NaN\"");
    strict("a 1 # {b=\"c\"}\n# EOF\n", "line 1: expected one space, but the line ends");
    strict("a 1 # {\"b\"} 1\n# EOF\n", "line 1: expected one metric name only, found \"b\"");
}

#[test]
fn a_bad_line_is_an_error_with_its_line_and_what_was_expected() {
    let check = |line: &str, message: &str| refused(Format::Prometheus, &format!("up 1\n{line}\n"), message);
    check("9lives 1", "line 2: expected a metric name, found \"9lives 1\"");
    check("a", "line 2: expected a number as the value, but the line ends");
    check("a b", "line 2: expected a number as the value, found \"b\"");
    check("a 1 2 3", "line 2: expected the end of the line, found \" 3\"");
    check("a 1 1.5", "line 2: expected a timestamp or the end of the line, found \"1.5\"");
    check("a 1\r", "line 2: expected a number as the value, found \"1\\r\"");
    check("a{b=\"c\" 1", "line 2: expected , or }, found \"1\"");
    check("a{b=\"c} 1", "line 2: expected a closing quote, found \"\\\"c} 1\"");
    check("a{b=\"c\\", "line 2: expected a closing quote, found \"\\\"c\\\\\"");
    check("a{b} 1", "line 2: expected = after the label name, found \"} 1\"");
    check("a{b=c} 1", "line 2: expected a text in quotes, found \"c} 1\"");
    check("a{,} 1", "line 2: expected a label name or }, found \",} 1\"");
    check("a{\"b\"} 1", "line 2: expected one metric name only, found \"b\"");
    check("{\"a\",\"b\"} 1", "line 2: expected one metric name only, found \"b\"");
    check("{a=\"b\"} 1", "line 2: expected a metric name, found \"{a=\\\"b\\\"} 1\"");
    check("# TYPE a b", "line 2: expected a metric type, found \"b\"");
    check("# TYPE 9 gauge", "line 2: expected a metric name, found \"9 gauge\"");
    check("a 1e999", "line 2: expected a number as the value, found \"1e999\"");
    check(&format!("{} x", "n".repeat(60)).replace(" x", "{"), "line 2: expected a label name or }, but the line ends");
}

#[test]
fn bytes_that_are_not_utf8_are_refused_with_their_line() {
    let error = Parser::new(b"a 1\nb{c=\"\xff\"} 1\n", Format::Prometheus, Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "line 2: expected UTF-8, found \"other bytes\"");
}

#[test]
fn labels_that_break_a_rule_are_refused_when_they_are_read() {
    let check = |line: &str, expected: LabelError| {
        let mut parser = Parser::new(line.as_bytes(), Format::Prometheus, Limits::default()).unwrap();
        let Some(Ok(Entry::Sample(sample))) = parser.next() else { panic!("{line} is not a sample") };
        let outcome = sample.series.labels_into(&LabelLimits::default(), &mut Vec::new());
        assert_eq!(outcome, Err(expected), "{line}");
    };
    check("a{b=\"1\",b=\"2\"} 1", LabelError::Twice { name: "b".into() });
    check("{__name__=\"\"} 1", LabelError::NoMetricName);
    check("{\"\",a=\"1\"} 1", LabelError::NoMetricName);
    check("a{\"\"=\"1\"} 1", LabelError::NameEmpty);
    let long = format!("a{{b=\"{}\"}} 1", "x".repeat(5_000));
    check(&long, LabelError::ValueTooLong { name: "b".into(), bytes_max: 1_024 });
}

#[test]
fn each_limit_is_named() {
    let limits = Limits {
        body_bytes_max: 100,
        line_bytes_max: 30,
        samples_max: 3,
        labels: LabelLimits { labels_max: 2, ..LabelLimits::default() },
    };
    let check = |body: &str, message: &str| {
        let outcome = Parser::new(body.as_bytes(), Format::Prometheus, limits)
            .and_then(|parser| parser.collect::<Result<Vec<_>, _>>());
        assert_eq!(outcome.unwrap_err().to_string(), message);
    };
    check(&"a 1\n".repeat(26), "more than 100 bytes in the body: raise the limit or expose less");
    check(
        &format!("a{} 1\n", "b".repeat(40)),
        "line 1: more than 30 bytes in the line: raise the limit or expose less",
    );
    check("a 1\na 1\na 1\na 1\n", "line 4: more than 3 samples: raise the limit or expose less");
    check("a{b=\"1\",c=\"2\"} 1\n", "line 1: more than 2 labels: raise the limit or expose less");
}

#[test]
fn a_series_that_is_expected_is_recognised_and_another_one_is_not_taken_for_it() {
    let body = b"up 1\nup {a=\"b\"} 2\nup{a=\"b\"} 3\nupper 4\nup\t5\n";
    let expectations: [&[u8]; 5] = [b"up", b"up", b"up{a=\"b\"}", b"up", b"up"];
    let mut parser = Parser::new(body, Format::Prometheus, Limits::default()).unwrap();
    let mut seen = Vec::new();
    for expected in expectations {
        let Ok(Some(Entry::Sample(sample))) = parser.next_entry(Some(expected)) else { panic!("a sample") };
        seen.push((String::from_utf8(sample.series.raw().to_vec()).unwrap(), sample.value));
    }
    let expected = [("up", 1.0), ("up {a=\"b\"}", 2.0), ("up{a=\"b\"}", 3.0), ("upper", 4.0), ("up", 5.0)];
    assert_eq!(seen, expected.map(|(raw, value)| (raw.to_owned(), value)));
}

#[test]
fn a_parser_that_failed_stays_at_its_end() {
    let mut parser = Parser::new(b"a b\nup 1\n", Format::Prometheus, Limits::default()).unwrap();
    assert!(parser.next().unwrap().is_err());
    assert!(parser.next().is_none());
}

#[test]
fn exemplars_are_counted_and_no_text_is_a_staleness_marker() {
    let body = b"a 1 # {b=\"c\"} 2\nb NaN 5 # {} 1 2\n# EOF\n";
    let mut parser = Parser::new(body, Format::OpenMetrics, Limits::default()).unwrap();
    let mut values = Vec::new();
    while let Some(Entry::Sample(sample)) = parser.next_entry(None).unwrap() {
        values.push(sample.value);
    }
    assert_eq!((parser.exemplars_skipped(), values.len()), (2, 2));
    assert!(values[1].is_nan() && !is_stale_marker(values[1]));
}

#[test]
fn damaged_scrapes_never_panic_nor_take_memory_and_hints_change_nothing() {
    let prometheus = PROMETHEUS.replace("}0x", "}0");
    let open_metrics = "# TYPE foo histogram\n# UNIT foo_s s\nfoo_bucket{le=\"10\"} 17 # {t=\"o\\\"\"} 9.8 15.789\n\
        {\"bar.x\",a=\"}\"} -0.5 -1.5\nfoo_created 17\n# EOF\n";
    let seeds = [(prometheus.as_bytes(), Format::Prometheus), (open_metrics.as_bytes(), Format::OpenMetrics)];
    let tokens: [&[u8]; 10] = [b"{", b"}", b"\"", b"\\", b"\n", b"# ", b" ", b"=", b"# EOF\n", b"NaN"];
    let mut dice = Dice::new(0x7465_7874);
    let before = peak_resident_kib();
    let mut refused = 0;
    for round in 0..60_000 {
        let (seed, format) = seeds[round % seeds.len()];
        let mut bytes = seed.to_vec();
        dice.damage(&mut bytes, &tokens);
        let plain = told(&bytes, format);
        refused += usize::from(plain.is_err());
        let Ok(mut parser) = Parser::new(&bytes, format, Limits::default()) else { continue };
        let mut hinted = 0;
        let mut outcome = parser.next_entry(None);
        while let Ok(Some(entry)) = &outcome {
            hinted += 1;
            let hint = if let Entry::Sample(sample) = entry { sample.series.raw() } else { b"foo" };
            outcome = parser.next_entry(Some(hint));
        }
        if let Ok(plain) = plain {
            assert_eq!((plain.len(), outcome.is_ok()), (hinted, true), "{:?}", String::from_utf8_lossy(&bytes));
        }
    }
    assert!(refused > 20_000, "much damage is noticed: {refused}");
    if let (Some(before), Some(after)) = (before, peak_resident_kib()) {
        assert!(after - before < 256 * 1024, "{} KiB", after - before);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

proptest! {
    #[test]
    fn what_an_exporter_writes_is_what_is_read(
        sent in prop::collection::vec(
            (
                "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}|[a-z. \"\\\\ø\n]{1,8}",
                prop::collection::btree_map("[a-zA-Z_][a-zA-Z0-9]{0,6}|[a-z.\"]{1,4}", "[a-z\"\\\\\n,{}= ø]{0,9}", 0..5),
                any::<f64>(),
                prop::option::of(-9_000_000_000_000_i64..9_000_000_000_000),
            ),
            0..10,
        ),
        strict: bool,
    ) {
        let plain = |name: &str, colon: bool| {
            let letter = |char: char| char.is_ascii_alphabetic() || char == '_' || (colon && char == ':');
            name.starts_with(letter) && name.chars().all(|char| letter(char) || char.is_ascii_digit())
        };
        let (mut body, mut expected) = (String::new(), Vec::new());
        for (name, labels, value, at_ms) in &sent {
            let mut parts: Vec<String> = Vec::new();
            if plain(name, true) { body.push_str(name) } else { parts.push(format!("\"{}\"", escaped(name))) }
            for (label, value) in labels {
                let label = if plain(label, false) { label.clone() } else { format!("\"{}\"", escaped(label)) };
                parts.push(format!("{label}=\"{}\"", escaped(value)));
            }
            body.push_str(&format!("{{{}}} {value}", parts.join(",")));
            let at = |at: i64| if strict { format!(" {}.{:03}", at / 1_000, (at % 1_000).abs()) } else { format!(" {at}") };
            // Between -1 s and 0 the whole seconds have no sign to carry.
            let at_ms = at_ms.filter(|at| !strict || *at >= 0);
            body.push_str(&at_ms.map(at).unwrap_or_default());
            body.push('\n');
            let mut pairs: Vec<(String, String)> = labels.clone().into_iter().filter(|(_, value)| !value.is_empty()).collect();
            pairs.push((crate::NAME_LABEL.to_owned(), name.clone()));
            pairs.sort();
            let value = if value.is_nan() { f64::NAN } else { *value };
            expected.push((pairs, value.to_bits(), at_ms));
        }
        if strict {
            body.push_str("# EOF\n");
        }
        let format = if strict { Format::OpenMetrics } else { Format::Prometheus };
        let mut read = Vec::new();
        let mut labels = Vec::new();
        for entry in Parser::new(body.as_bytes(), format, Limits::default()).unwrap() {
            let Entry::Sample(sample) = entry.unwrap() else { panic!("a sample") };
            sample.series.labels_into(&LabelLimits::default(), &mut labels).unwrap();
            let pairs = labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect::<Vec<_>>();
            read.push((pairs, sample.value.to_bits(), sample.at_ms));
        }
        prop_assert_eq!(read, expected, "{}", body);
    }
}
