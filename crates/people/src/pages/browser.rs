//! Where a session comes from, in words: a browser says of itself far more than a reader wants to know.

use maud::{Markup, html};

/// Browsers by what they call themselves; the first that fits, since most name others too.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// Systems by what browsers call them, likewise.
const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// A session's origin in a cell; all of it on hover.
pub(super) fn origin(text: &str) -> Markup {
    html! { span title=[(!text.is_empty()).then_some(text)] dir="auto" { (words(text)) } }
}

/// `10.0.0.7 · Firefox on Windows`; what is no browser stays as it is.
pub(super) fn words(origin: &str) -> String {
    let known =
        |all: &[(&str, &'static str)]| all.iter().find(|(mark, _)| origin.contains(mark)).map(|(_, name)| *name);
    let (from, rest) = origin.split_once("Mozilla/").map_or((origin, None), |(from, rest)| (from, Some(rest)));
    match (rest.and_then(|_| known(&BROWSERS)), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{from}{browser} on {system}"),
        (Some(browser), None) => format!("{from}{browser}"),
        (None, _) if origin.is_empty() => "Not known".to_owned(),
        (None, _) => origin.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_comes_from_a_browser_on_a_system_and_what_is_none_stays() {
        let chrome = "this machine · Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        let cases = [
            (chrome, "this machine · Chrome on Linux"),
            (
                "10.0.0.7 · Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "10.0.0.7 · Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("10.0.0.7 · curl/8.5.0", "10.0.0.7 · curl/8.5.0"),
            ("", "Not known"),
        ];
        for (origin, expected) in cases {
            assert_eq!(words(origin), expected);
        }
        assert!(self::origin("<b>").into_string().contains("title=\"&lt;b&gt;\""));
    }
}
