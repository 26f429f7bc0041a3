//! Numbers of records as lists show them: `asset:251` where a field wants an asset's number. What a field's number belongs to is
//! said by its name, by the noun of the operation, or by `x-kind` in its schema.

use serde_json::Value;

use super::Registry;
use crate::error::{Error, Result};
use crate::operation::{Entry, has_type};
use crate::reference::Ref;

/// Where a field's schema says which kind its number belongs to, when its name does not.
const KIND: &str = "x-kind";

impl Registry {
    /// The kind that the number in a field of an operation belongs to, or those in its list; none when it is no record's.
    pub fn kind_of<'r>(&'r self, entry: &'r Entry, field: &str) -> Option<&'r str> {
        let property = entry.input_schema().get("properties")?.get(field)?;
        if !is_number(property) && !property.get("items").is_some_and(is_number) {
            return None;
        }
        if let Some(said) = property.get(KIND).and_then(Value::as_str) {
            return Some(said);
        }
        if field == "id" {
            return self.kind_of_noun(entry.name);
        }
        let last = field.rsplit('_').next().unwrap_or(field);
        [field, last, last.strip_suffix('s').unwrap_or(last)]
            .iter()
            .find_map(|name| self.noun(name))
            .map(|one| one.kind)
    }

    /// The kind of what an operation is about: `desk.ticket.show` is about a ticket.
    fn kind_of_noun(&self, operation: &str) -> Option<&'static str> {
        let (about, _) = operation.rsplit_once('.')?;
        let noun = about.rsplit('.').next().unwrap_or_default();
        let of = self.nouns().filter(|one| one.list.rsplit_once('.').is_some_and(|(list, _)| list == about));
        // The operations of rules list their files, too.
        of.max_by_key(|one| one.kind == noun).map(|one| one.kind)
    }

    /// Puts numbers where references stand and numbers are wanted; a reference to something else is refused.
    pub fn numbers(&self, entry: &Entry, input: &mut Value) -> Result<()> {
        for (name, value) in input.as_object_mut().into_iter().flatten() {
            let texts = match value {
                Value::String(_) => std::slice::from_mut(value),
                Value::Array(items) => items.as_mut_slice(),
                _ => continue,
            };
            let referring = texts.iter_mut().filter_map(|text| Some((text.as_str()?.parse::<Ref>().ok()?, text)));
            for (reference, text) in referring {
                let Some(kind) = self.kind_of(entry, name) else { break };
                if reference.kind != kind {
                    let message =
                        format!("This is {reference}. Give the number of the {}, or {kind}:NUMBER.", words(kind));
                    return Err(Error::invalid(name, message));
                }
                *text = reference.id.into();
            }
        }
        Ok(())
    }
}

fn words(kind: &str) -> String {
    kind.replace('_', " ")
}

fn is_number(property: &Value) -> bool {
    has_type(property, "integer") && !has_type(property, "string")
}
