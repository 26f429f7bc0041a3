//! What the documents tell people to type is a command that this program takes.

use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every command that begins a line of a block, indented or fenced, with the lines that its quotes go on over.
fn commands(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    let mut fenced = false;
    while let Some((at, line)) = lines.next() {
        fenced ^= line.starts_with("```");
        let Some(line) = line.strip_prefix("    ").or(fenced.then_some(line)) else { continue };
        let line = line.strip_prefix("./target/release/").unwrap_or(line);
        if !line.starts_with("mainstay ") {
            continue;
        }
        let mut whole = line.to_owned();
        while words(&whole).is_none() {
            let Some((_, more)) = lines.next() else { break };
            whole = format!("{}\n{}", whole.trim_end_matches('\\'), more.strip_prefix("    ").unwrap_or(more));
        }
        found.push((at + 1, whole));
    }
    found
}

/// The words of one command as a shell splits them, up to a pipe or the like; nothing when a quote stands open.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut all, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') if rest.peek().is_none() => return None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(rest.next()),
            (None, '|' | '>' | '<' | '&' | '#' | ';') if word.is_none() => return Some(all),
            (None, c) if c.is_whitespace() => all.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    quote.is_none().then_some(all)
}

#[test]
fn every_command_in_the_documents_is_one() {
    let registry = mainstay::domains::registry().unwrap();
    let mut pages = vec![root().join("README.md"), root().join("ARCHITECTURE.md")];
    for folder in ["docs", "docs/runbooks"] {
        let Ok(folder) = std::fs::read_dir(root().join(folder)) else { continue };
        pages
            .extend(folder.map(|page| page.unwrap().path()).filter(|page| page.extension().is_some_and(|e| e == "md")));
    }
    pages.extend(std::fs::read_dir(root().join("crates")).unwrap().map(|one| one.unwrap().path().join("README.md")));
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in pages {
        let Ok(text) = std::fs::read_to_string(&page) else { continue };
        for (line, command) in commands(&text) {
            seen += 1;
            let Some(words) = words(&command) else { continue };
            if let Err(error) = mainstay::cli::command(&registry).try_get_matches_from(words)
                && !matches!(error.kind(), clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion)
            {
                let why = error.to_string();
                wrong.push(format!(
                    "{}:{line}: {command}\n    {}",
                    page.display(),
                    why.lines().next().unwrap_or_default()
                ));
            }
        }
    }
    assert!(seen > 40, "{seen} commands were found: are the documents still written as blocks with four spaces?");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_line_is_split_as_a_shell_does() {
    let split = |line| words(line).map(|words| words.join("|"));
    assert_eq!(split(r#"mainstay a --b "c d" 'e "f"' g\ h | jq ."#).unwrap(), r#"mainstay|a|--b|c d|e "f"|g h"#);
    assert_eq!(split("mainstay --x '' # why").unwrap(), "mainstay|--x|");
    assert!(split("mainstay --x 'open").is_none() && split(r"mainstay \").is_none());
    assert_eq!(commands("    mainstay a 'b\n    c'\n    other\nmainstay d\n```\nmainstay e\n```").len(), 2);
}
