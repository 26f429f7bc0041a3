//! The icons of the house: one path each on a 16-unit grid, drawn with a round 1.4-unit line.

use maud::{Markup, html};

const ICONS: &[(&str, &str)] = &[
    ("access", "M10.2 2.2a3.6 3.6 0 1 0 0 7.2 3.6 3.6 0 0 0 0-7.2zM7.6 8.4 2 14M4 12l1.8 1.8M10.8 5.2h.01"),
    ("archive", "M2 3h12v3H2zM3 6v7h10V6M6.4 9h3.2"),
    ("arrow-down", "M8 3v10M4 9l4 4 4-4"),
    ("arrow-left", "M13 8H3M7 4 3 8l4 4"),
    ("arrow-right", "M3 8h10M9 4l4 4-4 4"),
    ("arrow-up", "M8 13V3M4 7l4-4 4 4"),
    ("assets", "M8 1.6 13.8 4.8v6.4L8 14.4 2.2 11.2V4.8zM2.4 4.9 8 8l5.6-3.1M8 8v6.2"),
    ("backups", "M2 3h12v3H2zM3 6v7h10V6M6.4 9h3.2"),
    ("bell", "M3.6 11.4V7a4.4 4.4 0 0 1 8.8 0v4.4l1.2 1H2.4zM6.5 14.2h3"),
    ("bolt", "M9 1.6 3.4 9h4L6.6 14.4 12.6 7H8.4z"),
    ("book", "M3.2 2.2h9.6v11.6H4.6a1.4 1.4 0 0 1 0-2.8h8.2M3.2 2.2v10.2M6 5.2h4M6 7.6h4"),
    ("building", "M3 14V2.4h7V14M10 6.4h3.2V14M1.6 14h12.8M5.4 5h2.2M5.4 7.6h2.2M5.4 10.2h2.2"),
    ("calendar", "M2.4 3.4h11.2v10.2H2.4zM2.4 6.6h11.2M5.4 1.8v3M10.6 1.8v3"),
    ("camera", "M2 4.8h2.8L6 3h4l1.2 1.8H14v8.2H2zM8 6.4a2.4 2.4 0 1 0 0 4.8 2.4 2.4 0 0 0 0-4.8z"),
    ("chart", "M2.2 2.2v11.6h11.6M4.8 10.6l2.6-3.4 2.2 1.8 3.6-5"),
    ("check", "M3 8.6 6.4 12 13 4.6"),
    ("checklist", "M2 4.4l1.2 1.2L5.4 3M2 10.8 3.2 12l2.2-2.6M8 4.6h6M8 11h6"),
    ("chevron-down", "M4 6l4 4 4-4"),
    ("chevron-left", "M10 4 6 8l4 4"),
    ("chevron-right", "M6 4l4 4-4 4"),
    ("chevron-up", "M4 10l4-4 4 4"),
    ("clock", "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 4.6V8l2.4 1.6"),
    ("close", "M4 4l8 8M12 4l-8 8"),
    ("cloud", "M4.6 12.6a3 3 0 0 1-.2-6 4 4 0 0 1 7.6.8 2.6 2.6 0 0 1-.2 5.2z"),
    ("columns", "M2 4h12M2 8h12M2 12h12"),
    ("contrast", "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 1.8v12.4M8 4.4h3.6M8 7h5.4M8 9.6h5M8 12.2h2.6"),
    ("copy", "M5.6 5.6h8v8h-8zM10.4 5.6V2.4h-8v8h3.2"),
    (
        "cpu",
        "M4.4 4.4h7.2v7.2H4.4zM6.6 6.6h2.8v2.8H6.6zM6 2v2.4M10 2v2.4M6 11.6V14M10 11.6V14M2 6h2.4M2 10h2.4M11.6 6H14M11.6 10H14",
    ),
    (
        "database",
        "M8 2c3 0 5 .8 5 2s-2 2-5 2-5-.8-5-2 2-2 5-2zM3 4v8c0 1.2 2 2 5 2s5-.8 5-2V4M3 8c0 1.2 2 2 5 2s5-.8 5-2",
    ),
    ("desk", "M2.6 9.6V8a5.4 5.4 0 0 1 10.8 0v1.6M2.6 8.8h2v4h-2zM11.4 8.8h2v4h-2zM13.4 12.6c0 1.2-1 1.8-2.4 1.8H8.8"),
    ("disk", "M3.4 3h9.2L14 9v4H2V9zM2 9h12M10.6 11h1.2"),
    ("download", "M8 2v8M4.6 6.8 8 10.2l3.4-3.4M2.6 13.4h10.8"),
    ("edit", "M10.6 2.8l2.6 2.6-7.6 7.6-3.2.6.6-3.2zM9 4.4 11.6 7"),
    ("endpoints", "M3.4 3h9.2v7H3.4zM1.6 12.8h12.8L13 10H3z"),
    ("external", "M9.4 2.4h4.2v4.2M13.4 2.6 7.4 8.6M11.6 9.4v4H2.6v-9h4"),
    (
        "eye",
        "M1.4 8S3.8 3.6 8 3.6 14.6 8 14.6 8 12.2 12.4 8 12.4 1.4 8 1.4 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
    ),
    (
        "eye-off",
        "M2.4 2.4l11.2 11.2M6.4 3.8A6 6 0 0 1 8 3.6c4.2 0 6.6 4.4 6.6 4.4a11 11 0 0 1-2 2.4M4 5.2A11 11 0 0 0 1.4 8S3.8 12.4 8 12.4a6 6 0 0 0 2.6-.6",
    ),
    ("file", "M3.6 1.8h5.6l3.2 3.2v9.2H3.6zM9 2v3.2h3.2"),
    ("filter", "M2 3h12L9.4 8.4v4.8L6.6 11.8V8.4z"),
    ("flag", "M3.6 14.4V2.2M3.6 3h8.8l-2 3 2 3H3.6"),
    ("history", "M2.6 8a5.4 5.4 0 1 0 1.6-3.8L2.6 5.8M2.6 2.6v3.2h3.2M8 5.2V8l2 1.4"),
    ("home", "M2.4 7.2 8 2.2l5.6 5M3.8 6.2v7.4h8.4V6.2M6.6 13.6V9.4h2.8v4.2"),
    ("inbox", "M2 9.4 4 3h8l2 6.4V13H2zM2 9.4h3.4L6.6 11h2.8l1.2-1.6H14"),
    ("info", "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 7.4v3.8M8 4.8h.01"),
    ("key", "M10.2 2.2a3.6 3.6 0 1 0 0 7.2 3.6 3.6 0 0 0 0-7.2zM7.6 8.4 2 14M4 12l1.8 1.8M10.8 5.2h.01"),
    ("knowledge", "M3.2 2.2h9.6v11.6H4.6a1.4 1.4 0 0 1 0-2.8h8.2M3.2 2.2v10.2M6 5.2h4M6 7.6h4"),
    ("layers", "M8 1.8 14.4 5 8 8.2 1.6 5zM1.6 8 8 11.2 14.4 8M1.6 11 8 14.2l6.4-3.2"),
    (
        "link",
        "M6.8 9.2a2.6 2.6 0 0 0 3.8 0l2.2-2.2a2.6 2.6 0 0 0-3.8-3.8l-1 1M9.2 6.8a2.6 2.6 0 0 0-3.8 0L3.2 9a2.6 2.6 0 0 0 3.8 3.8l1-1",
    ),
    ("lock", "M3.4 7.2h9.2v6.4H3.4zM5.4 7.2V5a2.6 2.6 0 0 1 5.2 0v2.2"),
    ("mail", "M2 3.6h12v8.8H2zM2.2 4l5.8 4.8L13.8 4"),
    ("menu", "M2 4h12M2 8h12M2 12h12"),
    ("merge", "M4.2 2.4v3.2a3 3 0 0 0 3 3h4.4M9 6l2.6 2.6L9 11.2M4.2 13.6V8"),
    ("message", "M2 3h12v8.2H7.4L4.4 14v-2.8H2z"),
    ("minus", "M3 8h10"),
    ("monitoring", "M1.6 8.4h2.8L6.4 3l3.2 10 2-4.6h2.8"),
    ("moon", "M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6a5.8 5.8 0 1 0 7 7z"),
    ("more", "M3.4 8h.01M8 8h.01M12.6 8h.01"),
    ("network", "M6 2h4v3.2H6zM1.8 10.8h4V14h-4zM10.2 10.8h4V14h-4zM8 5.2V8M3.8 10.8V8h8.4v2.8"),
    ("package", "M8 1.6 13.8 4.8v6.4L8 14.4 2.2 11.2V4.8zM2.4 4.9 8 8l5.6-3.1M8 8v6.2M5.2 3.2 10.8 6.4"),
    (
        "paperclip",
        "M13 7.4 7.6 12.8a3.2 3.2 0 0 1-4.6-4.6l5.6-5.6a2.2 2.2 0 0 1 3.2 3.2L6.4 11.2a1.2 1.2 0 0 1-1.6-1.6l4.6-4.6",
    ),
    ("pause", "M5.2 3v10M10.8 3v10"),
    (
        "people",
        "M6 2.4a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2zM1.4 13.6c0-2.4 2-4 4.6-4s4.6 1.6 4.6 4M10.6 2.8a2.4 2.4 0 0 1 0 4.4M12.2 10c1.6.6 2.4 1.8 2.4 3.6",
    ),
    ("phone", "M4.6 1.8h6.8v12.4H4.6zM7.2 11.8h1.6"),
    (
        "pin",
        "M8 14.4S3.2 10 3.2 6.4a4.8 4.8 0 0 1 9.6 0C12.8 10 8 14.4 8 14.4zM8 4.8a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4z",
    ),
    ("play", "M4.4 2.8 12.6 8l-8.2 5.2z"),
    ("plus", "M8 3v10M3 8h10"),
    ("printer", "M4.4 6V2.2h7.2V6M4.4 11.6H2V6h12v5.6h-2.4M4.4 9.4h7.2v4.4H4.4z"),
    (
        "question",
        "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM6.2 6.2a1.8 1.8 0 1 1 2.6 1.6c-.5.3-.8.6-.8 1.2M8 11.2h.01",
    ),
    ("refresh", "M13.4 8a5.4 5.4 0 1 1-1.6-3.8l1.6 1.6M13.4 2.6v3.2h-3.2"),
    ("reply", "M6.6 3.2 2.4 7.2l4.2 4M2.6 7.2h6.2c3 0 4.8 1.8 4.8 5.2"),
    ("report", "M3 1.8h10v12.4H3zM5.6 11V8.4M8 11V5M10.4 11V7"),
    ("runbook", "M3 2h10v12H3zM5.4 5.2h.01M7.4 5.2h3.2M5.4 8h.01M7.4 8h3.2M5.4 10.8h.01M7.4 10.8h3.2"),
    ("scan", "M2.4 5.4v-3h3M10.6 2.4h3v3M13.6 10.6v3h-3M5.4 13.6h-3v-3M4.6 8h6.8"),
    ("search", "M7 2.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6zM10.6 10.6 14 14"),
    ("send", "M14 2 1.8 6.8l4.8 2.6L9.2 14zM14 2 6.6 9.4"),
    ("server", "M2.4 2.4h11.2v4.8H2.4zM2.4 8.8h11.2v4.8H2.4zM5 4.8h.01M5 11.2h.01M8 4.8h3.2M8 11.2h3.2"),
    (
        "settings",
        "M8 5.7a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6zM8 1.6v2M8 12.4v2M1.6 8h2M12.4 8h2M3.5 3.5l1.4 1.4M11.1 11.1l1.4 1.4M12.5 3.5l-1.4 1.4M4.9 11.1l-1.4 1.4",
    ),
    ("shield", "M8 1.6 13.2 3.6v4c0 3.2-2 5.6-5.2 6.8-3.2-1.2-5.2-3.6-5.2-6.8v-4zM5.6 8l1.8 1.8 3-3.4"),
    ("sign-out", "M9.4 2.4h-6v11.2h6M6.6 8h7.2M11 5.2 13.8 8 11 10.8"),
    ("sort", "M5 13V3M2.6 5.4 5 3l2.4 2.4M11 3v10M8.6 10.6 11 13l2.4-2.4"),
    ("star", "M8 1.8l1.9 4 4.3.5-3.2 3 .9 4.3L8 11.4l-3.9 2.2.9-4.3-3.2-3 4.3-.5z"),
    ("stop", "M3.6 3.6h8.8v8.8H3.6z"),
    (
        "sun",
        "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1.4v1.4M8 13.2v1.4M1.4 8h1.4M13.2 8h1.4M3.3 3.3l1 1M11.7 11.7l1 1M12.7 3.3l-1 1M4.3 11.7l-1 1",
    ),
    ("switch", "M1.8 5h12.4v6H1.8zM4.2 9V7.4M6.8 9V7.4M9.4 9V7.4M12 7.6h.01"),
    ("tag", "M2 2h5.6L14 8.4 8.4 14 2 7.6zM5 5h.01"),
    ("terminal", "M1.8 2.6h12.4v10.8H1.8zM4.4 6l2.2 2-2.2 2M8 10.2h3.2"),
    ("ticket", "M1.8 4h12.4v2.6a1.5 1.5 0 0 0 0 2.8V12H1.8V9.4a1.5 1.5 0 0 0 0-2.8zM9.6 4v1.4M9.6 7.3v1.4M9.6 10.6V12"),
    ("trash", "M2.6 4.2h10.8M6 4.2V2.4h4v1.8M4 4.2l.6 9.4h6.8l.6-9.4M6.6 6.8v4.2M9.4 6.8v4.2"),
    ("undo", "M5.4 3 2.4 6l3 3M2.6 6h6.6a4 4 0 0 1 0 8H6.4"),
    ("upload", "M8 10.4V2.2M4.6 5.6 8 2.2l3.4 3.4M2.6 13.4h10.8"),
    ("user", "M8 2.2a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM2.6 14c0-2.6 2.4-4.2 5.4-4.2s5.4 1.6 5.4 4.2"),
    ("warning", "M8 2 14.6 13.4H1.4zM8 6.4v3.4M8 11.6h.01"),
    ("wifi", "M1.4 6a10 10 0 0 1 13.2 0M3.6 8.4a6.6 6.6 0 0 1 8.8 0M5.8 10.8a3.2 3.2 0 0 1 4.4 0M8 13.2h.01"),
    ("work", "M2 4h7M12 4h2M2 8h3M8 8h6M2 12h8M13 12h1M9.6 2.4v3.2M5.8 6.4v3.2M10.8 10.4v3.2"),
    (
        "wrench",
        "M13.6 4.4 11.4 6.6 9.4 4.6l2.2-2.2a3.6 3.6 0 0 0-4.6 4.6L2.2 11.8a1.4 1.4 0 0 0 2 2L9 9a3.6 3.6 0 0 0 4.6-4.6z",
    ),
];

/// The name of every icon, in order.
pub const ICON_NAMES: [&str; ICONS.len()] = {
    let mut names = [""; ICONS.len()];
    let mut rest: &[(&str, &str)] = ICONS;
    let mut left: &mut [&str] = &mut names;
    while let ([(name, _), more @ ..], [slot, others @ ..]) = (rest, left) {
        *slot = name;
        rest = more;
        left = others;
    }
    names
};

/// The icon of this name, hidden from screen readers. A name nobody drew becomes an empty square, which a test looks for.
#[must_use]
pub fn icon(name: &str) -> Markup {
    let path = ICONS.iter().find(|(known, _)| *known == name).map_or("M3 3h10v10H3z", |(_, path)| path);
    html! {
        svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round"
            stroke-linejoin="round" aria-hidden="true" data-icon=[(!known(name)).then_some("unknown")] { path d=(path) {} }
    }
}

fn known(name: &str) -> bool {
    ICONS.iter().any(|(known, _)| *known == name)
}

/// The sail-boat, in the colour of the text around it.
#[must_use]
pub fn logo() -> Markup {
    html! {
        svg width="20" height="20" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"
            stroke-linejoin="round" aria-hidden="true" { path d="M10 1.4v13M10 2.6c3.4 2.4 5 5.2 5.6 8.6H10M8 5.4c-1.6 1.6-2.8 3.6-3.4 5.8H8zM2.2 14.4h15.6c-.6 2.4-2.4 3.8-4.6 3.8H6.8c-2.2 0-4-1.4-4.6-3.8z" {} }
    }
}

#[cfg(test)]
mod tests {
    use super::{ICON_NAMES, icon};

    #[test]
    fn every_icon_name_is_drawn_once_and_in_order() {
        let mut sorted = ICON_NAMES.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted, ICON_NAMES.to_vec());
        for name in ICON_NAMES {
            assert!(!icon(name).0.contains("unknown"), "{name}");
        }
        assert!(icon("no such icon").0.contains("unknown"));
    }
}
