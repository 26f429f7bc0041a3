//! One line to standard error per event worth a person's time; the service manager adds the time.

use std::fmt::Display;

/// Writes the line. A closed standard error is no reason to stop.
pub(crate) fn note(text: impl Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "mainstay-agent: {text}");
}
