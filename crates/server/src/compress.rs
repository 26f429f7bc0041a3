//! Compression on the way out: pages and JSON, for clients that take gzip. Files under `/_static/` are compressed at build
//! time and event streams must not wait; both pass untouched.

use std::io::Write as _;

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt as _;

use crate::respond;

/// Shorter bodies fit into one packet anyway.
const FROM_BYTES: u64 = 1_024;
/// Longer ones would take the network thread for too long.
const UP_TO_BYTES: u64 = 2 * 1024 * 1024;
/// Half of the effort of the usual level 6, for some 5% more bytes.
const LEVEL: u32 = 4;

/// Whether the client takes gzip.
pub(crate) fn accepted(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| {
        let mut words = part.trim().split(';').map(str::trim);
        let refused = |weight: &str| weight.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0_f32));
        words.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip")) && !words.any(refused)
    })
}

fn pack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(LEVEL));
    packer.write_all(bytes).and_then(|()| packer.finish())
}

/// A document that is the same for everybody: made and compressed once.
pub(crate) struct Packed {
    content_type: &'static str,
    plain: Bytes,
    packed: Option<Bytes>,
}

impl Packed {
    pub(crate) fn new(content_type: &'static str, text: String) -> Self {
        let plain = Bytes::from(text);
        let packed = pack(&plain).ok().map(Bytes::from);
        Self { content_type, plain, packed }
    }

    /// The answer for a client that takes gzip, or does not.
    pub(crate) fn answer(&self, accepted: bool) -> Response {
        let packed = self.packed.as_ref().filter(|_| accepted);
        let body = packed.unwrap_or(&self.plain).clone();
        let mut response = respond::with_type(StatusCode::OK, self.content_type, body);
        respond::set(&mut response, header::CACHE_CONTROL, "no-store");
        if packed.is_some() {
            respond::set(&mut response, header::VARY, "Accept-Encoding");
            respond::set(&mut response, header::CONTENT_ENCODING, "gzip");
        }
        response
    }
}

/// Compresses the body where that pays.
pub(crate) async fn apply(response: Response, accepted: bool) -> Response {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = kind.starts_with("text/html") || kind.starts_with("application/json");
    let length = response.body().size_hint().exact().unwrap_or(0);
    if !text || headers.contains_key(header::CONTENT_ENCODING) || !(FROM_BYTES..=UP_TO_BYTES).contains(&length) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !accepted {
        return Response::from_parts(parts, body);
    }
    // The body is in memory as a whole; it cannot fail to arrive.
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut response = match pack(&bytes) {
        Ok(packed) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(packed))
        }
        Err(_) => return Response::from_parts(parts, Body::from(bytes)),
    };
    respond::set(&mut response, header::CONTENT_ENCODING, "gzip");
    response
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn client(accepts: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepts));
        accepted(&headers)
    }

    fn send(kind: &'static str, body: &str, accepted: bool) -> (Option<String>, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = respond::with_type(axum::http::StatusCode::OK, kind, body.to_owned());
        let (parts, body) = runtime.block_on(apply(response, accepted)).into_parts();
        let encoding = parts.headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned());
        (encoding, runtime.block_on(body.collect()).unwrap().to_bytes().to_vec())
    }

    #[test]
    fn a_client_says_whether_it_takes_gzip() {
        assert!(client("gzip, deflate, br") && client("br;q=1.0, GZIP;q=0.5"));
        assert!(!client("br") && !client("gzip;q=0") && !client("") && !client("x-gzip"));
    }

    #[test]
    fn long_pages_come_back_the_same_after_unpacking() {
        let page = "<p>Grüße</p>".repeat(500);
        let (encoding, packed) = send("text/html; charset=utf-8", &page, true);
        assert_eq!(encoding.as_deref(), Some("gzip"));
        assert!(packed.len() * 10 < page.len());
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, page);
    }

    #[test]
    fn a_document_for_everybody_is_packed_once_and_answered_to_each_as_it_takes_it() {
        let document = Packed::new("application/json", "[1,2,3]".repeat(500));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = |accepted: bool| {
            let (parts, body) = runtime.block_on(apply(document.answer(accepted), accepted)).into_parts();
            let bytes = runtime.block_on(body.collect()).unwrap().to_bytes();
            (parts.headers.get(header::CONTENT_ENCODING).is_some(), bytes)
        };
        let (packed, bytes) = read(true);
        assert!(packed && bytes.as_ptr() == document.packed.as_ref().unwrap().as_ptr(), "made anew");
        let (packed, bytes) = read(false);
        assert!(!packed && bytes == document.plain);
    }

    #[test]
    fn short_bodies_other_types_and_other_clients_get_them_as_they_are() {
        let long = "x".repeat(5_000);
        assert_eq!(send("text/html", "short", true), (None, b"short".to_vec()));
        assert_eq!(send("text/event-stream", &long, true), (None, long.clone().into_bytes()));
        assert_eq!(send("text/html", &long, false), (None, long.into_bytes()));
    }
}
