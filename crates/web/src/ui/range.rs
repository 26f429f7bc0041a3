//! The range of time of a page's figures: a word such as the last six hours, or a part that somebody zoomed into. It stands
//! in the page's address, so it can be shared, and going back undoes a zoom.

use super::time::Clock;
use super::{href, icon};
use jiff::Timestamp;
use maud::{Markup, html};

/// Words of the address, what people read, minutes.
const WORDS: [(&str, &str, i64); 5] =
    [("1h", "1 h", 60), ("6h", "6 h", 360), ("24h", "24 h", 1_440), ("7d", "7 d", 10_080), ("30d", "30 d", 43_200)];
const MINUTE_MS: i64 = 60_000;
/// A zoom goes no closer than this.
const SPAN_MS_MIN: i64 = 10_000;
/// And no wider.
const SPAN_MS_MAX: i64 = 390 * 86_400_000;
/// Times further away than this are nonsense.
const MS_MAX: i64 = 1 << 52;

/// From when to when the figures of a page reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    word: &'static str,
    /// Begin, in milliseconds since 1970.
    pub from_ms: i64,
    /// End.
    pub to_ms: i64,
    now_ms: i64,
    /// Somebody chose both ends; otherwise it ends now.
    pub zoomed: bool,
}

impl Range {
    /// What the address asks for: `range` is a word, `from` and `to` are milliseconds. What cannot be read counts as absent;
    /// `otherwise` is the word then.
    #[must_use]
    pub fn read(query: &[(String, String)], now_ms: i64, otherwise: &str) -> Self {
        let param = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let known = |word: &str| WORDS.iter().find(|(known, ..)| *known == word);
        let asked = param("range").and_then(known).or_else(|| known(otherwise));
        let (word, _, minutes) = asked.copied().unwrap_or(("1h", "1 h", 60));
        let ms = |name: &str| {
            param(name).and_then(|text| text.parse::<i64>().ok()).filter(|ms| (-MS_MAX..MS_MAX).contains(ms))
        };
        let zoom = ms("from").zip(ms("to")).filter(|(from, to)| to - from > 0 && to - from <= SPAN_MS_MAX);
        let (from_ms, to_ms) = zoom.unwrap_or((now_ms - minutes * MINUTE_MS, now_ms));
        let missing = (SPAN_MS_MIN - (to_ms - from_ms)).max(0);
        Self { word, from_ms: from_ms - missing / 2, to_ms: to_ms + missing / 2, now_ms, zoomed: zoom.is_some() }
    }

    /// From `from_ms` to `to_ms`, as what surrounds an alert, unless the address asks for a part of it.
    #[must_use]
    pub fn around(query: &[(String, String)], (from_ms, to_ms): (i64, i64), now_ms: i64) -> Self {
        let asked = Self::read(query, now_ms, "");
        let range = if asked.zoomed { asked } else { Self { from_ms, to_ms, ..asked } };
        Self { word: "", ..range }
    }

    /// The last minutes, whatever the address says.
    #[must_use]
    pub const fn last(minutes: i64, now_ms: i64) -> Self {
        Self { word: "", from_ms: now_ms - minutes * MINUTE_MS, to_ms: now_ms, now_ms, zoomed: false }
    }

    /// As parameters of an address: `range=6h`, with `from` and `to` when it is a zoom.
    #[must_use]
    pub fn params(&self) -> String {
        if self.zoomed { self.zoom(self.from_ms, self.to_ms) } else { self.choice() }
    }

    /// Without a zoom; nothing where there is no choice of words.
    fn choice(&self) -> String {
        if self.word.is_empty() { String::new() } else { format!("range={}", self.word) }
    }

    fn zoom(&self, from_ms: i64, to_ms: i64) -> String {
        let choice = self.choice();
        format!("{choice}{}from={from_ms}&to={to_ms}", if choice.is_empty() { "" } else { "&" })
    }

    /// The same span earlier or later, half or twice of it around its middle; none that begins in the future.
    fn moves(&self) -> [(&'static str, &'static str, Option<String>); 4] {
        let (from, to, span) = (self.from_ms, self.to_ms, self.to_ms - self.from_ms);
        let wide = (to.saturating_add(span / 2)).min(self.now_ms.max(to));
        let later = (to < self.now_ms).then(|| {
            let end = (to + span / 2).min(self.now_ms);
            self.zoom(end - span, end)
        });
        let closer = (span >= 2 * SPAN_MS_MIN).then(|| self.zoom(from + span / 4, to - span / 4));
        let wider = (span * 2 <= SPAN_MS_MAX).then(|| self.zoom(wide - span * 2, wide));
        [
            ("chevron-left", "Earlier", Some(self.zoom(from - span / 2, to - span / 2))),
            ("chevron-right", "Later", later),
            ("minus", "Wider", wider),
            ("plus", "Closer", closer),
        ]
    }
}

/// Figures that share a range of time, with the choice of it above them.
#[derive(Debug, Clone)]
pub struct Charts {
    id: String,
    page: String,
    src: String,
    refs: Option<String>,
    range: Range,
    clock: Clock,
    body: Markup,
    chosen: bool,
}

impl Charts {
    /// Figures `body` in a part with this id. `page` is the address that shows them, with the parameters that must stay.
    pub fn new(id: impl Into<String>, page: impl Into<String>, range: Range, clock: &Clock, body: Markup) -> Self {
        let page = page.into();
        Self { id: id.into(), src: page.clone(), page, refs: None, range, clock: clock.clone(), body, chosen: true }
    }

    /// Renewed from this smaller page instead, and also when one of `refs` (separated by spaces) changes.
    #[must_use]
    pub fn live(mut self, refs: impl Into<String>, src: impl Into<String>) -> Self {
        self.refs = Some(refs.into());
        self.src = src.into();
        self
    }

    /// Without the choice of a range: a glance that always shows the same span.
    #[must_use]
    pub const fn without_choice(mut self) -> Self {
        self.chosen = false;
        self
    }

    fn picker(&self) -> Markup {
        let target = format!("#{}", self.id);
        let link = |params: &str| with_params(&self.page, params);
        let at = |ms: i64| self.clock.at(Timestamp::from_millisecond(ms).unwrap_or_default());
        html! {
            nav.range aria-label="Range of time" {
                @if !self.range.word.is_empty() { div.words {
                    @for (word, text, _) in WORDS {
                        a href=(href(&link(&format!("range={word}")))) data-swap=(target)
                            aria-current=[(word == self.range.word && !self.range.zoomed).then_some("true")] { (text) }
                    }
                } }
                div.moves {
                    @for (sign, word, to) in self.range.moves() {
                        @match to {
                            Some(params) => { a.btn.small.square href=(href(&link(&params))) data-swap=(target) data-move=(word) aria-label=(word) title=(word) { (icon(sign)) } }
                            None => { a.btn.small.square role="link" aria-disabled="true" aria-label=(word) title=(word) { (icon(sign)) } }
                        }
                    }
                }
                @if self.range.zoomed {
                    span.shown { (at(self.range.from_ms)) " – " (at(self.range.to_ms)) }
                    a.btn.small href=(href(&link(&self.range.choice()))) data-swap=(target) data-unzoom { "Undo zoom" }
                }
            }
        }
    }
}

impl maud::Render for Charts {
    fn render(&self) -> Markup {
        html! {
            div.charts id=(self.id) data-charts data-page=[self.chosen.then(|| href(&self.page))] data-range=(self.range.word)
                data-src=(href(&with_params(&self.src, &self.range.params()))) data-refs=[&self.refs] data-zoomed[self.range.zoomed] {
                @if self.chosen { (self.picker()) }
                (self.body)
            }
        }
    }
}

/// An address with more parameters.
fn with_params(address: &str, params: &str) -> String {
    if params.is_empty() {
        return address.to_owned();
    }
    format!("{address}{}{params}", if address.contains('?') { '&' } else { '?' })
}

#[cfg(test)]
mod tests {
    use super::*;
    use maud::Render as _;

    const NOW: i64 = 1_795_248_000_000;

    fn read(query: &[(&str, &str)]) -> Range {
        let query: Vec<(String, String)> = query.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Range::read(&query, NOW, "6h")
    }

    #[test]
    fn the_address_names_the_range_and_nonsense_counts_as_absent() {
        let hours = |range: Range| ((range.to_ms - range.from_ms) / 3_600_000, range.zoomed);
        assert_eq!(hours(read(&[])), (6, false));
        assert_eq!(hours(read(&[("range", "7d")])), (168, false));
        assert_eq!(hours(read(&[("from", "0"), ("to", "7200000")])), (2, true));
        for nonsense in [
            [("range", "9y"), ("from", "1")],
            [("from", "5"), ("to", "5")],
            [("from", "x"), ("to", "9")],
            [("from", "-9223372036854775808"), ("to", "9223372036854775807")],
        ] {
            assert_eq!(hours(read(&nonsense)), (6, false), "{nonsense:?}");
        }
        let tiny = read(&[("from", "1000"), ("to", "1001")]);
        assert!(tiny.to_ms - tiny.from_ms >= SPAN_MS_MIN - 1);
    }

    #[test]
    fn what_surrounds_an_alert_has_no_words_to_choose_from_but_can_be_zoomed_into() {
        let range = |query: &[(String, String)]| Range::around(query, (1_000_000, 9_000_000), NOW);
        assert_eq!((range(&[]).from_ms, range(&[]).to_ms, range(&[]).params()), (1_000_000, 9_000_000, String::new()));
        let zoom = [("from".to_owned(), "2000000".to_owned()), ("to".to_owned(), "3000000".to_owned())];
        assert_eq!(range(&zoom).params(), "from=2000000&to=3000000");
        let drawn = Charts::new("figures", "/x", range(&zoom), &Clock::utc_us(0), html! {}).render().0;
        assert!(drawn.contains("href=\"/x\"") && drawn.contains("Undo zoom") && !drawn.contains("24 h"), "{drawn}");
    }

    #[test]
    fn the_picker_moves_through_time_and_leads_back_from_a_zoom() {
        let drawn =
            |range: Range| Charts::new("figures", "/x?query=a%26b", range, &Clock::utc_us(0), html! {}).render().0;
        let now = drawn(read(&[]));
        assert!(now.contains("/x?query=a%26b&amp;range=24h") && !now.contains("Undo zoom"), "{now}");
        assert_eq!(now.matches("aria-disabled").count(), 1, "nothing is later than now");
        let then = drawn(read(&[("range", "24h"), ("from", "7200000"), ("to", "10800000")]));
        assert!(then.contains("Undo zoom") && then.contains("from=5400000&amp;to=9000000"), "{then}");
        assert!(then.contains("data-src=\"/x?query=a%26b&amp;range=24h&amp;from=7200000&amp;to=10800000\""));
    }
}
