//! Process start to the first page served, on data that exists.

use std::path::Path;
use std::time::{Duration, Instant};

use kernel::{Error, Result};

use crate::Run;
use crate::client::Client;
use crate::house::House;
use crate::process::{Server, pause};
use crate::report::{Report, ms, percentile};

pub(crate) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let scratch = run.scratch()?;
    let data = scratch.path().join("data");
    let tickets = if run.quick { 2_000 } else { 20_000 };
    House::open(&data)?.furnish()?.tickets(tickets, true)?.close();
    report.datum("tickets", tickets);
    report.say(format!("data: one organisation, {tickets} tickets; first page: GET /sign-in"));
    let runs = if run.quick { 3 } else { 9 };
    let (mut wall, mut cpu, mut ready) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let one = once(&run.mainstay, &data)?;
        wall.push(ms(one.wall));
        cpu.push(ms(one.cpu));
        ready.push(ms(one.ready));
    }
    let median = percentile(&wall, 0.5);
    report.say(format!(
        "{runs} starts: median {median:.1} ms (least {:.1}, most {:.1}); ready line after {:.1} ms; CPU {:.0} ms",
        percentile(&wall, 0.0),
        percentile(&wall, 1.0),
        percentile(&ready, 0.5),
        percentile(&cpu, 0.5),
    ));
    report.figure("first_page_ms", median);
    report.figure("cpu_ms", percentile(&cpu, 0.5));
    Ok(())
}

struct Start {
    wall: Duration,
    cpu: Duration,
    ready: Duration,
}

fn once(program: &Path, data: &Path) -> Result<Start> {
    let started = Instant::now();
    let server = Server::start(program, data, false)?;
    let client = Client::Address(server.console());
    while started.elapsed() < Duration::from_secs(30) {
        if let Ok((200, _)) = client.request("GET", "/sign-in", None) {
            return Ok(Start { wall: started.elapsed(), cpu: server.process.cpu(), ready: server.ready });
        }
        pause(Duration::from_millis(1));
    }
    Err(Error::unavailable("The first page was not served within 30 s."))
}
