//! A list of what can be paused, resumed and deleted several at a time: checks and rules.

use kernel::LiveList;
use web::ui::{Bulk, Button, Empty, Filter, List, Table, count_capped};

/// What such a list says of itself.
pub(super) struct Listed<'a> {
    /// The noun of its operations, and one of its rows in words.
    pub(super) noun: &'a str,
    /// How many there are, counted up to 1,000.
    pub(super) count: i64,
    /// The address of this page of the list.
    pub(super) here: String,
    /// The address of the next page.
    pub(super) next: Option<String>,
    /// The address of the first page, where this is another one.
    pub(super) first: Option<String>,
    /// The token of its forms.
    pub(super) csrf: String,
}

impl Listed<'_> {
    /// The list around a table.
    pub(super) fn around(self, table: Table, filter: Filter, empty: Empty) -> List {
        let noun = self.noun;
        let total = u64::try_from(self.count).unwrap_or(0);
        let button = |word: &str, verb: &str| Button::submit(word).value("op", format!("monitor.{noun}.{verb}"));
        List::new(format!("{noun}s"), table)
            .filter(filter)
            .bulk(
                Bulk::new("/_bulk", self.csrf)
                    .back(self.here.clone())
                    .button(button("Pause", "pause").key("p"))
                    .button(button("Resume", "resume").key("r"))
                    .button(button("Delete", "delete")),
            )
            .total(format!("{} {noun}{}", count_capped(total, 1_000), if total == 1 { "" } else { "s" }))
            .paging(self.next, self.first)
            .live(LiveList::Alerts.to_string(), self.here)
            .empty(empty)
    }
}
