//! Where a check is looked at from, as its form asks for it: the asset's own agent, this server, other agents.

use std::collections::BTreeSet;

use kernel::{Ref, Result};
use maud::{Markup, html};
use serde_json::{Value, json};
use web::page::PageCx;
use web::ui::Field;

use crate::check::Check;
use crate::live::Monitor;

/// Most other agents that a form offers at a time; the rest is found by a word.
const AGENTS_MAX: usize = 100;
/// Most assets that are asked for by a word.
const FOUND_MAX: usize = 200;

/// The other agents to choose from.
#[derive(Default)]
pub(super) struct Places {
    agents: Vec<(String, String)>,
    /// There are more than are offered.
    pub(super) more: bool,
}

impl Places {
    /// The agents that the actor may see and that the words fit; and the one that looks now.
    pub(super) fn load(page: &mut PageCx, find: &str, now: Option<i64>) -> Result<Self> {
        let known = page.cx.kernel.get::<Monitor>()?.assets_with_agents();
        let mut refs: Vec<Ref> = if find.is_empty() {
            known.iter().take(AGENTS_MAX + 1).map(|id| Ref::new("asset", *id)).collect()
        } else {
            let known: BTreeSet<i64> = known.into_iter().collect();
            found(page, find)?.into_iter().filter(|id| known.contains(id)).map(|id| Ref::new("asset", id)).collect()
        };
        let more = refs.len() > AGENTS_MAX;
        refs.truncate(AGENTS_MAX);
        if let Some(now) = now.map(|id| Ref::new("asset", id)).filter(|now| !refs.contains(now)) {
            refs.push(now);
        }
        let names = page.cx.resolve(&refs)?;
        let mut agents: Vec<(String, String)> =
            names.into_iter().map(|(one, found)| (one.id.to_string(), found.title)).collect();
        agents.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
        Ok(Self { agents, more })
    }

    /// Places to tick: one check is made for each. The asset that is chosen already is its own agent. `typed` are those that
    /// were ticked when the form was refused.
    pub(super) fn ticks(&self, asset: &str, typed: Option<&[String]>) -> Markup {
        let tick = |value: &str, label: &str, on: bool| {
            let id = format!("f-vantages-{value}");
            let on = typed.map_or(on, |typed| typed.iter().any(|one| one == value));
            html! {
                div.check {
                    input type="checkbox" id=(id) name="vantages" value=(value) checked[on];
                    label for=(id) dir="auto" { (label) }
                }
            }
        };
        html! {
            fieldset.field aria-describedby="f-vantages-h" {
                legend { "Looked at from" }
                div.choices {
                    (tick("own", "The asset's own agent", true))
                    (tick("server", "This server", false))
                    @for (id, name) in self.agents.iter().filter(|(id, _)| id != asset) { (tick(id, name, false)) }
                }
                span.help id="f-vantages-h" { "Several places make a check each, named and labelled by its place." }
            }
        }
    }

    /// The one place of a check that is there already.
    pub(super) fn select(&self, check: &Check) -> Field {
        let own = check.asset.map(|id| id.to_string()).unwrap_or_default();
        let value = match check.vantage {
            None => "0".to_owned(),
            Some(id) if Some(id) == check.asset => String::new(),
            Some(id) => id.to_string(),
        };
        let mut options = vec![(String::new(), "The asset's own agent".to_owned()), ("0".into(), "This server".into())];
        options.extend(self.agents.iter().filter(|(id, _)| *id != own).cloned());
        Field::select("vantage", "Looked at from", options)
            .value(value)
            .help("Passwords and keys are given again when somebody else looks.")
    }
}

/// Assets by words of their names.
fn found(page: &mut PageCx, find: &str) -> Result<Vec<i64>> {
    if !page.cx.may("assets.thing.list") {
        return Ok(Vec::new());
    }
    // Words only: a colon would name a field.
    let input = json!({ "limit": FOUND_MAX, "filter": find.replace([':', '"'], " ") });
    let found = page.cx.call_named("assets.thing.list", input)?;
    let items = found.get("items").and_then(Value::as_array).into_iter().flatten();
    Ok(items.filter_map(|item| item.get("id").and_then(Value::as_i64)).collect())
}

#[cfg(test)]
impl Places {
    /// An example.
    pub(super) fn sample(name: &str) -> Self {
        Self { agents: vec![("7".into(), name.into())], more: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::HOSTILE;
    use maud::Render as _;

    #[test]
    fn places_are_ticked_for_a_new_check_and_chosen_for_one_that_is_there() {
        let html = Places::sample(HOSTILE).ticks("417", None).into_string();
        assert!(
            html.contains("value=\"own\" checked") && html.contains("value=\"7\"") && !html.contains("<script>alert")
        );
        let place =
            |vantage| Places::sample("oslo").select(&Check { vantage, ..Check::sample("x") }).render().into_string();
        assert!(place(Some(417)).contains("value=\"\" selected"));
        assert!(place(None).contains("value=\"0\" selected"));
        assert!(place(Some(7)).contains("value=\"7\" selected"));
    }
}
