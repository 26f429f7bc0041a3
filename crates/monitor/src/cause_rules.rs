//! Rules of the house's own about causes: a text in the format of the built-in ones, checked when it is saved.

use causes::Rules;
use kernel::db::Tx;
use kernel::settings::{self, Setting};
use kernel::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest text, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Rules about causes beside the built-in ones: what may be wrong with which kinds of things, and how it spreads.
///
/// They count from the next judgement on.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CauseRules {
    /// The rules in TOML, in the format of the built-in ones; what has the name of a built-in one takes its place.
    pub rules: String,
}

impl Setting for CauseRules {
    const KEY: &'static str = "monitor.cause-rules";

    fn check(&self) -> Result<()> {
        if self.rules.len() > TEXT_BYTES_MAX {
            return Err(
                Error::over_limit(format!("At most {TEXT_BYTES_MAX} bytes of rules fit here.")).at("value.rules")
            );
        }
        let read = Rules::extended(&self.rules);
        read.map(drop).map_err(|error| Error::invalid("value.rules", format!("{} Mend it there.", error.0)))
    }
}

/// The built-in rules with those of the house. What was kept for an older version and fits no longer is left out, and said.
pub(crate) fn in_force(tx: &mut Tx<'_>) -> Result<Rules> {
    let own = settings::read::<CauseRules>(tx)?;
    Ok(Rules::extended(&own.rules).unwrap_or_else(|error| {
        tracing::error!(error = error.0, "the setting monitor.cause-rules is left out");
        Rules::built_in()
    }))
}

#[cfg(test)]
mod tests {
    use kernel::ErrorKind;
    use kernel::world::World;
    use serde_json::json;

    use super::*;

    const OWN: &str = "[fault.tape_worn]\nkinds = [\"nas\"]\ngives = \"down\"\nprior = 0.5\n";

    #[test]
    fn rules_of_the_house_are_checked_when_they_are_saved_and_count_beside_the_built_in_ones() {
        let domains = vec![people::domain().kernel, assets::domain().kernel, crate::domain().kernel];
        let world = World::new(domains).unwrap();
        let set = |rules: &str| {
            let input = json!({ "key": CauseRules::KEY, "value": { "rules": rules } });
            world.call(&kernel::Actor::os("ada"), "kernel.setting.set", input)
        };
        let size = || world.kernel.db.read(in_force).unwrap().size();
        let built_in = Rules::built_in().size();
        assert_eq!(size(), built_in);
        let error = set(&format!("{OWN}\n[fault.y]\nkind = [\"nas\"]")).unwrap_err();
        assert_eq!((error.kind, error.field.as_deref()), (ErrorKind::Invalid, Some("value.rules")));
        assert!(error.message.contains("Line 6") || error.message.contains("Line 7"), "{error}");
        assert_eq!(size(), built_in);
        set(OWN).unwrap();
        assert_eq!(size(), (built_in.0 + 1, built_in.1));
    }
}
