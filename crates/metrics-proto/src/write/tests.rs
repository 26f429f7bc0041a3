//! Golden requests, round trips, refusals and damage.

use proptest::prelude::*;

use super::*;
use crate::dice::{Dice, peak_resident_kib};
use crate::wire::{put_bytes, put_double, put_uint, put_varint};
use crate::{Item, Kind, LabelLimits, Metadata, inflate, is_stale_marker, stale_marker};

type Read = (Vec<(String, String)>, Vec<(i64, u64)>);

fn series_of(version: Version, body: &[u8]) -> Result<(Vec<Read>, Counts), WriteError> {
    let mut all = Vec::new();
    let counts = Decoder::new(Limits::default()).read(version, body, |item| {
        if let Item::Series(series) = item {
            let mut labels = Vec::new();
            series.labels.read_into(&LabelLimits::default(), &mut labels).unwrap();
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            all.push((labels, series.samples.iter().map(|(at, value)| (*at, value.to_bits())).collect()));
        }
    })?;
    Ok((all, counts))
}

fn unpacked(body: &[u8]) -> Vec<u8> {
    let mut into = Vec::new();
    inflate::snappy(body, 64 << 20, &mut into).unwrap();
    into
}

fn message(parts: &[(u32, &[u8])]) -> Vec<u8> {
    let mut into = Vec::new();
    parts.iter().for_each(|(field, bytes)| put_bytes(*field, bytes, &mut into));
    into
}

/// Written by hand from `remote.proto`: up{job="a"} 1.5 at 1000 ms, and the metadata of up.
const GOLDEN_V1: &[u8] = b"\x0a\x28\
    \x0a\x0e\x0a\x08__name__\x12\x02up\
    \x0a\x08\x0a\x03job\x12\x01a\
    \x12\x0c\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xe8\x07\
    \x1a\x0f\x08\x02\x12\x02up\x22\x04help\x2a\x01s";

#[test]
fn the_golden_request_of_1_0_is_read_and_written() {
    let (series, counts) = series_of(Version::V1, GOLDEN_V1).unwrap();
    let labels = vec![("__name__".to_owned(), "up".to_owned()), ("job".to_owned(), "a".to_owned())];
    assert_eq!(series, [(labels, vec![(1_000, 1.5_f64.to_bits())])]);
    assert_eq!(counts, Counts { series: 1, samples: 1, ..Counts::default() });
    let mut encoder = Encoder::new(Version::V1);
    encoder.series([("__name__", "up"), ("job", "a")], [(1_000, 1.5)]);
    encoder.metadata(&Metadata { metric: "up", kind: Kind::Gauge, help: "help", unit: "s" });
    assert_eq!((encoder.samples(), encoder.bytes()), (1, GOLDEN_V1.len()));
    assert_eq!(unpacked(&encoder.finish().unwrap()), GOLDEN_V1);
    assert_eq!((encoder.samples(), encoder.bytes()), (0, 0));
}

#[test]
fn metadata_of_1_0_is_given() {
    let mut kinds = Vec::new();
    let mut decoder = Decoder::new(Limits::default());
    let outcome = decoder.read(Version::V1, GOLDEN_V1, |item| {
        if let Item::Metadata(Metadata { metric, kind, help, unit }) = item {
            kinds.push((metric.to_owned(), kind, help.to_owned(), unit.to_owned()));
        }
    });
    assert!(outcome.is_ok());
    assert_eq!(kinds, [("up".to_owned(), Kind::Gauge, "help".to_owned(), "s".to_owned())]);
}

/// Written by hand from `io/prometheus/write/v2/types.proto`: the same series, with a kind and words.
fn golden_v2() -> Vec<u8> {
    let mut body = Vec::new();
    for symbol in ["", "__name__", "up", "job", "a", "help"] {
        put_bytes(4, symbol.as_bytes(), &mut body);
    }
    let sample = b"\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xe8\x07";
    let metadata = b"\x08\x02\x18\x05\x20\x00";
    let exemplar = b"\x11\x00\x00\x00\x00\x00\x00\xf8\x3f";
    put_bytes(5, &message(&[(1, &[1, 2, 3, 4]), (2, sample), (4, exemplar), (5, metadata)]), &mut body);
    body
}

#[test]
fn the_golden_request_of_2_0_gives_the_same_bytes_as_1_0() {
    let mut of_v1 = Vec::new();
    let mut decoder = Decoder::new(Limits::default());
    decoder
        .read(Version::V1, GOLDEN_V1, |item| {
            if let Item::Series(series) = item {
                of_v1 = series.labels.as_bytes().to_vec();
            }
        })
        .unwrap();
    let mut seen = 0;
    let counts = decoder
        .read(Version::V2, &golden_v2(), |item| {
            let Item::Series(series) = item else { panic!("{item:?}") };
            assert_eq!(series.labels.as_bytes(), of_v1, "one key serves both versions");
            assert_eq!(series.samples, [(1_000, 1.5)]);
            assert_eq!(series.metadata, Some(Metadata { metric: "", kind: Kind::Gauge, help: "help", unit: "" }));
            seen += 1;
        })
        .unwrap();
    assert_eq!(seen, 1);
    assert_eq!(counts, Counts { series: 1, samples: 1, exemplars_ignored: 1, ..Counts::default() });
}

#[test]
fn labels_that_do_not_lie_together_are_found_all_the_same() {
    let sample = b"\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xe8\x07";
    let (name, job) = (b"\x0a\x08__name__\x12\x02up", b"\x0a\x03job\x12\x01a");
    for parts in [
        [(2, sample.as_slice()), (1, name.as_slice()), (1, job.as_slice())],
        [(1, name.as_slice()), (2, sample.as_slice()), (1, job.as_slice())],
    ] {
        let body = message(&[(1, &message(&parts)), (1, &message(&parts))]);
        let (series, counts) = series_of(Version::V1, &body).unwrap();
        assert_eq!(counts.series, 2);
        assert!(series.iter().all(|(labels, _)| labels.len() == 2), "{series:?}");
    }
}

#[test]
fn staleness_markers_and_every_other_bit_pattern_survive() {
    let values = [stale_marker(), f64::NAN, f64::INFINITY, -0.0, f64::MIN_POSITIVE];
    for version in [Version::V1, Version::V2] {
        let mut encoder = Encoder::new(version);
        encoder.series([("__name__", "up")], values.iter().map(|value| (-5, *value)));
        let (series, _) = series_of(version, &unpacked(&encoder.finish().unwrap())).unwrap();
        assert_eq!(series[0].1, values.map(|value| (-5, value.to_bits())));
        assert!(is_stale_marker(f64::from_bits(series[0].1[0].1)));
    }
}

/// An exponential histogram: schema 0, a zero bucket of 2, buckets (1,2] 1 and (2,4] 3.
fn histogram(schema: u64, deltas: &[u64]) -> Vec<u8> {
    let mut message = Vec::new();
    put_uint(1, 6, &mut message);
    put_double(3, 12.5, &mut message);
    put_uint(4, schema, &mut message);
    put_double(5, 0.001, &mut message);
    put_uint(6, 2, &mut message);
    put_bytes(11, b"\x08\x02\x10\x02", &mut message);
    let mut packed = Vec::new();
    deltas.iter().for_each(|delta| put_varint(*delta, &mut packed));
    put_bytes(12, &packed, &mut message);
    put_uint(15, 1_000, &mut message);
    message
}

#[test]
fn a_native_histogram_becomes_count_sum_and_buckets() {
    let labels = b"\x0a\x08__name__\x12\x03lat";
    let body = message(&[(1, &message(&[(1, labels), (4, &histogram(0, &[2, 4]))]))]);
    let (series, counts) = series_of(Version::V1, &body).unwrap();
    let told: Vec<String> = series
        .iter()
        .map(|(labels, samples)| {
            let text: Vec<&str> = labels.iter().map(|(_, value)| value.as_str()).collect();
            format!("{} {} @{}", text.join(" "), f64::from_bits(samples[0].1), samples[0].0)
        })
        .collect();
    let expected = [
        "lat_bucket 0.001 2 @1000",
        "lat_bucket 1.0 2 @1000",
        "lat_bucket 2.0 3 @1000",
        "lat_bucket 4.0 6 @1000",
        "lat_bucket 8.0 6 @1000",
        "lat_bucket +Inf 6 @1000",
        "lat_count 6 @1000",
        "lat_sum 12.5 @1000",
    ];
    assert_eq!(told, expected);
    assert_eq!(counts, Counts { series: 8, histograms: 1, ..Counts::default() });
}

#[test]
fn a_histogram_that_cannot_be_is_counted_and_its_neighbours_are_kept() {
    let labels = b"\x0a\x08__name__\x12\x03lat";
    let sample = b"\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xe8\x07";
    let check = |histogram: Vec<u8>, reason: &str| {
        let body =
            message(&[(1, &message(&[(1, labels), (4, &histogram)])), (1, &message(&[(1, labels), (2, sample)]))]);
        let (series, counts) = series_of(Version::V1, &body).unwrap();
        assert_eq!((series.len(), counts.histograms_refused, counts.samples), (1, 1, 1));
        assert!(counts.refused_because.as_deref().unwrap().contains(reason), "{counts:?}");
    };
    check(histogram(60, &[2, 4]), "schema");
    check(histogram(0, &[2]), "do not fit");
    check(histogram(0, &[2, 4, 2]), "do not fit");
    check(histogram(0, &[2, 3]), "count");
    check(histogram(0, &vec![0; 5_000]), "do not fit");
}

#[test]
fn broken_references_of_2_0_are_refused() {
    let request = |symbols: &[&str], references: &[u8]| {
        let mut body = Vec::new();
        symbols.iter().for_each(|symbol| put_bytes(4, symbol.as_bytes(), &mut body));
        put_bytes(5, &message(&[(1, references)]), &mut body);
        series_of(Version::V2, &body).unwrap_err()
    };
    assert!(matches!(request(&["", "a"], &[1, 2]), WriteError::Symbols(_)));
    assert!(matches!(request(&["", "a"], &[1]), WriteError::Symbols(_)));
    assert!(matches!(request(&["a"], &[0, 0]), WriteError::Symbols(_)));
    assert!(matches!(request(&["", "a"], &[0xff; 3]), WriteError::Damaged(_)));
}

#[test]
fn each_limit_is_named() {
    let limits = Limits { series_max: 1, given_max: 5, samples_per_series_max: 2, label_bytes_max: 30, symbols_max: 5 };
    let check = |version, body: &[u8], what: &str| {
        let error = Decoder::new(limits).read(version, body, |_| ()).unwrap_err();
        assert!(matches!(&error, WriteError::Limit { what: named, .. } if *named == what), "{error}");
    };
    let twice = [GOLDEN_V1, GOLDEN_V1].concat();
    check(Version::V1, &twice, "series");
    check(Version::V2, &golden_v2(), "symbols");
    let sample = b"\x10\x01".as_slice();
    check(Version::V1, &message(&[(1, &message(&[(2, sample); 3]))]), "samples of one series");
    let labels = b"\x0a\x08__name__\x12\x03lat";
    check(
        Version::V1,
        &message(&[(1, &message(&[(1, labels), (4, &histogram(0, &[2, 4]))]))]),
        "series of histograms and metadata",
    );
}

#[test]
fn a_series_with_too_long_labels_costs_no_other_series_of_the_request() {
    let limits = Limits { label_bytes_max: 30, ..Limits::default() };
    let given = |version, body: &[u8]| {
        let mut names = Vec::new();
        let counts = Decoder::new(limits).read(version, body, |item| {
            if let Item::Series(series) = item {
                let mut labels = Vec::new();
                series.labels.read_into(&LabelLimits::default(), &mut labels).unwrap();
                names.extend(labels.iter().map(|(_, value)| (*value).to_owned()));
            }
        });
        let counts = counts.unwrap();
        assert_eq!((counts.samples, counts.samples_refused), (2, 1));
        assert!(counts.refused_because.unwrap().contains("more than 30 bytes of labels"));
        names
    };
    let sample = b"\x10\x01".as_slice();
    let named = |name: &[u8]| {
        let length = [u8::try_from(name.len()).unwrap()];
        message(&[(1, [b"\x0a\x08__name__\x12".as_slice(), &length, name].concat().as_slice()), (2, sample)])
    };
    let all = [named(b"before"), named(&[b'x'; 60]), named(b"after")];
    assert_eq!(given(Version::V1, &message(&[(1, &all[0]), (1, &all[1]), (1, &all[2])])), ["before", "after"]);

    let mut body = Vec::new();
    ["", "__name__", "before", &"x".repeat(60), "after"]
        .iter()
        .for_each(|symbol| put_bytes(4, symbol.as_bytes(), &mut body));
    for name in [2, 3, 4] {
        put_bytes(5, &message(&[(1, &[1, name]), (2, sample)]), &mut body);
    }
    assert_eq!(given(Version::V2, &body), ["before", "after"]);
}

#[test]
fn damaged_requests_never_panic_nor_take_memory() {
    let labels = b"\x0a\x08__name__\x12\x03lat".as_slice();
    let with_histogram = message(&[(1, &message(&[(1, labels), (4, &histogram(0, &[2, 4]))]))]);
    let seeds = [(Version::V1, GOLDEN_V1.to_vec()), (Version::V2, golden_v2()), (Version::V1, with_histogram)];
    let tokens: [&[u8]; 6] = [&[0xff; 9], &[0x0a, 0x7f], &[0x22, 0], &[0x2a, 0], &[0x0b], &[0x80; 11]];
    let mut dice = Dice::new(0x0077_7269_7465);
    let before = peak_resident_kib();
    let mut decoder = Decoder::new(Limits::default());
    let mut refused = 0;
    for round in 0..100_000 {
        let (version, seed) = &seeds[round % seeds.len()];
        let mut bytes = seed.clone();
        dice.damage(&mut bytes, &tokens);
        let outcome = decoder.read(*version, &bytes, |item| {
            if let Item::Series(series) = item {
                let _ = series.labels.read_into(&LabelLimits::default(), &mut Vec::new());
            }
        });
        refused += usize::from(outcome.is_err());
        let packed = inflate::to_snappy(&bytes).unwrap();
        let mut cut = packed.clone();
        dice.damage(&mut cut, &tokens);
        let _ = inflate::snappy(&cut, 1 << 20, &mut Vec::new());
    }
    assert!(refused > 50_000, "most damage is noticed: {refused}");
    if let (Some(before), Some(after)) = (before, peak_resident_kib()) {
        assert!(after - before < 256 * 1024, "{} KiB", after - before);
    }
}

proptest! {
    #[test]
    fn what_is_sent_is_what_is_received(
        sent in prop::collection::vec(
            (
                prop::collection::btree_map("[a-z.ø]{1,6}", "[^\u{0}]{1,8}", 0..5),
                prop::collection::vec((any::<i64>(), any::<u64>()), 1..6),
            ),
            0..12,
        ),
        second: bool,
    ) {
        let version = if second { Version::V2 } else { Version::V1 };
        let mut encoder = Encoder::new(version);
        let mut expected: Vec<Read> = Vec::new();
        for (labels, samples) in &sent {
            let mut labels: Vec<(String, String)> = labels.clone().into_iter().collect();
            labels.insert(0, ("__name__".to_owned(), "m".to_owned()));
            labels.sort();
            encoder.series(
                labels.iter().map(|(name, value)| (name.as_str(), value.as_str())),
                samples.iter().map(|(at, bits)| (*at, f64::from_bits(*bits))),
            );
            expected.push((labels, samples.clone()));
        }
        let (received, counts) = series_of(version, &unpacked(&encoder.finish().unwrap())).unwrap();
        prop_assert_eq!(counts.series as usize, expected.len());
        prop_assert_eq!(received, expected);
    }
}

/// The labels of a series as they came, and its samples.
type Got = (Vec<u8>, Vec<(i64, u64)>);

/// Expects of each series what it is told, right or wrong.
struct Expecting {
    expected: Vec<Vec<u8>>,
    got: Vec<Got>,
}

impl Take for Expecting {
    fn expected(&self) -> &[u8] {
        self.expected.get(self.got.len()).map_or(&[], Vec::as_slice)
    }

    fn take(&mut self, item: Item<'_>) {
        if let Item::Series(series) = item {
            let samples = series.samples.iter().map(|(at, value)| (*at, value.to_bits())).collect();
            self.got.push((series.labels.as_bytes().to_vec(), samples));
        }
    }
}

#[test]
fn what_a_receiver_expects_changes_nothing_of_what_is_read() {
    let mut encoder = Encoder::new(Version::V1);
    for (name, job) in [("up", "node"), ("up", "node2"), ("load", "")] {
        encoder.series([("__name__", name), ("job", job)], [(1_000, 1.5), (2_000, 2.5)]);
    }
    let body = unpacked(&encoder.finish().unwrap());
    let read = |expected: Vec<Vec<u8>>| {
        let mut take = Expecting { expected, got: Vec::new() };
        let counts = Decoder::new(Limits::default()).read_into(Version::V1, &body, &mut take).unwrap();
        (take.got, counts)
    };
    let plain = read(Vec::new());
    let right: Vec<Vec<u8>> = plain.0.iter().map(|(labels, _)| labels.clone()).collect();
    assert_eq!(read(right.clone()), plain);
    // The beginning of what is there, something else, and more than there is.
    let first = |labels: &Vec<u8>| labels[..2 + usize::from(labels[1])].to_vec();
    assert_eq!(read(right.iter().map(first).collect()), plain);
    assert_eq!(read(right.iter().rev().cloned().collect()), plain);
    assert_eq!(read(right.iter().map(|labels| [labels.clone(), vec![0x0a, 0]].concat()).collect()), plain);
}
