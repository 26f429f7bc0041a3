//! The encodings of a request, and the answer in the same one.

use super::Outcome;
use crate::wire::{put_bytes, put_uint};

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Encoding {
    /// Reads the `Content-Type` of a request; `None`: answer 415.
    pub fn of_content_type(content_type: Option<&str>) -> Option<Self> {
        let essence = content_type?.split(';').next()?.trim();
        if essence.eq_ignore_ascii_case("application/x-protobuf") {
            Some(Self::Protobuf)
        } else if essence.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }

    /// The `Content-Type` of the answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// `ExportMetricsServiceResponse`; `partial_success` only if something was refused, as the specification wants it.
pub(super) fn body(outcome: &Outcome, encoding: Encoding) -> Vec<u8> {
    let rejected = outcome.points_rejected;
    let because = outcome.rejected_because.as_deref().unwrap_or_default();
    match encoding {
        Encoding::Protobuf if rejected == 0 => Vec::new(),
        Encoding::Protobuf => {
            let (mut partial, mut response) = (Vec::new(), Vec::new());
            put_uint(1, rejected, &mut partial);
            put_bytes(2, because.as_bytes(), &mut partial);
            put_bytes(1, &partial, &mut response);
            response
        }
        Encoding::Json if rejected == 0 => b"{}".to_vec(),
        Encoding::Json => {
            let partial = serde_json::json!({ "rejectedDataPoints": rejected.to_string(), "errorMessage": because });
            serde_json::json!({ "partialSuccess": partial }).to_string().into_bytes()
        }
    }
}
