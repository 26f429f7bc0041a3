//! The arguments of a plugin, apart: which of them may hold a secret. Names of options and plain thresholds are shown;
//! everything else may be a password.

/// One line of the arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Argument<'a> {
    /// The option it belongs to; empty for none.
    pub(crate) key: &'a str,
    /// What is shown of it in any case.
    pub(crate) start: &'a str,
    /// What may be a secret; empty when there is no more to it.
    pub(crate) value: &'a str,
}

/// Options whose values are numbers that are no secret.
const NUMBERS: [&str; 7] = ["-w", "-c", "-t", "--warning", "--critical", "--timeout", "--port"];
/// Options whose values are names of hosts.
const HOSTS: [&str; 3] = ["-H", "--host", "--hostname"];

impl Argument<'_> {
    /// True when there is nothing secret about it.
    pub(crate) fn is_open(&self) -> bool {
        let all = |fits: fn(char) -> bool| self.value.chars().all(fits);
        self.value.is_empty()
            || (NUMBERS.contains(&self.key) && all(|c| c.is_ascii_digit() || ".,:%@~+-".contains(c)))
            || (HOSTS.contains(&self.key) && all(|c| c.is_ascii_alphanumeric() || ".:-_".contains(c)))
    }
}

/// `--long`, in small letters as every plugin has it: anything else could be a password.
fn is_long_name(word: &str) -> bool {
    word.strip_prefix("--").is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    })
}

/// The lines, each with the option that it belongs to.
pub(crate) fn read(text: &str) -> Vec<Argument<'_>> {
    let mut option = "";
    let mut read = Vec::new();
    for line in probes::text::lines(text) {
        let long = line.split_once('=').filter(|(name, _)| is_long_name(name));
        let short = line.strip_prefix('-').and_then(|rest| rest.chars().next()).filter(char::is_ascii_alphabetic);
        let (key, start, value) = match (long, short) {
            (Some((name, value)), _) => (name, line.get(..=name.len()).unwrap_or(line), value),
            (None, _) if is_long_name(line) => (line, line, ""),
            (None, Some(_)) => line.split_at_checked(2).map_or((line, line, ""), |(name, value)| (name, name, value)),
            (None, None) => (option, "", line),
        };
        option = if value.is_empty() && !start.is_empty() { key } else { "" };
        read.push(Argument { key, start, value });
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_thresholds_are_open_and_the_rest_is_not() {
        let text = "-H\ndb.example\n-w\n5,4,3\n--critical=80%\n-p\nhunter2\n--password=a=b\n-phunter2\n-C\npublic\nword\n\
                    --verbose\n--hunter2!\n-t\nten\n-5\n--port\n5432";
        let shown: Vec<String> = read(text)
            .iter()
            .map(|one| format!("{}{}", one.start, if one.is_open() { one.value } else { "(set)" }))
            .collect();
        let expected = "-H db.example -w 5,4,3 --critical=80% -p (set) --password=(set) -p(set) -C (set) (set) --verbose (set) -t \
                        (set) (set) --port 5432";
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn what_is_shown_is_read_as_the_same_arguments() {
        let text = "-p\nhunter2\n--password=a\n-phunter2\nword\n--user\nada";
        let shown: Vec<String> = read(text)
            .iter()
            .map(|one| format!("{}{}", one.start, if one.is_open() { one.value } else { "(set)" }))
            .collect();
        let shown = shown.join("\n");
        let keys =
            |text: &str| read(text).iter().map(|one| (one.key.to_owned(), one.start.to_owned())).collect::<Vec<_>>();
        assert_eq!(keys(&shown), keys(text));
    }
}
