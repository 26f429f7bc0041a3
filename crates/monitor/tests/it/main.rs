//! Monitoring from outside: agents' messages in, alerts, groups and events out, on a real database with a fake clock.

#[cfg(test)]
mod again;
#[cfg(test)]
mod alerts;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod exporter;
#[cfg(test)]
mod feeding;
#[cfg(test)]
mod flapping;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod full;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod house;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod lessons;
#[cfg(test)]
mod maintenance;
#[cfg(test)]
mod maps;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod pushed;
#[cfg(test)]
mod relations;
#[cfg(test)]
mod remote;
#[cfg(test)]
mod reopening;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod rule_causes;
#[cfg(test)]
mod rule_turns;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod rules_back;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod scrape_imports;
#[cfg(test)]
mod scrapes;
#[cfg(test)]
mod series;
#[cfg(test)]
mod silences;
#[cfg(test)]
mod tiers;
#[cfg(test)]
mod told;
#[cfg(test)]
mod trouble;
