//! Samples on the wire: the steps from one id to the next (mostly 1, one byte each), then the values. The two columns
//! compress better than pairs, and neither side builds a second list.

use serde::de::{Deserializer, Error};
use serde::ser::{SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::limits::SAMPLES_MAX;

struct Steps<'a>(&'a [(u32, f64)]);
struct Values<'a>(&'a [(u32, f64)]);

impl Serialize for Steps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut last = 0_u32;
        serializer.collect_seq(self.0.iter().map(|(id, _)| {
            let step = id.wrapping_sub(last);
            last = *id;
            step
        }))
    }
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(_, value)| value))
    }
}

pub(super) fn serialize<S: Serializer>(values: &[(u32, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut columns = serializer.serialize_tuple(2)?;
    columns.serialize_element(&Steps(values))?;
    columns.serialize_element(&Values(values))?;
    columns.end()
}

#[derive(Deserialize)]
struct Columns {
    #[serde(deserialize_with = "bounded::list::<SAMPLES_MAX, _, _>")]
    steps: Vec<u32>,
    #[serde(deserialize_with = "bounded::list::<SAMPLES_MAX, _, _>")]
    values: Vec<f64>,
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(u32, f64)>, D::Error> {
    let Columns { steps, values } = Columns::deserialize(deserializer)?;
    if steps.len() != values.len() {
        return Err(D::Error::custom("as many ids as values"));
    }
    let mut id = 0_u32;
    Ok(steps
        .into_iter()
        .zip(values)
        .map(|(step, value)| {
            id = id.wrapping_add(step);
            (id, value)
        })
        .collect())
}
