//! Names of many things: ranges, arithmetic on their numbers, and patterns.

/// The names of a template: `srv-{1..300}` is three hundred, each with its number; any other name is one with number 1.
pub(crate) fn expand(template: &str) -> Result<Vec<(String, u64)>, String> {
    let Some((before, rest)) = template.split_once('{') else { return Ok(vec![(template.to_owned(), 1)]) };
    let wrong = || format!("\"{template}\": write one range as {{1..20}}.");
    let (range, after) = rest.split_once('}').ok_or_else(wrong)?;
    let (first, last) = range.split_once("..").ok_or_else(wrong)?;
    let (first, last): (u64, u64) = match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last && last - first < 100_000 => (first, last),
        _ => return Err(wrong()),
    };
    if after.contains('{') {
        return Err(wrong());
    }
    Ok((first..=last).map(|number| (format!("{before}{number}{after}"), number)).collect())
}

/// A text with `{n}`, `{n/15}` (blocks of 15, from 1) and `{n%4}` (in turn, from 1) filled in.
pub(crate) fn fill(text: &str, number: u64) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('{') {
        let wrong = || format!("\"{text}\": use {{n}}, {{n/15}} or {{n%4}}.");
        let (inner, after) = tail.split_once('}').ok_or_else(wrong)?;
        let inner: String = inner.chars().filter(|letter| !letter.is_whitespace()).collect();
        let zero_based = number.saturating_sub(1);
        let value = match inner.strip_prefix('n').ok_or_else(wrong)?.split_at_checked(1) {
            None => number,
            Some(("/", by)) => zero_based / by.parse::<u64>().ok().filter(|by| *by > 0).ok_or_else(wrong)? + 1,
            Some(("%", by)) => zero_based % by.parse::<u64>().ok().filter(|by| *by > 0).ok_or_else(wrong)? + 1,
            Some(_) => return Err(wrong()),
        };
        out.push_str(before);
        out.push_str(&value.to_string());
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether a name fits a pattern in which `*` stands for anything.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| rest.get(at..).is_some_and(|rest| fits(after, rest)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_many_names_with_their_numbers() {
        assert_eq!(expand("core").unwrap(), [("core".to_owned(), 1)]);
        let names = expand("sw-{9..11}.oslo").unwrap();
        assert_eq!(
            names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["sw-9.oslo", "sw-10.oslo", "sw-11.oslo"]
        );
        assert!(expand("sw-{3..1}").is_err() && expand("sw-{1..2}-{1..2}").is_err() && expand("sw-{1").is_err());
    }

    #[test]
    fn numbers_are_filled_in_as_they_are_in_blocks_and_in_turn() {
        assert_eq!(fill("hv-{n/10}", 10).unwrap(), "hv-1");
        assert_eq!(fill("hv-{n/10}", 11).unwrap(), "hv-2");
        assert_eq!(fill("{n%3}-{n}", 4).unwrap(), "1-4");
        assert!(fill("{m}", 1).is_err() && fill("{n/0}", 1).is_err() && fill("{n", 1).is_err());
    }

    #[test]
    fn a_star_stands_for_anything() {
        assert!(fits("srv-*", "srv-12") && fits("*", "") && fits("a*c*", "abcd") && fits("core", "core"));
        assert!(!fits("srv-*", "sw-1") && !fits("core", "core-2") && !fits("a*c", "abd"));
    }
}
