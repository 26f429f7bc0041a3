//! OTLP's JSON, written as protobuf while it is read, so that there is one reader for both and never a tree in memory.
//!
//! Sources: protobuf.dev, "ProtoJSON Format"; OTLP specification, "JSON Protobuf Encoding".

use std::fmt;

use base64::Engine;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use super::OtlpError;
use super::schema::{Field, Holds, REQUEST};
use crate::wire::{put_bytes, put_double, put_fixed64, put_uint, put_varint};

/// The protobuf form of a JSON request: at most about twice as long.
pub(super) fn to_protobuf(body: &[u8]) -> Result<Vec<u8>, OtlpError> {
    let refused = |cause: serde_json::Error| OtlpError::Json(cause.to_string());
    let mut message = Vec::with_capacity(body.len() / 2);
    let mut reader = serde_json::Deserializer::from_slice(body);
    Message { fields: REQUEST, into: &mut message }.deserialize(&mut reader).map_err(refused)?;
    reader.end().map_err(refused)?;
    Ok(message)
}

/// Writes one object's fields.
struct Message<'o> {
    fields: &'static [Field],
    into: &'o mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Message<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(FieldOf(self.fields))? {
            match name {
                Some(field) => map.next_value_seed(Content { field, into: self.into, inside: false })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Finds a field by the name in the text, without keeping the name.
struct FieldOf(&'static [Field]);

impl<'de> DeserializeSeed<'de> for FieldOf {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldOf {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|field| field.json == name || field.proto == name))
    }
}

/// Writes one field; a list writes it again and again.
struct Content<'o> {
    field: &'static Field,
    into: &'o mut Vec<u8>,
    /// Inside a list, where no other list may stand.
    inside: bool,
}

impl<'de> DeserializeSeed<'de> for Content<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Content<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.field.holds {
            Holds::Text => "a text",
            Holds::Bytes => "base64",
            Holds::Bool => "true or false",
            Holds::Number | Holds::Zigzag | Holds::Fixed => "a whole number",
            Holds::Double => "a number",
            Holds::Temporality => "a temporality",
            Holds::Message(_) => "an object",
        };
        write!(f, "{what} in {:?}", self.field.json)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        if !matches!(self.field.holds, Holds::Bool) {
            return Err(E::invalid_type(Unexpected::Bool(value), &self));
        }
        put_uint(self.field.number, u64::from(value), self.into);
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match self.field.holds {
            Holds::Double => put_double(self.field.number, value as f64, self.into),
            Holds::Text | Holds::Bytes | Holds::Bool | Holds::Message(_) => {
                return Err(E::invalid_type(Unexpected::Unsigned(value), &self));
            }
            _ => return self.whole(i128::from(value)),
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        match self.field.holds {
            Holds::Double => put_double(self.field.number, value as f64, self.into),
            Holds::Text | Holds::Bytes | Holds::Bool | Holds::Message(_) => {
                return Err(E::invalid_type(Unexpected::Signed(value), &self));
            }
            _ => return self.whole(i128::from(value)),
        }
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self.field.holds {
            Holds::Double => put_double(self.field.number, value, self.into),
            // A whole number written as 1e3 or 5.0.
            Holds::Text | Holds::Bytes | Holds::Bool | Holds::Message(_) => {
                return Err(E::invalid_type(Unexpected::Float(value), &self));
            }
            _ if value.fract() == 0.0 && value.abs() < 9.0e15 => return self.whole(value as i128),
            _ => return Err(E::invalid_type(Unexpected::Float(value), &self)),
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        let wrong = |this: &Self| E::invalid_value(Unexpected::Str(value), this);
        match self.field.holds {
            Holds::Text => put_bytes(self.field.number, value.as_bytes(), self.into),
            Holds::Bytes => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(value).map_err(|_| wrong(&self))?;
                put_bytes(self.field.number, &bytes, self.into);
            }
            Holds::Double => {
                let number = match value {
                    "NaN" => f64::NAN,
                    "Infinity" => f64::INFINITY,
                    "-Infinity" => f64::NEG_INFINITY,
                    _ => value.parse().map_err(|_| wrong(&self))?,
                };
                put_double(self.field.number, number, self.into);
            }
            Holds::Temporality => {
                let number = match value {
                    "AGGREGATION_TEMPORALITY_UNSPECIFIED" => 0,
                    "AGGREGATION_TEMPORALITY_DELTA" => 1,
                    "AGGREGATION_TEMPORALITY_CUMULATIVE" => 2,
                    _ => return Err(wrong(&self)),
                };
                put_uint(self.field.number, number, self.into);
            }
            Holds::Number | Holds::Zigzag | Holds::Fixed => {
                let number = value.parse().map_err(|_| wrong(&self))?;
                return self.whole(number);
            }
            Holds::Bool | Holds::Message(_) => return Err(wrong(&self)),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.inside {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        while list.next_element_seed(Content { field: self.field, into: self.into, inside: true })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Holds::Message(fields) = self.field.holds else {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        };
        put_varint(u64::from(self.field.number << 3 | 2), self.into);
        let at = self.into.len();
        self.into.extend_from_slice(&[0; LENGTH_BYTES]);
        Message { fields, into: self.into }.visit_map(map)?;
        let length = self.into.len() - at - LENGTH_BYTES;
        if let Some(slot) = self.into.get_mut(at..at + LENGTH_BYTES) {
            slot.copy_from_slice(&padded(length));
        }
        Ok(())
    }
}

/// The length of a message is known when it is written, so its place is kept: a number in its longest form.
const LENGTH_BYTES: usize = 5;

fn padded(length: usize) -> [u8; LENGTH_BYTES] {
    let part = |shift: u32| (length >> shift) as u8 & 0x7f;
    [part(0) | 0x80, part(7) | 0x80, part(14) | 0x80, part(21) | 0x80, part(28)]
}

impl Content<'_> {
    fn whole<E: Error>(self, value: i128) -> Result<(), E> {
        let signed = i64::try_from(value).ok();
        let bits = u64::try_from(value).ok().or(signed.map(i64::cast_unsigned));
        let wrong = || E::custom(format!("{value} is too large for {:?}", self.field.json));
        match self.field.holds {
            Holds::Number | Holds::Temporality => put_uint(self.field.number, bits.ok_or_else(wrong)?, self.into),
            Holds::Fixed => put_fixed64(self.field.number, bits.ok_or_else(wrong)?, self.into),
            Holds::Zigzag => {
                let signed = signed.ok_or_else(wrong)?;
                put_uint(self.field.number, ((signed << 1) ^ (signed >> 63)).cast_unsigned(), self.into);
            }
            _ => return Err(E::custom(format!("{:?} holds no whole number", self.field.json))),
        }
        Ok(())
    }
}
