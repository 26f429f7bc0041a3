//! Our own figures as Prometheus text: enough to watch a server by.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use kernel::Result;

use crate::Shared;

/// Everything, one family after the other.
pub(crate) fn text(app: &Shared) -> Result<String> {
    let mut out = String::new();
    database(app, &mut out);
    work(app, &mut out)?;
    agents(app, &mut out);
    domains(app, &mut out);
    process(app, &mut out);
    Ok(out)
}

fn family(out: &mut String, kind: &str, name: &str, help: &str, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
}

fn database(app: &Shared, out: &mut String) {
    let stats = app.kernel.db.stats();
    for (name, help, value) in [
        ("mainstay_db_writes_total", "Write closures that were kept.", &stats.writes),
        ("mainstay_db_commits_total", "Commits that carried them.", &stats.commits),
        ("mainstay_db_reads_total", "Reads.", &stats.reads),
        ("mainstay_db_statements_total", "Statements of all kinds.", &stats.statements),
        ("mainstay_db_writes_over_budget_total", "Write closures over 20 ms.", &stats.over_budget),
        ("mainstay_db_repeats_total", "Transactions repeated because of a collision.", &stats.repeats),
        ("mainstay_db_writes_refused_total", "Writes refused because the queue was full.", &stats.refused),
    ] {
        family(out, "counter", name, help, value.load(Ordering::Relaxed));
    }
    family(out, "gauge", "mainstay_db_queue", "Write closures that wait.", app.kernel.db.queue_len());
}

fn work(app: &Shared, out: &mut String) -> Result<()> {
    let now = app.kernel.now();
    let backlog = app.kernel.db.read(|tx| kernel::meta::backlog(tx, now))?;
    for (name, help, value) in [
        ("mainstay_relay_lag_events", "Events that the slowest subscriber has not taken yet.", backlog.events),
        ("mainstay_jobs_waiting", "Jobs that wait, those for later included.", backlog.jobs),
        ("mainstay_jobs_due", "Jobs that wait although their time has come.", backlog.jobs_due),
        ("mainstay_dead_letters", "Jobs and reactions that were given up.", backlog.dead_letters),
        ("mainstay_held", "1 while a restored server holds its mail and jobs back.", i64::from(app.kernel.held())),
    ] {
        family(out, "gauge", name, help, value);
    }
    Ok(())
}

fn agents(app: &Shared, out: &mut String) {
    let turned_away = app.entrance.turned_away.load(Ordering::Relaxed);
    family(
        out,
        "counter",
        "mainstay_agent_connections_turned_away_total",
        "Connections to the agents' port that found no place.",
        turned_away,
    );
    // A server without the fleet domain has no agents to count.
    let Ok(hub) = app.kernel.get::<fleet::hub::Hub>() else { return };
    family(out, "gauge", "mainstay_agents_connected", "Agents that are connected now.", hub.connected());
    let counters = &hub.counters;
    for (name, help, value) in [
        ("mainstay_agent_frames_total", "Frames received from agents.", &counters.frames),
        ("mainstay_agent_messages_stored_total", "Durable messages stored and acknowledged.", &counters.stored),
        ("mainstay_agent_messages_refused_total", "Messages of agents that were refused.", &counters.refused),
        ("mainstay_agent_protocol_errors_total", "Connections that broke the protocol.", &counters.broken),
    ] {
        family(out, "counter", name, help, value.load(Ordering::Relaxed));
    }
}

/// What the domains tell of themselves.
fn domains(app: &Shared, out: &mut String) {
    for figure in &app.site.figures {
        if let Some(value) = (figure.read)(&app.kernel) {
            family(out, figure.kind, figure.name, figure.help, value);
        }
    }
    for one in &app.site.families {
        labelled(out, one.name, one.help, one.labels, &(one.read)(&app.kernel));
    }
}

/// A counter by labels.
fn labelled(out: &mut String, name: &str, help: &str, labels: &[&str], counts: &[(Vec<String>, u64)]) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter");
    for (values, count) in counts {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let pairs: Vec<String> =
            labels.iter().zip(values).map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let _ = writeln!(out, "{name}{{{}}} {count}", pairs.join(","));
    }
}

fn process(app: &Shared, out: &mut String) {
    let streams = app.live.receiver_count();
    family(out, "gauge", "mainstay_live_streams", "Open pages that listen for changes.", streams);
    let seconds = app.since.elapsed().as_secs();
    family(out, "gauge", "mainstay_uptime_seconds", "Seconds since the server started.", seconds);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(bytes) = resident(&status) {
        family(out, "gauge", "process_resident_memory_bytes", "Memory of this process, in bytes.", bytes);
    }
}

/// `VmRSS:     1234 kB` of `/proc/self/status`, in bytes.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::{labelled, resident};

    #[test]
    fn a_counter_by_labels_is_one_family_with_its_values_escaped() {
        let mut out = String::new();
        let counts =
            [(vec!["webhook:a\"b".to_owned(), "sent".to_owned()], 3), (vec!["mail".into(), "failed".into()], 1)];
        labelled(&mut out, "m_total", "Messages.", &["channel", "outcome"], &counts);
        let expected = "# HELP m_total Messages.\n# TYPE m_total counter\nm_total{channel=\"webhook:a\\\"b\",outcome=\"sent\"} 3\n\
                        m_total{channel=\"mail\",outcome=\"failed\"} 1\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn the_memory_is_read_from_the_systems_own_words() {
        assert_eq!(resident("Name:\tmainstay\nVmRSS:\t    1234 kB\nThreads:\t3\n"), Some(1_263_616));
        assert_eq!(resident("Name:\tmainstay\n"), None);
    }
}
