//! Kind, help and unit of a metric in remote write, and the symbols of 2.0.

use super::WriteError;
use crate::wire::{Reader, Value, WireError};
use crate::{Kind, Metadata};

pub(super) fn symbol<'a>(symbols: &[&'a str], reference: u32) -> Result<&'a str, WriteError> {
    let found = usize::try_from(reference).ok().and_then(|at| symbols.get(at));
    found.copied().ok_or(WriteError::Symbols("a reference points outside the symbols"))
}

pub(super) fn v1(message: &[u8]) -> Result<Metadata<'_>, WireError> {
    let mut metadata = Metadata { metric: "", kind: Kind::Unknown, help: "", unit: "" };
    let mut reader = Reader::new(message);
    while let Some((field, value)) = reader.field()? {
        match field {
            1 => metadata.kind = Kind::of_number(value.uint()?),
            2 => metadata.metric = value.text()?,
            4 => metadata.help = value.text()?,
            5 => metadata.unit = value.text()?,
            _ => {}
        }
    }
    Ok(metadata)
}

pub(super) fn v2<'a>(message: &[u8], symbols: &[&'a str]) -> Result<Metadata<'a>, WriteError> {
    let mut metadata = Metadata { metric: "", kind: Kind::Unknown, help: "", unit: "" };
    let mut reader = Reader::new(message);
    let resolve = |value: Value<'_>| -> Result<&'a str, WriteError> {
        symbol(symbols, u32::try_from(value.uint()?).unwrap_or(u32::MAX))
    };
    while let Some((field, value)) = reader.field()? {
        match field {
            1 => metadata.kind = Kind::of_number(value.uint()?),
            3 => metadata.help = resolve(value)?,
            4 => metadata.unit = resolve(value)?,
            _ => {}
        }
    }
    Ok(metadata)
}
