//! What must not stand in the repository.

use tidy::sources;

#[test]
fn nothing_is_left_for_somebody() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ign", "ore"),
    ];
    let mut found = Vec::new();
    for file in sources("crates", &[".rs", ".js", ".css", ".sql", ".md", ".toml"]) {
        found.extend(
            file.text
                .lines()
                .enumerate()
                .filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)))
                .map(|(number, _)| format!("{}:{}", file.path, number + 1)),
        );
    }
    assert!(found.is_empty(), "finish or remove:\n{}", found.join("\n"));
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let signs = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("bash_", "jobs")];
    let mut found = Vec::new();
    for file in sources(".", &[".rs", ".js", ".mjs", ".css", ".sql", ".md", ".toml", ".sh", "run"]) {
        found.extend(
            file.text
                .lines()
                .enumerate()
                .filter(|(_, line)| signs.iter().any(|sign| line.contains(sign)))
                .map(|(number, _)| format!("{}:{}", file.path, number + 1)),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_list_that_pages_listen_to_is_named_and_not_numbered() {
    let numbered = |line: &str| {
        let digit = |rest: &str| rest.starts_with(|sign: char| sign.is_ascii_digit());
        line.split("list:").skip(1).any(digit) || line.contains(concat!("Ref::new(\"li", "st\""))
    };
    let mut found = Vec::new();
    for file in sources("crates", &[".rs"]) {
        let body = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = body.lines().enumerate().filter(|(_, line)| numbered(line));
        found.extend(lines.map(|(number, _)| format!("{}:{}", file.path, number + 1)));
    }
    assert!(found.is_empty(), "use kernel::LiveList in:\n{}", found.join("\n"));
}
