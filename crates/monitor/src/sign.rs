//! What a bad result says of the thing it is about, in the words of the cause engine: a page that answers too slowly is
//! another sign than one that does not answer. Pure.

use agent_proto::Figure;
use causes::What;

use crate::check::Check;
use crate::probe::{Part, Probe};

pub(crate) mod expression;
mod metrics;

/// What a check is there to find. A label `symptom` says it before all else; the alert of a rule, which may be about anything,
/// else what the rule's expression says.
pub(crate) fn of_check(check: &Check) -> What {
    let said = check.labels.get("symptom").and_then(What::parse);
    said.or(check.taken).unwrap_or_else(|| of_kind(&check.probe))
}

/// What a bad result of a check says, by its value and figures.
pub(crate) fn of_result(check: &Check, value: Option<f64>, figures: &[Figure]) -> What {
    if let Some(said) = check.labels.get("symptom").and_then(What::parse) {
        return said;
    }
    let over =
        |value: Option<f64>, most: Option<u32>| value.zip(most).is_some_and(|(value, most)| value > f64::from(most));
    let figure = |name: &str| figures.iter().find(|one| one.name == name).map(|one| one.value);
    // An answer has a value, also a bad one; without an answer there is nothing to measure.
    let answered = |max_ms: Option<u32>| match value {
        None => What::Down,
        Some(_) if over(value, max_ms) => What::Slow,
        Some(_) => What::Errors,
    };
    match &check.probe {
        Probe::Http(http) => match figure("status") {
            None => What::Down,
            Some(status) if !is_expected(&http.expect_status, status) => What::Errors,
            Some(_) => {
                let slow = over(value, http.max_ms)
                    || over(figure("first_byte_ms"), http.max_first_byte_ms)
                    || over(figure("tls_ms"), http.max_tls_ms)
                    || over(figure("connect_ms"), http.max_connect_ms)
                    || over(figure("dns_ms"), http.max_dns_ms);
                if slow { What::Slow } else { What::Errors }
            }
        },
        Probe::Tcp(tcp) => answered(tcp.max_ms),
        Probe::Smtp(mail) | Probe::Imap(mail) => answered(mail.max_ms),
        Probe::Postgres(database) | Probe::Mysql(database) => answered(database.max_ms),
        Probe::Ssh(_) => answered(None),
        // Some pings came back: the way is there, and bad.
        Probe::Icmp(_) if value.is_some() => What::Slow,
        Probe::Dns(dns) if over(value, dns.max_ms) => What::Slow,
        // The connection itself was not there.
        Probe::Tls(_) if value.is_none() && figure("tls_ms").is_none() => What::Down,
        other => of_kind(other),
    }
}

/// A status that came as a number of a series.
fn is_expected(expected: &[u16], status: f64) -> bool {
    (100..1_000)
        .find(|known| f64::from(*known) == status)
        .is_some_and(|status| probes::http::is_expected(expected, status))
}

fn of_kind(probe: &Probe) -> What {
    match probe {
        Probe::Http(_) => What::Errors,
        Probe::Process { .. }
        | Probe::Unit { .. }
        | Probe::Tcp(_)
        | Probe::Ssh(_)
        | Probe::Smtp(_)
        | Probe::Imap(_)
        | Probe::Postgres(_)
        | Probe::Mysql(_) => What::Down,
        Probe::FileSystem { .. } | Probe::FillUp { .. } | Probe::Own { part: Part::Disk } => What::DiskFull,
        Probe::Silent { .. } | Probe::Heartbeat(_) => What::NoData,
        Probe::Icmp(_) => What::Unreachable,
        Probe::Dns(_) => What::NameFails,
        Probe::Tls(_) => What::CertInvalid,
        Probe::File(_) | Probe::Log(_) | Probe::Plugin(_) | Probe::Rule { .. } | Probe::Own { part: Part::Outbox } => {
            What::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use probes::http::Http;
    use probes::icmp::Icmp;
    use probes::tcp::Tcp;
    use probes::tls::Tls;

    use super::*;

    fn said(probe: Probe, value: Option<f64>, figures: &[(&str, f64)]) -> What {
        let check = Check { probe, ..Check::sample("x") };
        let figures = figures.iter().map(|(name, value)| Figure { name: (*name).to_owned(), value: *value });
        of_result(&check, value, &figures.collect::<Vec<_>>())
    }

    #[test]
    fn a_page_is_gone_wrong_or_slow() {
        let page =
            || Probe::Http(Box::new(Http { max_ms: Some(500), max_first_byte_ms: Some(200), ..Http::default() }));
        assert_eq!(said(page(), None, &[]), What::Down, "nobody answered");
        assert_eq!(
            said(page(), Some(900.0), &[("status", 503.0)]),
            What::Errors,
            "a wrong answer is wrong, also a late one"
        );
        assert_eq!(said(page(), Some(900.0), &[("status", 200.0)]), What::Slow);
        assert_eq!(said(page(), Some(300.0), &[("status", 200.0), ("first_byte_ms", 250.0)]), What::Slow);
        assert_eq!(said(page(), Some(100.0), &[("status", 200.0)]), What::Errors, "it says what it should not");
    }

    #[test]
    fn other_looks_say_whether_anything_answered() {
        let port = || Probe::Tcp(Tcp { host: "a".into(), port: 1, max_ms: Some(50), ..Tcp::default() });
        assert_eq!(said(port(), None, &[]), What::Down);
        assert_eq!(said(port(), Some(60.0), &[]), What::Slow);
        assert_eq!(said(port(), Some(5.0), &[]), What::Errors);
        let ping = || Probe::Icmp(Icmp { host: "a".into(), ..Icmp::default() });
        assert_eq!(said(ping(), None, &[("loss_percent", 100.0)]), What::Unreachable);
        assert_eq!(said(ping(), Some(80.0), &[("loss_percent", 40.0)]), What::Slow);
        let certificate = || Probe::Tls(Tls { host: "a".into(), ..Tls::default() });
        assert_eq!(said(certificate(), None, &[]), What::Down);
        assert_eq!(said(certificate(), None, &[("tls_ms", 3.0)]), What::CertInvalid, "it is not trusted");
        assert_eq!(said(certificate(), Some(3.0), &[("tls_ms", 3.0)]), What::CertInvalid);
    }

    #[test]
    fn a_label_says_it_for_what_may_be_about_anything() {
        let mut check = Check::sample("x");
        check.labels.0.insert("symptom".into(), "overloaded".into());
        assert_eq!((of_check(&check), of_result(&check, None, &[])), (What::Overloaded, What::Overloaded));
        check.taken = Some(What::Down);
        assert_eq!(of_check(&check), What::Overloaded, "the label goes before the expression");
        check.labels = crate::Labels::default();
        assert_eq!(of_check(&check), What::Down);
    }
}
