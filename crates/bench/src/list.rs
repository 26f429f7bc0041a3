//! The ticket list of 50 rows among a million tickets: twelve filters and the views, as administrator and as a technician
//! who reaches one team.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use kernel::{Actor, Call, Handle, Result, Via};
use serde_json::{Value, json};

use crate::Run;
use crate::house::{House, number};
use crate::process::thread_cpu;
use crate::report::{Report, mean, ms, percentile};

/// The filters.
const FILTERS: &[&str] = &[
    "",
    "is:open",
    "is:open owner:me",
    "is:open owner:none",
    "status:waiting",
    "is:resolved",
    "is:open priority:high,urgent",
    "kind:incident status:closed",
    "is:open team:network",
    "-team:network priority:low is:resolved",
    "requester:employee7",
    "is:open printer",
];
/// The views that everybody has.
const VIEWS: &[&str] = &["mine", "unassigned", "waiting", "open", "resolved"];

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let total: u64 = if run.quick { 50_000 } else { 1_000_000 };
    let scratch = run.scratch()?;
    let kept = run.folder.join(format!("mainstay-bench-list-{total}"));
    let data = if run.keep { kept } else { scratch.path().join("data") };
    let house = load(report, &data, total)?;
    let people =
        [("administrator", house.actor(people::roles::ADMINISTRATOR)?), ("technician", house.actor("technician")?)];
    let rounds = if run.quick { 20 } else { 60 };
    let mut worst = Measured::default();
    for (name, actor) in people {
        let actor = Arc::new(actor);
        let saved = save_view(&house, &actor)?;
        report.say(format!("\n{name:<42} p95 ms  median  CPU ms  statements  rows"));
        let lists = FILTERS
            .iter()
            .map(|filter| json!({ "filter": filter }))
            .chain(VIEWS.iter().map(|view| json!({ "view": view })));
        for input in lists.chain([json!({ "view": saved.to_string() })]) {
            for (page, input) in pages(&house.kernel, &actor, input)? {
                let measured = repeat(&house.kernel, &actor, &input, rounds)?;
                let what =
                    input.get("filter").or_else(|| input.get("view")).and_then(Value::as_str).unwrap_or_default();
                let what = format!("{} \"{what}\"{page}", if input.get("view").is_some() { "view" } else { "filter" });
                report.say(format!(
                    "{what:<42} {:>6.2} {:>7.2} {:>7.2} {:>11} {:>5}",
                    measured.p95_ms, measured.median_ms, measured.cpu_ms, measured.statements, measured.rows
                ));
                worst.widen(&measured);
            }
        }
    }
    report.say("");
    report.figure("p95_ms", worst.p95_ms);
    report.figure("cpu_ms", worst.cpu_ms);
    report.figure("statements", worst.statements as f64);
    house.close();
    Ok(())
}

/// Loads the tickets, or what is missing of them: a kept folder remembers how far it came.
fn load(report: &mut Report, data: &Path, total: u64) -> Result<House> {
    let started = Instant::now();
    let mark = data.join("bench-tickets");
    let failed = |error: std::io::Error| crate::unusable(&mark, &error);
    let mut house = House::open(data)?.furnish()?;
    let loaded = match std::fs::read_to_string(&mark) {
        Ok(text) => text.trim().parse().unwrap_or(0),
        Err(_) => 0,
    };
    if loaded < total {
        let things = house.things(50)?;
        house = house.tickets_from(loaded, total, true, &things, |count| {
            std::fs::write(&mark, count.to_string()).map_err(failed)
        })?;
        report.say(format!("{} tickets written in {:.0} s", total - loaded, started.elapsed().as_secs_f64()));
    }
    let size = std::fs::metadata(data.join("mainstay.db")).map_or(0, |file| file.len() / 1024 / 1024);
    report.datum("tickets", total);
    report.datum("database_mb", size);
    report.datum("rows", 50);
    Ok(house)
}

fn save_view(house: &House, actor: &Actor) -> Result<i64> {
    let view = json!({ "name": format!("Urgent and mine {}", kernel::Clock::System.now().0), "filter": "is:open kind:incident priority:urgent,high -owner:me" });
    number(&house.call(actor, "desk.view.save", view)?, "id")
}

/// The first page, and the second where there is one.
fn pages(kernel: &Handle, actor: &Arc<Actor>, input: Value) -> Result<Vec<(&'static str, Value)>> {
    let first = kernel.dispatch(Call::new(actor.clone(), "desk.ticket.list", input.clone(), Via::Rest))?;
    let mut second = input.clone();
    let mut pages = vec![("", input)];
    if let (Some(next), Value::Object(fields)) = (first.output.get("next").filter(|next| next.is_string()), &mut second)
    {
        fields.insert("cursor".to_owned(), next.clone());
        pages.push((", page 2", second));
    }
    Ok(pages)
}

#[derive(Default)]
struct Measured {
    p95_ms: f64,
    median_ms: f64,
    cpu_ms: f64,
    statements: u64,
    rows: usize,
}

impl Measured {
    fn widen(&mut self, other: &Self) {
        self.p95_ms = self.p95_ms.max(other.p95_ms);
        self.cpu_ms = self.cpu_ms.max(other.cpu_ms);
        self.statements = self.statements.max(other.statements);
    }
}

fn repeat(kernel: &Handle, actor: &Arc<Actor>, input: &Value, rounds: usize) -> Result<Measured> {
    let (mut walls, mut cpus, mut statements, mut rows) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..rounds {
        let (counted, cpu, started) =
            (kernel.db.stats().statements.load(Ordering::Relaxed), thread_cpu(), Instant::now());
        let answer = kernel.dispatch(Call::new(actor.clone(), "desk.ticket.list", input.clone(), Via::Rest))?;
        walls.push(ms(started.elapsed()));
        cpus.push(ms(thread_cpu() - cpu));
        statements = statements.max(kernel.db.stats().statements.load(Ordering::Relaxed) - counted);
        rows = answer.output.get("items").and_then(Value::as_array).map_or(0, Vec::len);
    }
    Ok(Measured {
        p95_ms: percentile(&walls, 0.95),
        median_ms: percentile(&walls, 0.5),
        cpu_ms: mean(&cpus),
        statements,
        rows,
    })
}
