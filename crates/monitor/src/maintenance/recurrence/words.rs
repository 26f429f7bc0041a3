//! A rule of recurrence in plain words.

use jiff::civil::Weekday;

use super::{Often, Rule};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Rule {
    /// How often it comes round: "every month on the third Tuesday".
    pub(crate) fn words(&self) -> String {
        let (one, many) = match self.often {
            Often::Daily => ("day", "days"),
            Often::Weekly => ("week", "weeks"),
            Often::Monthly => ("month", "months"),
            Often::Yearly => ("year", "years"),
        };
        let mut text =
            if self.interval == 1 { format!("every {one}") } else { format!("every {} {many}", self.interval) };
        let days = self.days.iter().map(|(n, weekday)| match n {
            0 if self.days.len() > 1 => name(*weekday).chars().take(3).collect(),
            0 => name(*weekday).to_owned(),
            n => format!("the {} {}", nth(*n), name(*weekday)),
        });
        let dates = self.month_days.iter().map(|n| match n {
            -1 => "the last day".to_owned(),
            n if *n < 0 => format!("the {} day", nth(*n)),
            n => format!("day {n}"),
        });
        let all: Vec<String> = days.chain(dates).collect();
        let places: Vec<String> = self.places.iter().map(|n| nth(i8::try_from(*n).unwrap_or(i8::MAX))).collect();
        match (all.is_empty(), places.is_empty()) {
            (true, true) => {}
            (true, false) => text.push_str(&format!(" on the {} day of it", joined(&places))),
            (false, true) => text.push_str(&format!(" on {}", joined(&all))),
            (false, false) => text.push_str(&format!(" on the {} of {}", joined(&places), joined(&all))),
        }
        let months: Vec<String> = self
            .months
            .iter()
            .filter_map(|n| MONTHS.get(usize::try_from(*n).ok()?.checked_sub(1)?).map(|name| (*name).to_owned()))
            .collect();
        if !months.is_empty() {
            text.push_str(&format!(" in {}", joined(&months)));
        }
        if let Some(until) = &self.until {
            text.push_str(&until.strftime(" until %-d %b %Y").to_string());
        }
        text
    }
}

fn name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn nth(n: i8) -> String {
    match n {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        4 => "fourth".to_owned(),
        5 => "fifth".to_owned(),
        -1 => "last".to_owned(),
        n if n < 0 => format!("{} last", nth(-n)),
        n => format!("{n}th"),
    }
}

fn joined(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::Rule;

    #[test]
    fn rules_are_said_in_plain_words() {
        for (rule, words) in [
            ("FREQ=DAILY", "every day"),
            ("FREQ=DAILY;INTERVAL=3", "every 3 days"),
            ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "every week on Mon, Wed and Fri"),
            ("FREQ=WEEKLY;INTERVAL=2", "every 2 weeks"),
            ("FREQ=MONTHLY;BYDAY=3TU", "every month on the third Tuesday"),
            ("FREQ=MONTHLY;BYDAY=-1SU", "every month on the last Sunday"),
            ("FREQ=MONTHLY;BYDAY=-2FR", "every month on the second last Friday"),
            ("FREQ=MONTHLY;BYMONTHDAY=1,-1", "every month on day 1 and the last day"),
            ("FREQ=YEARLY;BYMONTH=3;UNTIL=20281231", "every year in March until 31 Dec 2028"),
            ("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=-1", "every month on the last of Sat and Sun"),
        ] {
            assert_eq!(Rule::parse(rule).unwrap().words(), words, "{rule}");
        }
    }
}
