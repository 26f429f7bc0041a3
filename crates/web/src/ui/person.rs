//! People in a row: initials and a name.

use std::collections::{BTreeMap, BTreeSet};

use super::href;
use maud::{Markup, html};

/// At most two letters for a name: first letters of its first and last words.
#[must_use]
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    let letters: String = first.into_iter().chain(last).flat_map(char::to_uppercase).take(2).collect();
    if letters.is_empty() { "?".to_owned() } else { letters }
}

/// Initials in a disc; the colour follows the name. The name must stand next to it or be read elsewhere.
#[must_use]
pub fn avatar(name: &str, big: bool) -> Markup {
    html! { span class={ "avatar " (if big { "big " } else { "" }) (hue(name)) } aria-hidden="true" { (initials(name)) } }
}

/// How many colours people have.
const HUES: u32 = 8;

/// The class of a colour.
pub(crate) const fn hue_class(hue: u32) -> &'static str {
    match hue % HUES {
        1 => "h1",
        2 => "h2",
        3 => "h3",
        4 => "h4",
        5 => "h5",
        6 => "h6",
        7 => "h7",
        _ => "h0",
    }
}

/// The colour that a name has.
fn own_hue(name: &str) -> u32 {
    name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) / 7 % HUES
}

fn hue(name: &str) -> &'static str {
    hue_class(own_hue(name))
}

/// Colours for people who stand side by side: each has their own colour where it is free, else the next free one, so that two
/// look alike only when there are more people than colours.
pub(crate) fn hues<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, u32> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let mut used = BTreeSet::new();
    let mut found = BTreeMap::new();
    for name in names {
        if used.len() >= HUES as usize {
            used.clear();
        }
        let own = own_hue(name);
        let free = (0..HUES).map(|step| (own + step) % HUES).find(|hue| !used.contains(hue)).unwrap_or(own);
        used.insert(free);
        found.insert(name, free);
    }
    found
}

/// Who did something, in words: a part of the product by what people call it, everybody else by their name.
#[must_use]
pub fn actor<'a>(actor: &str, name: &'a str) -> &'a str {
    let Some(service) = actor.strip_prefix("service:") else { return name };
    match service.split('.').next().unwrap_or(service) {
        "assets" => "Assets",
        "desk" => "Service desk",
        "fleet" => "Endpoints",
        "kernel" => "Mainstay",
        "monitor" => "Monitoring",
        "paging" => "On call",
        "people" => "People",
        "runbooks" => "Runbooks",
        _ => name,
    }
}

/// A person: disc and name, linked when there is a page for them.
#[must_use]
pub fn person(name: &str, to: Option<&str>) -> Markup {
    html! {
        span.person {
            (avatar(name, false))
            @if let Some(to) = to { a.clip href=(href(to)) dir="auto" { (name) } } @else { span.clip dir="auto" { (name) } }
        }
    }
}

/// Where a person or value would stand: "Unassigned", "Not known".
#[must_use]
pub fn nobody(word: &str) -> Markup {
    html! { span.none { (word) } }
}

#[cfg(test)]
mod tests {
    use super::{actor, hues, initials};

    #[test]
    fn people_side_by_side_look_alike_only_when_there_are_more_than_colours() {
        let names = [
            "The Lead",
            "The Technician",
            "Ada Lind",
            "Anna Aas",
            "Bjorn Brandt",
            "Goran Groot",
            "Mei Tan",
            "Sam Reyes",
        ];
        let all = hues(names);
        let different: std::collections::BTreeSet<u32> = all.values().copied().collect();
        assert_eq!((all.len(), different.len()), (8, 8), "{all:?}");
        let many: Vec<String> = (0..40).map(|at| format!("Somebody {at}")).collect();
        assert_eq!(hues(many.iter().map(String::as_str)).len(), 40);
    }

    #[test]
    fn parts_of_the_product_are_called_as_people_call_them_and_people_by_their_names() {
        assert_eq!(actor("service:desk.alerts", "desk.alerts"), "Service desk");
        assert_eq!(actor("service:monitor", "monitor"), "Monitoring");
        assert_eq!(actor("service:something", "something"), "something");
        assert_eq!(actor("user:7", "monitor"), "monitor");
    }

    #[test]
    fn initials_are_at_most_two_letters_of_any_script() {
        for (name, expected) in
            [("Sam Reyes", "SR"), ("Mei Lin Tan", "MT"), ("łukasz", "Ł"), ("", "?"), ("🚢 ..", "?"), ("ß x", "SS")]
        {
            assert_eq!(initials(name), expected);
        }
    }
}
