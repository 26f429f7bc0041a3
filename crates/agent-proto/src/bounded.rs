//! Reads lists and texts with a limit, so that a claimed length never decides how much memory is taken.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// Elements that are reserved before the first one was read.
const RESERVED_MAX: usize = 64;

/// A list of at most `N` elements.
pub(crate) fn list<'de, const N: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_seq(ListVisitor::<N, T>(PhantomData))
}

struct ListVisitor<const N: usize, T>(PhantomData<T>);

impl<'de, const N: usize, T: Deserialize<'de>> Visitor<'de> for ListVisitor<N, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {N} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let claimed = seq.size_hint().unwrap_or(0);
        if claimed > N {
            return Err(A::Error::invalid_length(claimed, &self));
        }
        let mut out = Vec::with_capacity(claimed.min(RESERVED_MAX));
        while let Some(element) = seq.next_element()? {
            if out.len() >= N {
                return Err(A::Error::invalid_length(N + 1, &self));
            }
            out.push(element);
        }
        Ok(out)
    }
}

/// A text of at most `N` bytes.
pub(crate) fn text<'de, const N: usize, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = <&'de str>::deserialize(deserializer)?;
    if text.len() > N {
        return Err(D::Error::invalid_length(text.len(), &"a shorter text"));
    }
    Ok(text.to_owned())
}

/// An optional text of at most `N` bytes.
pub(crate) fn optional_text<'de, const N: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    match <Option<&'de str>>::deserialize(deserializer)? {
        Some(text) if text.len() > N => Err(D::Error::invalid_length(text.len(), &"a shorter text")),
        text => Ok(text.map(str::to_owned)),
    }
}

/// A run of at most `N` bytes.
pub(crate) fn bytes<'de, const N: usize, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let bytes = <&'de [u8]>::deserialize(deserializer)?;
    if bytes.len() > N {
        return Err(D::Error::invalid_length(bytes.len(), &"fewer bytes"));
    }
    Ok(bytes.to_owned())
}
