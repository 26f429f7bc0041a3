//! Writes remote write requests.

use std::collections::HashMap;

use super::Version;
use crate::inflate::{InflateError, to_snappy};
use crate::wire::{field_bytes, put_bytes, put_double, put_header, put_uint, put_varint, varint_bytes};
use crate::{Metadata, labels};

/// Collects series into one request. How series are spread over requests and connections is the caller's affair.
#[derive(Debug)]
pub struct Encoder {
    version: Version,
    body: Vec<u8>,
    message: Vec<u8>,
    symbols: HashMap<String, u32>,
    symbol_bytes: Vec<u8>,
    references: Vec<u8>,
    samples: usize,
}

impl Encoder {
    /// An empty request.
    pub fn new(version: Version) -> Self {
        let mut encoder = Self {
            version,
            body: Vec::new(),
            message: Vec::new(),
            symbols: HashMap::new(),
            symbol_bytes: Vec::new(),
            references: Vec::new(),
            samples: 0,
        };
        encoder.clear();
        encoder
    }

    /// Adds one series. Labels must be sorted by name and begin or lie with `__name__`; samples must be sorted by time
    /// (milliseconds since 1970 UTC).
    pub fn series<'l>(
        &mut self,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        samples: impl IntoIterator<Item = (i64, f64)>,
    ) {
        self.message.clear();
        match self.version {
            Version::V1 => {
                labels.into_iter().for_each(|(name, value)| labels::put_label(name, value, &mut self.message));
            }
            Version::V2 => {
                self.references.clear();
                for (name, value) in labels {
                    for text in [name, value] {
                        let reference = self.symbol(text);
                        put_varint(u64::from(reference), &mut self.references);
                    }
                }
                put_bytes(1, &self.references, &mut self.message);
            }
        }
        for (at_ms, value) in samples {
            let time = at_ms.cast_unsigned();
            put_header(2, 9 + 1 + varint_bytes(time), &mut self.message);
            put_double(1, value, &mut self.message);
            put_uint(2, time, &mut self.message);
            self.samples += 1;
        }
        put_bytes(if self.version == Version::V1 { 1 } else { 5 }, &self.message, &mut self.body);
    }

    /// Adds what is known about a metric. Only 1.0 has a place for it: 2.0 says it with each series, and this does nothing.
    pub fn metadata(&mut self, metadata: &Metadata<'_>) {
        if self.version == Version::V1 {
            self.message.clear();
            put_uint(1, metadata.kind.number(), &mut self.message);
            put_bytes(2, metadata.metric.as_bytes(), &mut self.message);
            put_bytes(4, metadata.help.as_bytes(), &mut self.message);
            put_bytes(5, metadata.unit.as_bytes(), &mut self.message);
            put_bytes(3, &self.message, &mut self.body);
        }
    }

    /// Samples so far.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Bytes so far, before they are packed.
    pub fn bytes(&self) -> usize {
        self.symbol_bytes.len() + self.body.len()
    }

    /// The packed body. The encoder is empty again and keeps its buffers.
    ///
    /// # Errors
    /// [`InflateError::TooLarge`] beyond 4 GiB.
    pub fn finish(&mut self) -> Result<Vec<u8>, InflateError> {
        let packed = if self.symbol_bytes.is_empty() {
            to_snappy(&self.body)
        } else {
            self.symbol_bytes.extend_from_slice(&self.body);
            to_snappy(&self.symbol_bytes)
        };
        self.clear();
        packed
    }

    fn clear(&mut self) {
        self.body.clear();
        self.symbols.clear();
        self.symbol_bytes.clear();
        self.samples = 0;
        if self.version == Version::V2 {
            self.symbol("");
        }
    }

    fn symbol(&mut self, text: &str) -> u32 {
        if let Some(known) = self.symbols.get(text) {
            return *known;
        }
        let reference = self.symbols.len() as u32;
        self.symbols.insert(text.to_owned(), reference);
        self.symbol_bytes.reserve(field_bytes(4, text.len()));
        put_bytes(4, text.as_bytes(), &mut self.symbol_bytes);
        reference
    }
}
