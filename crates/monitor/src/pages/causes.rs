//! What may be the cause of a group, with what speaks for and against it, and what was seen: as its page shows them.

use maud::{Markup, html};
use web::ui::{Card, Clock, Column, Row, Table, Tone, bar, stamped};

use super::Names;
use crate::group::judgement::{Judgement, Suspect};
use crate::group::{Group, Member};

/// Suspects less likely than this, in percent, are folded away behind the likeliest.
const UNLIKELY: f64 = 1.0;

/// What may be the cause, likeliest first, with what speaks for and against it.
pub(super) fn card(judgement: &Judgement, clock: &Clock) -> Markup {
    if judgement.candidates.is_empty() && judgement.undetermined.is_none() && judgement.again.is_empty() {
        return html! {};
    }
    let many = judgement.candidates.iter().skip(1).take_while(|one| one.percent >= UNLIKELY).count() + 1;
    let (shown, folded) = judgement.candidates.split_at(many.min(judgement.candidates.len()));
    html! {
        (Card::new("Likely cause").flush(html! {
            @if let Some(why) = &judgement.undetermined {
                p.pad { strong { "The cause cannot be determined. " } span dir="auto" { (clock.spoken(why)) } }
            }
            @if !shown.is_empty() { ol.suspects { @for one in shown { (suspect(one, clock)) } } }
            @if !folded.is_empty() {
                details.pad { summary { (folded.len()) " less likely" } ol.suspects { @for one in folded { (suspect(one, clock)) } } }
            }
            @if !judgement.again.is_empty() { div.pad.again { @for line in &judgement.again { p.hint dir="auto" { (clock.spoken(line)) } } } }
        }))
    }
}

fn suspect(one: &Suspect, clock: &Clock) -> Markup {
    let percent = if one.percent < UNLIKELY { "under 1 %".to_owned() } else { format!("{:.0} %", one.percent) };
    html! {
        li {
            div.head {
                @match one.asset {
                    Some(asset) => a.t href={ "/assets/" (asset) } dir="auto" { (one.what) },
                    None => span.t dir="auto" { (one.what) },
                }
                span.meter { (bar(one.percent / 100.0, Tone::Idle, false)) span { (percent) } }
            }
            ul.for { @for text in &one.reasons_for { li dir="auto" { span.sr { "Speaks for it: " } (clock.spoken(&reason(text))) } } }
            ul.against { @for text in &one.reasons_against { li dir="auto" { span.sr { "Speaks against it: " } (clock.spoken(&reason(text))) } } }
        }
    }
}

/// A reason in one line: when something was seen stands below.
pub(super) fn reason(text: &str) -> String {
    let mut rest = text.lines().next().unwrap_or_default();
    let mut said = String::new();
    while let Some(found) = stamped(rest) {
        let seen = found.before.ends_with(": ") && found.after() != found.rest();
        let kept = if seen { found.before } else { rest.strip_suffix(found.rest()).unwrap_or(rest) };
        said.push_str(kept);
        rest = if seen { found.after() } else { found.rest() };
    }
    said.push_str(rest);
    if text.lines().nth(1).is_some() { said.trim_end_matches('.').to_owned() } else { said }
}

/// What was seen: one row for each check and what it said, with how often and when last.
#[derive(Debug, PartialEq)]
struct Saw<'a> {
    who: &'a str,
    what: &'a str,
    at: Option<jiff::Timestamp>,
    times: usize,
}

fn saw(lines: &[String]) -> Vec<Saw<'_>> {
    let mut all: Vec<Saw<'_>> = Vec::new();
    for line in lines {
        let one = match stamped(line) {
            Some(found) => {
                Saw { who: found.before.trim_end_matches(": "), what: found.after(), at: Some(found.at), times: 1 }
            }
            None => Saw { who: "", what: line, at: None, times: 1 },
        };
        match all.iter_mut().find(|old| old.who == one.who && old.what == one.what && old.at.is_some()) {
            Some(old) if one.at.is_some() => {
                old.times += 1;
                old.at = old.at.max(one.at);
            }
            _ => all.push(one),
        }
    }
    all
}

/// What was seen when the group opened.
pub(super) fn seen(group: &Group, alerts: &[Member], names: &Names, clock: &Clock) -> Markup {
    let lead = alerts.iter().find(|alert| alert.check == group.check);
    let named = lead.map(|lead| match names.known(lead.asset) {
        Some(asset) => format!("{asset}, {}", lead.name),
        None => lead.name.clone(),
    });
    let named = named.unwrap_or_default();
    let rows = saw(&group.evidence).into_iter().map(|one| {
        let who = if one.who.is_empty() { named.as_str() } else { one.who };
        let when = html! {
            @if let Some(at) = one.at { (clock.second(at)) } @else { span.none { "—" } }
            @if one.times > 1 { span.muted { " " (one.times) " times" } }
        };
        Row::new(who).main().cell(html! { span.evidence dir="auto" { (clock.spoken(one.what)) } }).cell(when)
    });
    let columns = [Column::new("Check").main(), Column::new("It said"), Column::new("Last").wide()];
    html! { (Card::new("What was seen").flush(html! { (Table::new("What was seen").columns(columns).rows(rows)) })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_twice_stands_once_with_its_last_time() {
        let lines: Vec<String> = [
            "2026-03-02 08:00:10 UTC: no process nginx runs",
            "2026-03-02 08:00:20 UTC: no process nginx runs",
            "web-02, Site answers: 2026-03-02 08:00:21 UTC: 127.0.0.1:9: refused",
            "It changed its state 7 times",
        ]
        .map(str::to_owned)
        .into();
        let all = saw(&lines);
        let words: Vec<(&str, &str, usize)> = all.iter().map(|one| (one.who, one.what, one.times)).collect();
        assert_eq!(
            words,
            [
                ("", "no process nginx runs", 2),
                ("web-02, Site answers", "127.0.0.1:9: refused", 1),
                ("", "It changed its state 7 times", 1)
            ]
        );
        assert_eq!(
            all.first().and_then(|one| one.at).map(|at| at.to_string()),
            Some("2026-03-02T08:00:20Z".to_owned())
        );
    }

    #[test]
    fn a_reason_is_one_line_without_the_time_in_it_twice() {
        let since = "Fails itself since 2026-03-02 08:00:10 UTC: ";
        let text = format!("{since}2026-03-02 08:00:10 UTC: no process\n2026-03-02 08:00:20 UTC: no process.");
        assert_eq!(reason(&text), format!("{since}no process"));
        assert_eq!(reason("It was fine at 2026-03-02 08:00:10 UTC."), "It was fine at 2026-03-02 08:00:10 UTC.");
        assert_eq!(reason("Explains 2 of 3 symptoms."), "Explains 2 of 3 symptoms.");
    }

    #[test]
    fn what_is_hardly_likely_is_folded_away_but_never_the_first() {
        let one = |what: &str, percent: f64| Suspect { what: what.into(), percent, ..Suspect::default() };
        let judgement =
            Judgement { candidates: vec![one("a is down", 0.4), one("b is down", 0.3)], ..Judgement::default() };
        let html = card(&judgement, &Clock::utc_us(0)).into_string();
        let (before, after) = html.split_once("1 less likely").unwrap();
        assert!(before.contains("a is down") && after.contains("b is down") && before.contains("under 1 %"), "{html}");
    }
}
