//! Every page of the site as every role: time, bytes of a first visit, elements.

mod machines;
mod visit;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use axum::http::StatusCode;
use kernel::{Error, Result};

use crate::Run;
use crate::house::{House, login};
use crate::process::own_cpu;
use crate::report::{Report, mean, ms, percentile};
use visit::{Browser, Visit};

/// Pages of one pattern that are visited.
const EXAMPLES: usize = 2;

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let scratch = run.scratch()?;
    let (tickets, things) = if run.quick { (300, 50) } else { (1_500, 250) };
    let mut house = House::open(&scratch.path().join("data"))?.furnish()?;
    let assets = house.things(things)?;
    house = house.tickets_from(0, tickets, true, &assets, |_| Ok(()))?;
    let agents = if run.quick { 4 } else { 20 };
    machines::enrol(&house, agents)?;
    work::make(&house)?;
    report.datum("agents", agents);
    report.datum("tickets", tickets);
    report.datum("things", things);
    let site = house.site.take().ok_or_else(|| Error::internal("site-taken", "page"))?;
    let patterns: Vec<&'static str> = site.pages.iter().map(|page| page.path).chain(["/"]).collect();
    let browser = Browser::new(house.kernel.clone(), site)?;
    let rounds = if run.quick { 15 } else { 100 };
    let (mut all, mut missing) = (Vec::new(), patterns.iter().copied().collect::<BTreeSet<_>>());
    let mut visited = BTreeSet::new();
    for role in people::roles::ROLES {
        let cookie = browser.sign_in(&login(role.name))?;
        for (pattern, path) in paths(&browser, &cookie, &patterns)? {
            let Some(measured) = repeat(&browser, &cookie, &path, rounds)? else { continue };
            missing.remove(pattern);
            visited.insert(path.clone());
            all.push(Measured { role: role.name, path, ..measured });
        }
    }
    report.datum("roles", people::roles::ROLES.len());
    report.datum("pages", visited.len());
    tell(report, &all, &missing);
    house.close();
    Ok(())
}

#[derive(Clone)]
struct Measured {
    role: &'static str,
    path: String,
    p95_ms: f64,
    median_ms: f64,
    cpu_ms: f64,
    visit: Visit,
}

fn tell(report: &mut Report, all: &[Measured], missing: &BTreeSet<&str>) {
    let mut worst: BTreeMap<&str, &Measured> = BTreeMap::new();
    for one in all {
        let known = worst.entry(&one.path).or_insert(one);
        if one.p95_ms > known.p95_ms {
            *known = one;
        }
    }
    report.say(format!(
        "{:<44} p95 ms  median  CPU ms   bytes   nodes  statements",
        "each page, as the role it is slowest for"
    ));
    for one in worst.values() {
        let what = format!("{} ({})", one.path, one.role);
        let Visit { bytes, nodes, statements, .. } = one.visit;
        report.say(format!(
            "{what:<44} {:>6.2} {:>7.2} {:>7.2} {bytes:>7} {nodes:>7} {statements:>11}",
            one.p95_ms, one.median_ms, one.cpu_ms
        ));
    }
    if !missing.is_empty() {
        report.say(format!("nothing to show for: {}", missing.iter().copied().collect::<Vec<_>>().join(" ")));
    }
    let most = |value: &dyn Fn(&Measured) -> f64| all.iter().map(value).fold(0.0, f64::max);
    report.figure("worst_p95_ms", most(&|one| one.p95_ms));
    report.figure("worst_cpu_ms", most(&|one| one.cpu_ms));
    report.figure("worst_bytes", most(&|one| one.visit.bytes as f64));
    report.figure("worst_nodes", most(&|one| one.visit.nodes as f64));
}

/// The paths of all patterns: those with parameters are taken from the links of those without.
fn paths(browser: &Browser, cookie: &str, patterns: &[&'static str]) -> Result<Vec<(&'static str, String)>> {
    let (with, without): (Vec<&str>, Vec<&str>) = patterns.iter().copied().partition(|pattern| pattern.contains('{'));
    let mut links = BTreeSet::new();
    for path in &without {
        links.extend(browser.get(path, cookie)?.links);
    }
    let mut found: Vec<(&'static str, String)> = without.iter().map(|path| (*path, (*path).to_owned())).collect();
    for pattern in with {
        let fitting = links.iter().filter(|link| fits(pattern, link) && !without.contains(&link.as_str()));
        found.extend(fitting.take(EXAMPLES).map(|link| (pattern, link.clone())));
    }
    Ok(found)
}

fn fits(pattern: &str, link: &str) -> bool {
    let path = link.split('?').next().unwrap_or_default();
    let same_length = pattern.split('/').count() == path.split('/').count();
    same_length
        && pattern
            .split('/')
            .zip(path.split('/'))
            .all(|(wanted, part)| wanted == part || (wanted.starts_with('{') && !part.is_empty()))
}

/// Visits a page several times; nothing when it is not shown to this role.
fn repeat(browser: &Browser, cookie: &str, path: &str, rounds: usize) -> Result<Option<Measured>> {
    let visit = browser.visit(path, cookie)?;
    if visit.status != StatusCode::OK {
        return Ok(None);
    }
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (cpu, started) = (own_cpu(), Instant::now());
        browser.get_bytes(path, cookie)?;
        walls.push(ms(started.elapsed()));
        cpus.push(ms(own_cpu() - cpu));
    }
    let (p95_ms, median_ms, cpu_ms) = (percentile(&walls, 0.95), percentile(&walls, 0.5), mean(&cpus));
    Ok(Some(Measured { role: "", path: path.to_owned(), p95_ms, median_ms, cpu_ms, visit }))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn links_are_matched_to_patterns_part_by_part() {
        assert!(fits("/desk/{id}", "/desk/12?tab=links"));
        assert!(!fits("/desk/{id}", "/desk"));
        assert!(!fits("/desk/{id}", "/assets/12"));
        assert!(!fits("/desk/{id}/edit", "/desk/12"));
        assert!(!fits("/desk/{id}", "/desk/"));
    }
}
