//! House rules of the style sheets and modules, as tests.

use std::{fs, path::Path};

fn sources(folder: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(folder);
    let mut all: Vec<(String, String)> = fs::read_dir(path)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    all.sort();
    all
}

fn is_raw_colour(word: &str) -> bool {
    let hex = word
        .strip_prefix('#')
        .is_some_and(|rest| matches!(rest.len(), 3 | 4 | 6 | 8) && rest.chars().all(|c| c.is_ascii_hexdigit()));
    let function = ["rgb(", "rgba(", "hsl(", "hsla(", "hwb(", "lab(", "lch(", "oklab(", "oklch("]
        .iter()
        .any(|f| word.starts_with(f));
    hex || function || ["white", "black", "red", "green", "blue", "gray", "grey", "orange"].contains(&word)
}

#[test]
fn raw_colours_stand_in_the_tokens_alone() {
    for (name, text) in sources("css").into_iter().chain(sources("js")).filter(|(name, _)| name != "tokens.css") {
        for (at, line) in text.lines().enumerate() {
            let code = line.split("/*").next().unwrap().split("//").next().unwrap();
            let found =
                code.split(|c: char| c.is_whitespace() || ":;,'\"`".contains(c)).find(|word| is_raw_colour(word));
            assert_eq!(found, None, "{name}:{} uses a raw colour", at + 1);
        }
    }
}

#[test]
fn a_raw_colour_is_recognised() {
    for bad in ["#fff", "#1f5fbf", "rgb(0", "white"] {
        assert!(is_raw_colour(bad), "{bad}");
    }
    for good in ["#flash", "var(--ok)", "white-space", "currentColor", "#main"] {
        assert!(!is_raw_colour(good), "{good}");
    }
}

#[test]
fn every_variable_used_is_a_token_or_set_by_a_class() {
    let sheets = sources("css");
    let all: String = sheets.iter().map(|(_, text)| text.as_str()).collect();
    for (name, text) in &sheets {
        for used in text.split("var(").skip(1).filter_map(|rest| rest.split([')', ',']).next()) {
            assert!(all.contains(&format!("{}:", used.trim())), "{name} uses {used}, which nothing sets");
        }
    }
}

#[test]
fn sides_are_named_by_reading_direction() {
    let physical = [
        "margin-left",
        "margin-right",
        "padding-left",
        "padding-right",
        "border-left",
        "border-right",
        "text-align: left",
        "text-align: right",
    ];
    for (name, text) in sources("css") {
        for word in physical {
            assert!(!text.contains(word), "{name} uses {word}");
        }
    }
}

#[test]
fn modules_write_no_html_and_run_no_text() {
    for (name, text) in sources("js") {
        for word in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", ".style."]
        {
            assert!(!text.contains(word), "{name} uses {word}");
        }
    }
}

#[test]
fn sources_stay_short() {
    for (name, text) in sources("css").into_iter().chain(sources("js")) {
        assert!(text.lines().count() < 400, "{name}");
    }
}
