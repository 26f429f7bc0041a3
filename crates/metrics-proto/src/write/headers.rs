//! The headers by which sender and receiver agree on a version.

use std::fmt;

/// The only content encoding of remote write.
pub const ENCODING: &str = "snappy";
/// Header of a request that names the version of the specification.
pub const HEADER_VERSION: &str = "X-Prometheus-Remote-Write-Version";
/// Header of an answer: samples stored. A 2.0 sender takes its absence for "none".
pub const HEADER_SAMPLES_WRITTEN: &str = "X-Prometheus-Remote-Write-Samples-Written";
/// Header of an answer: native histograms stored.
pub const HEADER_HISTOGRAMS_WRITTEN: &str = "X-Prometheus-Remote-Write-Histograms-Written";
/// Header of an answer: exemplars stored.
pub const HEADER_EXEMPLARS_WRITTEN: &str = "X-Prometheus-Remote-Write-Exemplars-Written";

/// Which message a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `prometheus.WriteRequest`.
    V1,
    /// `io.prometheus.write.v2.Request`.
    V2,
}

impl Version {
    /// What a sender puts into `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::V1 => "application/x-protobuf",
            Self::V2 => "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        }
    }

    /// What a sender puts into [`HEADER_VERSION`].
    pub fn header(self) -> &'static str {
        match self {
            Self::V1 => "0.1.0",
            Self::V2 => "2.0.0",
        }
    }
}

/// Reads `Content-Type` and `Content-Encoding` of a request. A missing encoding counts as snappy, as in Prometheus.
///
/// # Errors
/// A [`HeaderError`]: answer 415, which makes a 2.0 sender fall back to 1.0 where it can.
pub fn version_of(content_type: Option<&str>, content_encoding: Option<&str>) -> Result<Version, HeaderError> {
    let encoding = content_encoding.unwrap_or(ENCODING).trim();
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case(ENCODING) {
        return Err(HeaderError { header: "Content-Encoding", given: encoding.to_owned(), expected: ENCODING });
    }
    let given = content_type.unwrap_or("application/x-protobuf");
    let refused = || HeaderError {
        header: "Content-Type",
        given: given.to_owned(),
        expected: "application/x-protobuf with proto=prometheus.WriteRequest or proto=io.prometheus.write.v2.Request",
    };
    let mut parts = given.split(';').map(str::trim);
    if !parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/x-protobuf")) {
        return Err(refused());
    }
    let proto = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("proto").then(|| value.trim().trim_matches('"'))
    });
    match proto {
        None | Some("prometheus.WriteRequest") => Ok(Version::V1),
        Some("io.prometheus.write.v2.Request") => Ok(Version::V2),
        Some(_) => Err(refused()),
    }
}

/// A request in a form nobody here reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderError {
    /// Which header.
    pub header: &'static str,
    /// What it said.
    pub given: String,
    /// What it may say.
    pub expected: &'static str,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {:?}: send {}", self.header, self.given, self.expected)
    }
}

impl std::error::Error for HeaderError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content_type: Option<&str>, encoding: Option<&str>, expected: Result<Version, &str>) {
        let version = version_of(content_type, encoding);
        assert_eq!(version.map_err(|error| error.header), expected, "{content_type:?} {encoding:?}");
    }

    #[test]
    fn the_content_type_names_the_message() {
        check(Some("application/x-protobuf"), Some("snappy"), Ok(Version::V1));
        check(Some("application/x-protobuf;proto=prometheus.WriteRequest"), Some("snappy"), Ok(Version::V1));
        check(Some("application/x-protobuf; proto=\"io.prometheus.write.v2.Request\""), None, Ok(Version::V2));
        check(Some(Version::V2.content_type()), Some("Snappy"), Ok(Version::V2));
        check(None, None, Ok(Version::V1));
        check(Some("application/x-protobuf;proto=some.other.Request"), None, Err("Content-Type"));
        check(Some("application/json"), Some("snappy"), Err("Content-Type"));
        check(Some("application/x-protobuf"), Some("zstd"), Err("Content-Encoding"));
    }
}
