//! Protobuf's wire format (protobuf.dev, "Encoding"): fields are read where they lie, nothing is copied.

use std::fmt;

/// Why bytes are not the message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// A field goes beyond the end of its message.
    Short,
    /// A number takes more than ten bytes.
    Varint,
    /// A field has the number 0 or one beyond 2^29.
    FieldNumber,
    /// A field is of a wire type that does not exist or is no longer used.
    WireType(u8),
    /// A field of a known number has a wire type that its message does not give it.
    Unexpected,
    /// A text is not UTF-8.
    Utf8,
    /// Messages are nested deeper than anything needs.
    Depth,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => write!(f, "a field goes beyond the end of its message"),
            Self::Varint => write!(f, "a number takes more than ten bytes"),
            Self::FieldNumber => write!(f, "a field has an impossible number"),
            Self::WireType(number) => write!(f, "a field has the wire type {number}, which is not in use"),
            Self::Unexpected => write!(f, "a field has another wire type than its message gives it"),
            Self::Utf8 => write!(f, "a text is not UTF-8"),
            Self::Depth => write!(f, "messages are nested too deep"),
        }
    }
}

impl std::error::Error for WireError {}

/// The value of one field.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

impl<'a> Value<'a> {
    #[inline]
    pub(crate) fn bytes(self) -> Result<&'a [u8], WireError> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(WireError::Unexpected) }
    }

    pub(crate) fn text(self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| WireError::Utf8)
    }

    #[inline]
    pub(crate) fn uint(self) -> Result<u64, WireError> {
        if let Self::Varint(number) = self { Ok(number) } else { Err(WireError::Unexpected) }
    }

    /// int32 and int64: two's complement.
    #[inline]
    pub(crate) fn int(self) -> Result<i64, WireError> {
        self.uint().map(u64::cast_signed)
    }

    /// sint32 and sint64: zigzag.
    pub(crate) fn zigzag(self) -> Result<i64, WireError> {
        self.uint().map(unzigzag)
    }

    #[inline]
    pub(crate) fn fixed64(self) -> Result<u64, WireError> {
        if let Self::Fixed64(bits) = self { Ok(bits) } else { Err(WireError::Unexpected) }
    }

    #[inline]
    pub(crate) fn double(self) -> Result<f64, WireError> {
        self.fixed64().map(f64::from_bits)
    }

    /// A repeated number: packed, or one of several unpacked fields.
    pub(crate) fn each_varint(self, mut take: impl FnMut(u64)) -> Result<(), WireError> {
        match self {
            Self::Varint(number) => take(number),
            Self::Bytes(bytes) => {
                let mut reader = Reader::new(bytes);
                while !reader.is_empty() {
                    take(reader.varint()?);
                }
            }
            _ => return Err(WireError::Unexpected),
        }
        Ok(())
    }

    /// A repeated double or fixed64: packed, or one of several unpacked fields.
    pub(crate) fn each_fixed64(self, mut take: impl FnMut(u64)) -> Result<(), WireError> {
        match self {
            Self::Fixed64(bits) => take(bits),
            Self::Bytes(bytes) => {
                let (chunks, rest) = bytes.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(WireError::Short);
                }
                chunks.iter().for_each(|chunk| take(u64::from_le_bytes(*chunk)));
            }
            _ => return Err(WireError::Unexpected),
        }
        Ok(())
    }
}

pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

/// Reads the fields of one message in the order they lie.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been read yet.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field's number and value.
    #[inline(always)]
    pub(crate) fn field(&mut self) -> Result<Option<(u32, Value<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| WireError::FieldNumber)?;
        if number == 0 || number >= 1 << 29 {
            return Err(WireError::FieldNumber);
        }
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                let (bits, rest) = self.rest.split_first_chunk::<8>().ok_or(WireError::Short)?;
                self.rest = rest;
                Value::Fixed64(u64::from_le_bytes(*bits))
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| WireError::Short)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(WireError::Short)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            5 => {
                let (_, rest) = self.rest.split_first_chunk::<4>().ok_or(WireError::Short)?;
                self.rest = rest;
                Value::Fixed32
            }
            other => return Err(WireError::WireType(other as u8)),
        };
        Ok(Some((number, value)))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, WireError> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(WireError::Short)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(WireError::Varint)
    }
}

pub(crate) fn put_varint(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

pub(crate) fn put_uint(field: u32, number: u64, into: &mut Vec<u8>) {
    put_varint(u64::from(field << 3), into);
    put_varint(number, into);
}

pub(crate) fn put_fixed64(field: u32, bits: u64, into: &mut Vec<u8>) {
    put_varint(u64::from(field << 3 | 1), into);
    into.extend_from_slice(&bits.to_le_bytes());
}

pub(crate) fn put_double(field: u32, value: f64, into: &mut Vec<u8>) {
    put_fixed64(field, value.to_bits(), into);
}

/// Key and length of a field of `length` bytes, which the caller writes next.
pub(crate) fn put_header(field: u32, length: usize, into: &mut Vec<u8>) {
    put_varint(u64::from(field << 3 | 2), into);
    put_varint(length as u64, into);
}

pub(crate) fn put_bytes(field: u32, bytes: &[u8], into: &mut Vec<u8>) {
    put_header(field, bytes.len(), into);
    into.extend_from_slice(bytes);
}

/// Bytes a number takes.
pub(crate) fn varint_bytes(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// Bytes a field with `length` bytes takes, key and length included.
pub(crate) fn field_bytes(field: u32, length: usize) -> usize {
    varint_bytes(u64::from(field) << 3) + varint_bytes(length as u64) + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(bytes: &[u8]) -> WireError {
        let mut reader = Reader::new(bytes);
        loop {
            match reader.field() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{bytes:?} is read without an error"),
                Err(error) => return error,
            }
        }
    }

    #[test]
    fn numbers_come_back_and_their_length_is_known() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX >> 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_uint(1, number, &mut bytes);
            assert_eq!(bytes.len(), 1 + varint_bytes(number), "{number}");
            let (field, value) = Reader::new(&bytes).field().unwrap().unwrap();
            assert_eq!((field, value.uint().unwrap()), (1, number));
        }
        assert_eq!([0, 1, 2, 3, u64::MAX].map(unzigzag), [0, -1, 1, -2, i64::MIN]);
    }

    #[test]
    fn each_kind_of_damage_has_its_name() {
        assert_eq!(fails(&[0x0a, 5, 1]), WireError::Short);
        assert_eq!(fails(&[0x09, 1, 2, 3]), WireError::Short);
        assert_eq!(fails(&[0x0d, 1, 2]), WireError::Short);
        assert_eq!(fails(&[0x08]), WireError::Short);
        assert_eq!(fails(&[0x08, 0x80, 0x80]), WireError::Short);
        assert_eq!(fails(&[0xff; 11]), WireError::Varint);
        assert_eq!(fails(&[0x02, 0]), WireError::FieldNumber);
        assert_eq!(fails(&[0x0b]), WireError::WireType(3));
        assert_eq!(fails(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), WireError::Short);
    }
}
