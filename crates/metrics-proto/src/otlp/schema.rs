//! The messages of OTLP metrics as tables: JSON names, field numbers and what the fields hold. What is not in a table is
//! skipped, as the specification wants it.

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    Text,
    /// Base64 in JSON.
    Bytes,
    Bool,
    /// uint64, uint32, int64, int32: a plain number of varying length.
    Number,
    /// sint32.
    Zigzag,
    /// fixed64 and sfixed64.
    Fixed,
    Double,
    /// `AggregationTemporality`.
    Temporality,
    Message(&'static [Field]),
}

/// One field of a message.
pub(super) struct Field {
    pub(super) json: &'static str,
    /// The name in the .proto file, which JSON may use too.
    pub(super) proto: &'static str,
    pub(super) number: u32,
    pub(super) holds: Holds,
}

const fn field(json: &'static str, proto: &'static str, number: u32, holds: Holds) -> Field {
    Field { json, proto, number, holds }
}

use Holds::{Bool, Bytes, Double, Fixed, Message, Number, Temporality, Text, Zigzag};

/// `ExportMetricsServiceRequest`.
pub(super) static REQUEST: &[Field] = &[field("resourceMetrics", "resource_metrics", 1, Message(RESOURCE_METRICS))];

static RESOURCE_METRICS: &[Field] = &[
    field("resource", "resource", 1, Message(RESOURCE)),
    field("scopeMetrics", "scope_metrics", 2, Message(SCOPE_METRICS)),
];

static RESOURCE: &[Field] = &[field("attributes", "attributes", 1, Message(&KEY_VALUE))];

static SCOPE_METRICS: &[Field] =
    &[field("scope", "scope", 1, Message(SCOPE)), field("metrics", "metrics", 2, Message(METRIC))];

static SCOPE: &[Field] = &[
    field("name", "name", 1, Text),
    field("version", "version", 2, Text),
    field("attributes", "attributes", 3, Message(&KEY_VALUE)),
];

static METRIC: &[Field] = &[
    field("name", "name", 1, Text),
    field("description", "description", 2, Text),
    field("unit", "unit", 3, Text),
    field("gauge", "gauge", 5, Message(NUMBERS)),
    field("sum", "sum", 7, Message(NUMBERS)),
    field("histogram", "histogram", 9, Message(HISTOGRAM)),
    field("exponentialHistogram", "exponential_histogram", 10, Message(EXPONENTIAL)),
    field("summary", "summary", 11, Message(SUMMARY)),
];

static NUMBERS: &[Field] = &[
    field("dataPoints", "data_points", 1, Message(NUMBER_POINT)),
    field("aggregationTemporality", "aggregation_temporality", 2, Temporality),
    field("isMonotonic", "is_monotonic", 3, Bool),
];

static HISTOGRAM: &[Field] = &[
    field("dataPoints", "data_points", 1, Message(HISTOGRAM_POINT)),
    field("aggregationTemporality", "aggregation_temporality", 2, Temporality),
];

static EXPONENTIAL: &[Field] = &[
    field("dataPoints", "data_points", 1, Message(EXPONENTIAL_POINT)),
    field("aggregationTemporality", "aggregation_temporality", 2, Temporality),
];

static SUMMARY: &[Field] = &[field("dataPoints", "data_points", 1, Message(SUMMARY_POINT))];

static NUMBER_POINT: &[Field] = &[
    field("timeUnixNano", "time_unix_nano", 3, Fixed),
    field("asDouble", "as_double", 4, Double),
    field("exemplars", "exemplars", 5, Message(&[])),
    field("asInt", "as_int", 6, Fixed),
    field("attributes", "attributes", 7, Message(&KEY_VALUE)),
    field("flags", "flags", 8, Number),
];

static HISTOGRAM_POINT: &[Field] = &[
    field("timeUnixNano", "time_unix_nano", 3, Fixed),
    field("count", "count", 4, Fixed),
    field("sum", "sum", 5, Double),
    field("bucketCounts", "bucket_counts", 6, Fixed),
    field("explicitBounds", "explicit_bounds", 7, Double),
    field("exemplars", "exemplars", 8, Message(&[])),
    field("attributes", "attributes", 9, Message(&KEY_VALUE)),
    field("flags", "flags", 10, Number),
];

static EXPONENTIAL_POINT: &[Field] = &[
    field("attributes", "attributes", 1, Message(&KEY_VALUE)),
    field("timeUnixNano", "time_unix_nano", 3, Fixed),
    field("count", "count", 4, Fixed),
    field("sum", "sum", 5, Double),
    field("scale", "scale", 6, Zigzag),
    field("zeroCount", "zero_count", 7, Fixed),
    field("positive", "positive", 8, Message(BUCKETS)),
    field("negative", "negative", 9, Message(BUCKETS)),
    field("flags", "flags", 10, Number),
    field("exemplars", "exemplars", 11, Message(&[])),
    field("zeroThreshold", "zero_threshold", 14, Double),
];

static BUCKETS: &[Field] = &[field("offset", "offset", 1, Zigzag), field("bucketCounts", "bucket_counts", 2, Number)];

static SUMMARY_POINT: &[Field] = &[
    field("timeUnixNano", "time_unix_nano", 3, Fixed),
    field("count", "count", 4, Fixed),
    field("sum", "sum", 5, Double),
    field("quantileValues", "quantile_values", 6, Message(QUANTILE)),
    field("attributes", "attributes", 7, Message(&KEY_VALUE)),
    field("flags", "flags", 8, Number),
];

static QUANTILE: &[Field] = &[field("quantile", "quantile", 1, Double), field("value", "value", 2, Double)];

// These name each other in a ring, which arrays can and slices cannot.

static KEY_VALUE: [Field; 2] = [field("key", "key", 1, Text), field("value", "value", 2, Message(&ANY_VALUE))];

static ANY_VALUE: [Field; 7] = [
    field("stringValue", "string_value", 1, Text),
    field("boolValue", "bool_value", 2, Bool),
    field("intValue", "int_value", 3, Number),
    field("doubleValue", "double_value", 4, Double),
    field("arrayValue", "array_value", 5, Message(&ARRAY)),
    field("kvlistValue", "kvlist_value", 6, Message(&MAP)),
    field("bytesValue", "bytes_value", 7, Bytes),
];

static ARRAY: [Field; 1] = [field("values", "values", 1, Message(&ANY_VALUE))];

static MAP: [Field; 1] = [field("values", "values", 1, Message(&KEY_VALUE))];
