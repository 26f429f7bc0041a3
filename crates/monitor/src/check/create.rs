//! Create a check.

use kernel::{Access, Cx, Effect, Error, Operation, Ref, Result, Route, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, NewCheck, Severity, index, request, touch_feed};
use crate::events::CheckCreated;
use crate::machine::Machine;
use crate::probe::fields::with_probe_fields;
use crate::probe::{Judge, Kind, Probe};
use crate::{ground, store};

/// Most places that look at one thing.
const PLACES_MAX: usize = 20;
/// Longest name.
const NAME_CHARS_MAX: usize = 120;

with_probe_fields! {
    /// Create a check: something that is looked at again and again on an asset, and becomes an alert when it is not as it
    /// should be.
    ///
    /// Only the fields of the chosen kind may be given.
    #[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
    #[serde(default)]
    pub struct CreateCheck {
        /// A short name, for example "Web server runs". Left out, it is what the check looks at.
        pub name: Option<String>,
        /// The asset it is about.
        pub asset: i64,
        /// The asset whose agent looks, when it is not the asset itself; 0 for the server itself.
        #[schemars(extend("x-kind" = "asset"))]
        pub vantage: Option<i64>,
        /// Several places to look from, one check each: own (the asset's agent), server, or the number of another asset.
        pub vantages: Vec<String>,
        /// What is looked at.
        pub kind: Option<Kind>,
        /// Seconds from one run to the next, at least 10; what suits the kind if left out.
        pub interval_s: Option<i64>,
        /// So many bad results of the last `fire_m` are an alert; 2 if left out, 1 for kinds that say a thing once.
        pub fire_n: Option<i64>,
        /// How many of the last results count; 3 if left out, 1 for kinds that say a thing once.
        pub fire_m: Option<i64>,
        /// So many good results in a row end the alert; 2 if left out, 1 for kinds that say a thing once.
        pub clear_k: Option<i64>,
        /// Seconds that it must be bad before it is an alert; 0 if left out.
        pub for_s: Option<i64>,
        /// Seconds that the alert stays out after it is well again; 0 if left out.
        pub keep_firing_s: Option<i64>,
        /// How much an alert matters: critical or warning; critical if left out.
        pub severity: Option<Severity>,
        /// The team that is told; the asset's team if left out.
        pub team: Option<i64>,
        /// Labels of its alert for routing, as name=value (or as lines, or as an object in JSON).
        #[schemars(schema_with = "crate::labels::asked")]
        pub labels: crate::Labels,
    }
}

/// The check that was made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreatedCheck {
    /// It.
    #[serde(flatten)]
    pub check: Check,
    /// The checks that were made with it, when it is looked at from several places.
    pub also: Vec<i64>,
}

impl CreateCheck {
    fn fields(&self, cx: &mut Cx) -> Result<NewCheck> {
        let kind = self.kind.ok_or_else(|| Error::invalid("kind", "This is required."))?;
        let probe = Probe::new(kind, &self.given())?;
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let name =
            kernel::text::line("name", name.unwrap_or(&kernel::text::shorten(&probe.words(), 100)), NAME_CHARS_MAX)?;
        if self.asset == 0 {
            let why = "Say which asset it is about, by its number. \"mainstay assets thing list\" shows them.";
            return Err(Error::invalid("asset", why));
        }
        let asset = ground::visible_asset(cx, Self::NAME, self.asset, "asset")?;
        let (n, m, k) = kind.usual_rule();
        let fire_m = self.fire_m.unwrap_or(m.max(self.fire_n.unwrap_or(0)));
        let new = NewCheck {
            name,
            asset: Some(self.asset),
            vantage: super::vantage(&probe, Some(self.asset), self.vantage),
            probe,
            interval_s: self.interval_s.unwrap_or(kind.usual_interval_s()),
            fire_n: self.fire_n.unwrap_or(n.min(fire_m)),
            fire_m,
            clear_k: self.clear_k.unwrap_or(k),
            for_ms: self.for_s.unwrap_or(0).saturating_mul(1_000),
            keep_firing_ms: self.keep_firing_s.unwrap_or(0).saturating_mul(1_000),
            labels: self.labels.clone(),
            severity: self.severity.unwrap_or(Severity::Critical),
            team: self.team,
            asset_team: asset.team,
            place: asset.place,
            owner: asset.owner,
            taken: None,
        };
        Ok(new)
    }

    /// The places that were asked for, each once.
    fn places(&self, cx: &mut Cx) -> Result<Vec<Place>> {
        let wrong = |message: &str| Err(Error::invalid("vantages", message));
        let mut places: Vec<Place> = Vec::new();
        for word in self.vantages.iter().map(|word| word.trim()).filter(|word| !word.is_empty()) {
            let place = match word {
                "server" => Place { vantage: None, name: "this server".to_owned(), label: "server".to_owned() },
                word => {
                    let number = word.strip_prefix("asset:").unwrap_or(word);
                    let id = if word == "own" { Some(self.asset) } else { number.parse().ok() };
                    let Some(id) = id else { return wrong("Use own, server, or the numbers of assets with agents.") };
                    let name = ground::visible_asset(cx, Self::NAME, id, "vantages")?.name;
                    Place { vantage: Some(id), label: name.clone(), name }
                }
            };
            if places.iter().all(|known| known.vantage != place.vantage) {
                places.push(place);
            }
        }
        if places.len() > PLACES_MAX {
            return wrong("At most 20 places look at one thing.");
        }
        if !places.is_empty() && self.vantage.is_some() {
            return wrong("Give one vantage, or several, not both.");
        }
        if places.len() > 1 && !self.kind.is_some_and(Kind::server_sees) {
            return wrong("Only the machine itself sees this. Leave the places out.");
        }
        Ok(places)
    }

    /// Writes one check, with what belongs to it.
    fn make(&self, cx: &mut Cx, mut new: NewCheck) -> Result<i64> {
        new.vantage = match new.vantage {
            // What only the server can judge has no vantage, and a silent host has its own.
            vantage if new.probe.judge() == Judge::Vantage => vantage,
            _ => super::vantage(&new.probe, new.asset, None),
        };
        new.check(cx, Self::NAME, None)?;
        let words = request::take_out(cx, None, &mut new)?;
        let machine =
            serde_json::to_string(&Machine::new(cx.now)).map_err(|error| Error::internal("machine-not-json", error))?;
        let (id, _) = store::checks::insert(cx.tx, &new, &machine, cx.now)?;
        new.record(cx, &Ref::new("check", id), None)?;
        super::keep_password(cx, id, &new.probe, &self.password)?;
        request::keep(cx, id, &words)?;
        super::follow_kind(cx, id, &new.probe)?;
        index(cx, id, &new)?;
        cx.emit(&CheckCreated {
            check: Ref::new("check", id),
            asset: new.asset.map(|id| Ref::new("asset", id)),
            name: new.name.clone(),
        })?;
        touch_feed(cx, new.vantage);
        Ok(id)
    }
}

/// A place to look from, when there are several.
struct Place {
    vantage: Option<i64>,
    name: String,
    label: String,
}

impl Place {
    /// The check as this place makes it: named and labelled by it, so that its alert says who sees it.
    fn of(&self, new: &NewCheck) -> NewCheck {
        let room = NAME_CHARS_MAX.saturating_sub(self.name.chars().count() + 7).max(20);
        let name = format!("{}, from {}", kernel::text::shorten(&new.name, room), self.name);
        let mut labels = new.labels.clone();
        labels.0.insert("vantage".to_owned(), self.label.clone());
        let name = kernel::text::shorten(&name, NAME_CHARS_MAX);
        NewCheck { name, vantage: self.vantage, labels, ..new.clone() }
    }
}

impl Operation for CreateCheck {
    const NAME: &'static str = "monitor.check.create";
    const ROUTE: Route = post("/monitor/checks");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    const SECRETS: &'static [&'static str] = super::SECRETS;
    type Output = CreatedCheck;

    fn run(&self, cx: &mut Cx) -> Result<CreatedCheck> {
        let new = self.fields(cx)?;
        let places = self.places(cx)?;
        let mut made = Vec::with_capacity(places.len().max(1));
        if let [place] = places.as_slice() {
            made.push(self.make(cx, NewCheck { vantage: place.vantage, ..new })?);
        } else if places.is_empty() {
            made.push(self.make(cx, new)?);
        } else {
            for place in &places {
                made.push(self.make(cx, place.of(&new))?);
            }
        }
        let first = made.first().copied().unwrap_or_default();
        let check = store::checks::by_id(cx.tx, &[first])?.into_iter().next();
        let check = check.ok_or_else(|| Error::internal("check-not-written", first))?;
        Ok(CreatedCheck { check, also: made.into_iter().skip(1).collect() })
    }
}
