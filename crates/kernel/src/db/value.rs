//! Values and rows that both engines share.

use crate::error::{Error, Result};
use crate::time::Time;

/// A bound value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A 64-bit integer; also times and booleans.
    Int(i64),
    /// A double.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}
impl From<Time> for Value {
    fn from(value: Time) -> Self {
        Self::Int(value.0)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}
impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
impl From<&serde_json::Value> for Value {
    fn from(value: &serde_json::Value) -> Self {
        Self::Text(value.to_string())
    }
}

/// One row of an answer; columns by position.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    fn get(&self, column: usize) -> Result<&Value> {
        self.0.get(column).ok_or_else(|| Error::internal("row-column-missing", column))
    }

    fn wrong<T>(&self, column: usize, wanted: &str) -> Result<T> {
        Err(Error::internal("row-column-type", format!("column {column} is {:?}, wanted {wanted}", self.0.get(column))))
    }

    /// An integer.
    pub fn int(&self, column: usize) -> Result<i64> {
        match self.get(column)? {
            Value::Int(value) => Ok(*value),
            _ => self.wrong(column, "integer"),
        }
    }

    /// An integer or NULL.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        match self.get(column)? {
            Value::Null => Ok(None),
            Value::Int(value) => Ok(Some(*value)),
            _ => self.wrong(column, "integer or null"),
        }
    }

    /// A double; integers are widened.
    pub fn real(&self, column: usize) -> Result<f64> {
        match self.get(column)? {
            Value::Real(value) => Ok(*value),
            #[expect(clippy::cast_precision_loss, reason = "a whole number stored in a real column")]
            Value::Int(value) => Ok(*value as f64),
            _ => self.wrong(column, "real"),
        }
    }

    /// A double or NULL.
    pub fn opt_real(&self, column: usize) -> Result<Option<f64>> {
        match self.get(column)? {
            Value::Null => Ok(None),
            _ => self.real(column).map(Some),
        }
    }

    /// Text.
    pub fn text(&self, column: usize) -> Result<String> {
        self.str(column).map(str::to_owned)
    }

    /// Borrowed text.
    pub fn str(&self, column: usize) -> Result<&str> {
        match self.get(column)? {
            Value::Text(value) => Ok(value),
            _ => self.wrong(column, "text"),
        }
    }

    /// Text or NULL.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>> {
        match self.get(column)? {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value.clone())),
            _ => self.wrong(column, "text or null"),
        }
    }

    /// Bytes.
    pub fn bytes(&self, column: usize) -> Result<Vec<u8>> {
        match self.get(column)? {
            Value::Bytes(value) => Ok(value.clone()),
            _ => self.wrong(column, "bytes"),
        }
    }

    /// A boolean stored as 0 or 1.
    pub fn bool(&self, column: usize) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// A time.
    pub fn time(&self, column: usize) -> Result<Time> {
        self.int(column).map(Time)
    }

    /// A time or NULL.
    pub fn opt_time(&self, column: usize) -> Result<Option<Time>> {
        Ok(self.opt_int(column)?.map(Time))
    }

    /// JSON stored as text.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T> {
        serde_json::from_str(self.str(column)?).map_err(|error| Error::internal("row-json", error))
    }
}
