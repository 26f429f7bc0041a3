//! The lines of a calendar: unfolded, and taken apart into a name, parameters and a value.

/// Longest line that is looked at, in bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// A property: `NAME;PARAMETER=x:value`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// In upper case.
    pub(super) name: String,
    /// Names in upper case.
    pub(super) parameters: Vec<(String, String)>,
    /// As it stands there.
    pub(super) value: String,
}

impl Line {
    /// The first value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value as text: without backslashes.
    pub(super) fn text(&self) -> String {
        let mut out = String::with_capacity(self.value.len());
        let mut letters = self.value.chars();
        while let Some(c) = letters.next() {
            match c {
                '\\' => match letters.next() {
                    Some('n' | 'N') => out.push('\n'),
                    Some(other) => out.push(other),
                    None => {}
                },
                c => out.push(c),
            }
        }
        out
    }
}

/// The lines of a text. What is no property, and what is longer than any is, is left out.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut whole: Vec<String> = Vec::new();
    for raw in text.split('\n').map(|raw| raw.strip_suffix('\r').unwrap_or(raw)) {
        match (raw.strip_prefix([' ', '\t']), whole.last_mut()) {
            (Some(rest), Some(last)) if last.len() + rest.len() <= LINE_BYTES_MAX => last.push_str(rest),
            (Some(_), _) => {}
            (None, _) if raw.trim().is_empty() || raw.len() > LINE_BYTES_MAX => {}
            (None, _) => whole.push(raw.to_owned()),
        }
    }
    whole.iter().filter_map(|line| apart(line)).collect()
}

/// Takes a line apart. Colons and semicolons between quotes belong to the value of a parameter.
fn apart(line: &str) -> Option<Line> {
    let mut quoted = false;
    let mut parts = Vec::new();
    let mut begin = 0;
    for (place, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => {
                parts.push(line.get(begin..place)?);
                begin = place + 1;
            }
            ':' if !quoted => {
                parts.push(line.get(begin..place)?);
                let mut parts = parts.into_iter();
                let name = parts.next().map(|name| name.trim().to_ascii_uppercase()).filter(|name| !name.is_empty())?;
                let parameter = |part: &str| {
                    let (name, value) = part.split_once('=')?;
                    Some((name.trim().to_ascii_uppercase(), value.trim_matches('"').to_owned()))
                };
                let parameters = parts.filter_map(parameter).collect();
                return Some(Line { name, parameters, value: line.get(place + 1..)?.to_owned() });
            }
            _ => {}
        }
    }
    None
}
