//! YAML from outside is bounded before it is read: anchors, which make a few bytes into gigabytes, are refused, and so is
//! nesting that nobody writes by hand.

/// Deepest nesting in flow style, and most blanks before a line.
const DEPTH_MAX: usize = 200;

/// Refuses what no configuration of targets needs.
pub(super) fn plain(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for (line, number) in text.lines().zip(1..) {
        let body = line.trim_start_matches([' ', '-']);
        if line.len() - body.len() > DEPTH_MAX {
            return Err(format!("line {number} is indented by more than {DEPTH_MAX} characters"));
        }
        // An anchor or alias begins a value: after a colon, a dash, a comma, a bracket, or a line.
        let mut before = ' ';
        let mut quote: Option<char> = None;
        for c in body.chars() {
            match quote {
                Some(end) if c == end => quote = None,
                Some(_) => {}
                None if c == '#' && before.is_whitespace() => break,
                None if (c == '"' || c == '\'') && (before.is_whitespace() || "[{,".contains(before)) => {
                    quote = Some(c)
                }
                None if (c == '&' || c == '*') && (before.is_whitespace() || "[{,".contains(before)) => {
                    return Err(format!("line {number} has an anchor or an alias; write it out, or put it in quotes"));
                }
                None if c == '[' || c == '{' => depth += 1,
                None if c == ']' || c == '}' => depth = depth.saturating_sub(1),
                None => {}
            }
            if depth > DEPTH_MAX {
                return Err(format!("line {number} is nested deeper than {DEPTH_MAX}"));
            }
            before = c;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn anchors_and_depth_are_refused_and_plain_text_is_not() {
        for good in
            ["a: \"*x\"\nb: 'c & d'\n", "- regex: (.*)_total\n", "x: a*b # *c\n", "a: [b, c]\n", "r: foo.*;(b&c)\n"]
        {
            assert_eq!(plain(good), Ok(()), "{good}");
        }
        for bad in
            ["a: &x 1\nb: *x\n", "- *x\n", "*x", "a: [*x]\n", &"[".repeat(300), &format!("{}a: 1", " ".repeat(300))]
        {
            assert!(plain(bad).is_err(), "{bad}");
        }
    }
}
