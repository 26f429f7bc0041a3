//! People in a row: initials and a name.

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

/// The class of the colour that a name has everywhere.
pub(crate) fn hue(name: &str) -> &'static str {
    match name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) / 7 % 4 {
        1 => "h1",
        2 => "h2",
        3 => "h3",
        _ => "h0",
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
    use super::initials;

    #[test]
    fn initials_are_at_most_two_letters_of_any_script() {
        for (name, expected) in
            [("Sam Reyes", "SR"), ("Mei Lin Tan", "MT"), ("łukasz", "Ł"), ("", "?"), ("🚢 ..", "?"), ("ß x", "SS")]
        {
            assert_eq!(initials(name), expected);
        }
    }
}
