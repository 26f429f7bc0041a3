//! Which text format a scrape's answer is in.

use std::fmt;

/// The `Accept` header for a scrape: OpenMetrics before Prometheus text, names in UTF-8 where the exporter has them.
pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,\
                          text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, versions 0.0.4 and 1.0.0 (which adds UTF-8 names).
    Prometheus,
    /// OpenMetrics 0.0.1 and 1.0.
    OpenMetrics,
}

impl Format {
    /// Reads the `Content-Type` of an answer. Without one, or with one that says nothing about metrics (such as
    /// `text/html` or `application/octet-stream`), it is `fallback`, if the target has one.
    ///
    /// # Errors
    /// A [`FormatError`] if the type is missing or unknown and there is no fallback, or if it is the protobuf format,
    /// which no text parser reads.
    pub fn of_content_type(content_type: Option<&str>, fallback: Option<Self>) -> Result<Self, FormatError> {
        let given = content_type.unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/openmetrics-text" => Ok(Self::OpenMetrics),
            "text/plain" => Ok(Self::Prometheus),
            "application/vnd.google.protobuf" => Err(FormatError { content_type: given.to_owned() }),
            _ => fallback.ok_or_else(|| FormatError { content_type: given.to_owned() }),
        }
    }
}

/// The answer is in no format that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    /// What the answer called itself; empty if nothing.
    pub content_type: String,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.content_type.is_empty() {
            write!(f, "the answer has no Content-Type: set the target's fallback format")
        } else {
            write!(
                f,
                "the answer's Content-Type {:?} is neither Prometheus text nor OpenMetrics: check the target's path, or set \
                 its fallback format",
                self.content_type
            )
        }
    }
}

impl std::error::Error for FormatError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content_type: Option<&str>, fallback: Option<Format>, expected: Option<Format>) {
        let format = Format::of_content_type(content_type, fallback);
        assert_eq!(format.ok(), expected, "{content_type:?}");
    }

    #[test]
    fn the_content_type_decides_and_the_fallback_helps_where_it_says_nothing() {
        check(Some("text/plain; version=0.0.4; charset=utf-8"), None, Some(Format::Prometheus));
        check(Some("text/plain"), Some(Format::OpenMetrics), Some(Format::Prometheus));
        check(Some("Application/OpenMetrics-Text; version=1.0.0"), None, Some(Format::OpenMetrics));
        check(None, None, None);
        check(Some("text/html"), None, None);
        check(Some("text/html"), Some(Format::Prometheus), Some(Format::Prometheus));
        check(None, Some(Format::Prometheus), Some(Format::Prometheus));
        check(Some("application/vnd.google.protobuf; encoding=delimited"), Some(Format::Prometheus), None);
    }
}
