//! The demo company's names, for the gallery alone: Northwind Marine, a ship repairer with 214 people.

/// Saturday 21 November 2026, 09:00 UTC, in microseconds.
pub(super) const NOW_US: i64 = 1_795_251_600_000_000;

pub(super) const PEOPLE: [&str; 6] =
    ["Sam Reyes", "Lena Fischer", "Dev Patel", "Amara Okafor", "Piotr Zieliński", "Lucía Fernández"];

/// Number, subject, person asking, thing, owner's place in [`PEOPLE`], minutes since it changed.
type Sample = (u32, &'static str, &'static str, &'static str, Option<usize>, i64);

pub(super) const TICKETS: [Sample; 5] = [
    (4821, "VPN drops every few minutes from home office", "Amara Okafor", "fw-edge-02", None, 5),
    (4820, "Laptop will not wake from sleep after update", "Piotr Zieliński", "LT-2291", None, 6),
    (4819, "New starter kit: Priya Raman, Finance, 1 December", "Lucía Fernández", "", Some(1), 8),
    (4813, "Backup report shows warning for sql-prod-1", "Dev Patel", "sql-prod-1", Some(0), 26),
    (4798, "Leaver: Tomás Ortega, last day Friday", "Amara Okafor", "", Some(2), 3 * 24 * 60),
];
