//! Compressed bodies, bounded before they take memory.

use std::{fmt, io::Read};

/// The densest snappy gets: a copy of 64 bytes takes three.
const SNAPPY_RATIO_MAX: u64 = 22;

/// Unpacks a snappy block (google/snappy, `format_description.txt`) into `into`, whose old content goes.
///
/// The size that the header claims is checked against `bytes_max` and against what the body can hold before any
/// memory is taken for it.
///
/// # Errors
/// An [`InflateError`] if the body is larger than allowed or damaged.
pub fn snappy(body: &[u8], bytes_max: usize, into: &mut Vec<u8>) -> Result<(), InflateError> {
    let damaged = |cause: snap::Error| InflateError::Damaged { what: "snappy", cause: cause.to_string() };
    let claimed = snap::raw::decompress_len(body).map_err(damaged)?;
    if claimed > bytes_max {
        return Err(InflateError::TooLarge { bytes_max });
    }
    if claimed as u64 > (body.len() as u64).saturating_mul(SNAPPY_RATIO_MAX) {
        return Err(InflateError::Damaged { what: "snappy", cause: "it claims more than it can hold".to_owned() });
    }
    // What is there already is written over, not cleared first.
    into.resize(claimed, 0);
    let written = snap::raw::Decoder::new().decompress(body, into).map_err(damaged)?;
    into.truncate(written);
    Ok(())
}

/// Packs a snappy block.
///
/// # Errors
/// [`InflateError::TooLarge`] beyond the 4 GiB that the format can say.
pub fn to_snappy(bytes: &[u8]) -> Result<Vec<u8>, InflateError> {
    let too_large = |_| InflateError::TooLarge { bytes_max: u32::MAX as usize };
    snap::raw::Encoder::new().compress_vec(bytes).map_err(too_large)
}

/// Unpacks gzip (RFC 1952, several members too) into `into`, whose old content goes; stops at `bytes_max`.
///
/// # Errors
/// An [`InflateError`] if the content is larger than allowed or damaged; `into` is empty then.
pub fn gzip(body: &[u8], bytes_max: usize, into: &mut Vec<u8>) -> Result<(), InflateError> {
    into.clear();
    let bound = (bytes_max as u64).saturating_add(1);
    let outcome = flate2::read::MultiGzDecoder::new(body).take(bound).read_to_end(into);
    let error = match outcome {
        Ok(_) if into.len() <= bytes_max => return Ok(()),
        Ok(_) => InflateError::TooLarge { bytes_max },
        Err(cause) => InflateError::Damaged { what: "gzip", cause: cause.to_string() },
    };
    *into = Vec::new();
    Err(error)
}

/// Why a body cannot be unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InflateError {
    /// Unpacked, it would be larger than allowed.
    TooLarge {
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// It is not what it should be.
    Damaged {
        /// Which compression.
        what: &'static str,
        /// What the decoder said.
        cause: String,
    },
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes_max } => {
                write!(f, "the body is larger than {bytes_max} bytes when unpacked: send smaller requests")
            }
            Self::Damaged { what, cause } => write!(f, "the body is not sound {what}: {cause}"),
        }
    }
}

impl std::error::Error for InflateError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_packed_comes_back_and_old_content_goes() {
        let text = b"up 1\n".repeat(500);
        let mut into = b"old".to_vec();
        snappy(&to_snappy(&text).unwrap(), text.len(), &mut into).unwrap();
        assert_eq!(into, text);
        gzip(&gzipped(&text), text.len(), &mut into).unwrap();
        assert_eq!(into, text);
    }

    #[test]
    fn a_bomb_takes_no_memory() {
        let mut into = Vec::new();
        let zeros = vec![0; 64 << 20];
        let limit = InflateError::TooLarge { bytes_max: 1 << 20 };
        assert_eq!(snappy(&to_snappy(&zeros).unwrap(), 1 << 20, &mut into), Err(limit.clone()));
        assert_eq!(gzip(&gzipped(&zeros), 1 << 20, &mut into), Err(limit));
        assert_eq!(into.capacity(), 0);
    }

    #[test]
    fn a_header_that_claims_more_than_the_body_can_hold_is_refused_before_memory_is_taken() {
        // 256 MiB claimed by seven bytes.
        let body = [0x80, 0x80, 0x80, 0x80, 0x01, 0x00, b'a'];
        let mut into = Vec::new();
        let outcome = snappy(&body, 1 << 30, &mut into);
        assert!(matches!(outcome, Err(InflateError::Damaged { .. })), "{outcome:?}");
        assert_eq!(into.capacity(), 0);
    }

    #[test]
    fn what_is_cut_or_foreign_is_refused() {
        let mut into = Vec::new();
        let text = b"the quick brown fox jumps over the lazy dog".repeat(4);
        for whole in [to_snappy(&text).unwrap(), gzipped(&text)] {
            let cut = &whole[..whole.len() / 2];
            assert!(snappy(cut, 1 << 20, &mut into).is_err());
            assert!(gzip(cut, 1 << 20, &mut into).is_err());
        }
        assert!(snappy(b"", 1 << 20, &mut into).is_err());
        assert!(gzip(b"plain text", 1 << 20, &mut into).is_err());
    }
}
