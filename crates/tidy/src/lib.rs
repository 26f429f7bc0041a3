//! The house rules as tests: sizes, names, layers, where SQL may stand, what each dependency is for. The rules run in
//! `tests/it`; this library only reads the tree for them.

use std::path::{Path, PathBuf};

/// A source file of the workspace.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Every file below `folder` whose name ends in one of `endings`, sorted; build output and packages are left out.
pub fn sources(folder: &str, endings: &[&str]) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    walk(&root.join(folder), &mut |path| {
        let name = path.strip_prefix(&root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        if endings.iter().any(|ending| name.ends_with(ending))
            && let Ok(text) = std::fs::read_to_string(path)
        {
            found.push(Source { path: name, text });
        }
    });
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, see: &mut dyn FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let skipped = ["target", "node_modules", ".git", "out"].contains(&name.as_str());
        if path.is_dir() {
            if !skipped {
                walk(&path, see);
            }
        } else {
            see(&path);
        }
    }
}

/// Functions of a formatted Rust text: name, first line, number of lines.
pub fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = function_name(line.trim_start()) else { continue };
        let close = format!("{}}}", " ".repeat(indent));
        let body = lines.iter().skip(index);
        let length =
            body.clone().position(|later| *later == close || later.trim_end() == format!("{}{{}}", " ".repeat(indent)));
        let one_line = line.trim_end().ends_with('}') || line.trim_end().ends_with(';');
        if let (Some(length), false) = (length, one_line) {
            found.push((name, index + 1, length + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let place = words.iter().position(|word| *word == "fn")?;
    let before = words.get(..place)?;
    let known = |word: &&str| {
        word.starts_with("pub") || ["const", "async", "unsafe", "extern", "crate)", "super)", "in"].contains(word)
    };
    if !before.iter().all(known) {
        return None;
    }
    let name: String = words.get(place + 1)?.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn functions_are_found_with_their_length() {
        let text = "pub fn a() {\n    1\n}\n\nimpl X {\n    pub(crate) async fn b(\n        x: u8,\n    ) -> u8 {\n        x\n    }\n    fn c() {}\n}\n// fn no\n";
        assert_eq!(functions(text), [("a".to_owned(), 1, 3), ("b".to_owned(), 6, 5)]);
    }
}
