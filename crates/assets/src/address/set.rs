//! Say which addresses a thing has.

use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, put};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ADDRESSES_MAX, Role, Said, replace, store, telling};
use crate::thing::change::reached;
use crate::thing::{Thing, ThingChanged};

/// Say which addresses a thing without an agent has, such as a router or a name server: machines whose agents name one of
/// them as their gateway, name server or storage are related to it, wherever they are: it takes a role that reaches everything. Takes the place of
/// what was said before.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct SetAddresses {
    /// The thing's number.
    #[schemars(extend("x-kind" = "asset"))]
    pub id: i64,
    /// Its addresses, such as 10.0.0.1 or `2001:db8::1`; empty for none.
    pub addresses: Vec<String>,
}

/// The addresses that a person says a thing has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Addresses {
    /// The thing's number.
    pub id: i64,
    /// In order.
    pub addresses: Vec<String>,
}

impl Operation for SetAddresses {
    const NAME: &'static str = "assets.address.set";
    const ROUTE: Route = put("/assets/{id}/addresses");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Addresses;

    fn run(&self, cx: &mut Cx) -> Result<Addresses> {
        let thing = reached(cx, self.id, Self::NAME)?;
        if !cx.reach(Self::NAME)?.everything {
            // It relates whatever names the address, wherever that is and whosever it is.
            return Err(Error::denied(Self::NAME));
        }
        let mut new = Said::new();
        for text in &self.addresses {
            let address = telling(text).ok_or_else(|| {
                let text = kernel::text::shorten(text, 60);
                Error::invalid(
                    "addresses",
                    format!("\"{text}\" is no address that one machine alone has. Write one such as 10.0.0.1."),
                )
            })?;
            new.insert((Role::Given, address));
        }
        if new.len() > ADDRESSES_MAX {
            return Err(Error::invalid("addresses", format!("A thing has at most {ADDRESSES_MAX} addresses.")));
        }
        let addresses = set(cx, &thing, &new)?;
        Ok(Addresses { id: thing.id, addresses })
    }
}

/// Writes, records and tells which addresses a thing has.
fn set(cx: &mut Cx, thing: &Thing, new: &Said) -> Result<Vec<String>> {
    let old: Said = store::of(cx.tx, thing.id)?.into_iter().filter(|(role, _)| *role == Role::Given).collect();
    let texts = |said: &Said| said.iter().map(|(_, address)| address.clone()).collect::<Vec<_>>();
    let (was, is) = (texts(&old), texts(new));
    if was != is {
        replace(cx, thing.id, &old, new)?;
        cx.changed(&thing.reference, "addresses", &was, &is)?;
        let shown = |texts: &[String]| if texts.is_empty() { "none".to_owned() } else { texts.join(", ") };
        cx.emit(&ThingChanged {
            asset: thing.reference.clone(),
            name: thing.name.clone(),
            fields: vec!["addresses".to_owned()],
            what: kernel::text::shorten(&format!("addresses from {} to {}", shown(&was), shown(&is)), 400),
        })?;
    }
    Ok(is)
}

/// Sets the addresses to earlier ones, for undo.
pub(crate) fn set_back(cx: &mut Cx, id: i64, value: &Value) -> Result<()> {
    let addresses =
        serde_json::from_value(value.clone()).map_err(|error| Error::internal("addresses-not-json", error))?;
    cx.call(&SetAddresses { id, addresses }).map(drop)
}
