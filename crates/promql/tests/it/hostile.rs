//! Broken and hostile queries: an error or an answer, never a panic, never for long.

use promql::{Labels, MemorySource, Options, ParseOptions, When, parse_with, query};
use std::time::{Duration, Instant};

/// xorshift64*: seeded, so that a failure comes again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

const QUERIES: [&str; 28] = [
    "sum by (a) (rate(m_total{b=~\"x|y.*\"}[5m] offset 1m))",
    "histogram_quantile(0.9, sum by (le) (rate(h_bucket[2m])))",
    "topk(2, m_total) / on (a) group_left (c) n @ start()",
    "max_over_time(rate(m_total[1m])[10m:30s] @ 300)",
    "label_replace(n, \"d\", \"$1-${1}\", \"a\", \"(.*)\")",
    "m_total > bool 5 or n and on () vector(1)",
    "quantile_over_time(0.5, n[3m]) unless ignoring (a, c) n",
    "count_values(\"v\", round(n * 1e3, 0.5))",
    "predict_linear(n[5m], 3600) - deriv(n[5m])",
    "absent(nothing{a=\"1\",b!=\"2\"}) + absent_over_time(nothing[5m])",
    "-2 ^ 3 ^ 2 % 0x1F + Inf * NaN atan2 1_000",
    "sort_desc(n) == clamp(n, 0, scalar(sum(n)))",
    "{\"m_total\", a!~\"\", \"b c\"=`x`}",
    "avg without (a) (n) + stddev(n) - stdvar(n) + group(n)",
    "day_of_year() + hour(timestamp(n)) + time()",
    "changes(n[5m:]) + resets(m_total[5m]) + irate(m_total[5m])",
    "label_join(n, \"x\", \"-\", \"a\", \"b\", \"c\")",
    "limitk(1, n) or limit_ratio(0.5, n)",
    "double_exponential_smoothing(n[5m], 0.3, 0.3)",
    "sum(sum_over_time(n[1d:1s] offset -5m))",
    "min_over_time((n or m_total)[5m:1m]) ^ 0.5",
    "bottomk by (a) (time() / 300, m_total)",
    "increase(m_total[5m]) >= bool n",
    "mad_over_time(n[5m]) + quantile(1.5, n)",
    "n + on (a) fill_left (1) fill_right (-1) m_total{a=\"1\"}",
    "increase(m_total[3m] anchored) - rate(m_total[step() + 2m] smoothed offset 1m)",
    "n smoothed @ 100 + info(m_total, {b=~\".*\"})",
    "histogram_quantiles(h_bucket, \"q\", 0.5, 0.9) + histogram_fraction(0, 1, h_bucket)",
];

const PIECES: [&str; 40] = [
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ",",
    "5m",
    "1e400",
    "-",
    "^",
    "offset",
    "@",
    "by",
    "(a)",
    "sum",
    "rate",
    "bool",
    "on",
    "group_left",
    "'",
    "\"",
    "`",
    "\\",
    "\u{0}",
    "é",
    "#",
    ":",
    "1x",
    "=~",
    "!",
    "NaN",
    "9223372036854775807",
    "[1y:1ms]",
    " or ",
    "topk(",
    "99999999999999999999",
    "start()",
    "\\xff",
    "_",
];

pub(crate) fn source() -> MemorySource {
    let mut source = MemorySource::new();
    for (name, a, scale) in [("m_total", "1", 3.0), ("m_total", "2", 7.0), ("n", "1", -2.5), ("n", "2", 0.0)] {
        let labels = Labels::from_pairs([("__name__", name), ("a", a), ("b", "x"), ("c", "y")]);
        for minute in 0..20i64 {
            let value =
                [scale * minute as f64, f64::NAN, f64::INFINITY][usize::from(minute % 7 == 3) * (minute as usize % 3)];
            source.push(&labels, minute * 30_000, value);
        }
    }
    for (le, count) in [("0.1", 3.0), ("1", 9.0), ("+Inf", 10.0), ("junk", 4.0)] {
        let labels = Labels::from_pairs([("__name__", "h_bucket"), ("le", le)]);
        (0..20i64).for_each(|minute| source.push(&labels, minute * 30_000, count * minute as f64));
    }
    source
}

fn mutate(text: &mut String, dice: &mut Dice) {
    for _ in 0..=dice.roll(3) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = places[dice.roll(places.len())];
        let to = places[dice.roll(places.len())].max(at).min(at + 12);
        let to = places.iter().copied().rfind(|place| *place <= to).unwrap_or(at);
        match dice.roll(5) {
            0 => text.insert_str(at, dice.pick(&PIECES)),
            1 => text.replace_range(at..to, ""),
            2 => text.replace_range(at..to, dice.pick(&PIECES)),
            3 => text.truncate(at),
            _ => {
                let piece = text[at..to].to_owned();
                text.insert_str(places[dice.roll(places.len())].min(text.len()), &piece);
            }
        }
    }
}

#[test]
fn mutated_queries_are_read_or_refused_and_print_back() {
    let mut dice = Dice(0x7072_6f6d_716c);
    let (mut read, mut refused) = (0, 0);
    for round in 0..30_000 {
        let mut text = QUERIES[round % QUERIES.len()].to_owned();
        mutate(&mut text, &mut dice);
        match parse_with(&text, ParseOptions { experimental: true, ..ParseOptions::default() }) {
            Err(_) => refused += 1,
            Ok(expr) => {
                read += 1;
                let canonical = expr.to_string();
                let again = parse_with(&canonical, ParseOptions { experimental: true, ..ParseOptions::default() });
                let again = again.unwrap_or_else(|error| panic!("{text:?} -> {canonical:?}: {error}"));
                assert_eq!(again.to_string(), canonical, "{text:?}");
            }
        }
    }
    assert!(read > 2_500 && refused > 2_500, "{read} read, {refused} refused");
}

#[test]
fn mutated_queries_are_answered_or_fail_within_their_limits() {
    let (source, mut dice) = (source(), Dice(42));
    for round in 0..4_000 {
        let mut text = QUERIES[round % QUERIES.len()].to_owned();
        if round >= QUERIES.len() {
            mutate(&mut text, &mut dice);
        }
        let options = Options {
            experimental: true,
            memory_bytes_max: 4 << 20,
            deadline: Some(Instant::now() + Duration::from_secs(20)),
            threads: 1,
            ..Options::default()
        };
        let when = match round % 3 {
            0 => When::Instant(dice.roll(900_000) as i64),
            1 => When::Range { start_ms: 0, end_ms: 600_000, step_ms: 30_000 },
            _ => When::Range { start_ms: -1, end_ms: 1_000_000, step_ms: 1 + dice.roll(100_000) as i64 },
        };
        let answer = query(&text, &source, when, &options);
        if round < QUERIES.len() && when == When::Instant(0) {
            assert!(answer.is_ok(), "{text}: {answer:?}");
        }
    }
}

#[test]
fn every_query_of_the_list_can_be_answered() {
    let source = source();
    let options = Options { experimental: true, memory_bytes_max: 64 << 20, ..Options::default() };
    for text in QUERIES {
        for when in [When::Instant(540_000), When::Range { start_ms: 0, end_ms: 600_000, step_ms: 15_000 }] {
            if text.contains("[1d:1s]") && when != When::Instant(540_000) {
                continue;
            }
            query(text, &source, when, &options).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }
}
