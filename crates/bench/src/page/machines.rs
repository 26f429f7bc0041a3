//! Machines with agents for the pages to show: enrolled over the real session, with facts, series, checks, and some that
//! fail, so that there are alert groups, incidents and runs.

use std::sync::Arc;

use agent_proto::{
    CheckResult, CheckState, Durable, Enrol, EnrolmentToken, Frame, FromAgent, FromServer, Hello, IdentityHints, Lane,
    Prove, Purpose, Samples, SeriesName, SigningKey, TLS_EXPORT_BYTES, decode, encode, facts, prove,
};
use fleet::link::Session;
use kernel::{Actor, Clock, Error, Result};
use serde_json::{Value, json};

use crate::house::{House, number};

/// The key material of a TLS session that there is not.
const EXPORT: [u8; TLS_EXPORT_BYTES] = [3; TLS_EXPORT_BYTES];
/// Series of one machine.
const SERIES: u32 = 200;
/// Moments that are known of each.
const MOMENTS: i64 = 20;
/// Packages on each.
const PACKAGES: usize = 400;
/// Checks on each.
const CHECKS: i64 = 5;

/// Enrols machines and lets some of their checks fail.
pub(crate) fn enrol(house: &House, count: usize) -> Result<()> {
    let owner = Actor::os("bench");
    let wanted = json!({ "name": "bench", "uses": count, "auto_approve": true, "asset_kind": "server" });
    let token = house.call(&owner, "fleet.token.create", wanted)?;
    let token = token.get("token").and_then(Value::as_str).unwrap_or_default();
    let token: EnrolmentToken =
        token.parse().map_err(|error: agent_proto::TokenError| Error::internal("token", error))?;
    house.call(&owner, "fleet.token.create", json!({ "name": "The warehouse", "uses": 20 }))?;
    for index in 0..count {
        let mut machine = Machine::enter(house, &token, index)?;
        machine.report(index)?;
        let failing = index < count / 2;
        machine.check(house, &owner, failing)?;
        machine.link.session.close();
    }
    house.kernel.settle()
}

struct Link {
    session: Session,
    nonce: [u8; 32],
}

impl Link {
    fn open(house: &House) -> Result<Self> {
        let (session, first) = Session::open(&house.kernel, EXPORT, "127.0.0.1", Arc::new(|_| true))?;
        match read(&first)? {
            FromServer::Challenge { nonce, .. } => Ok(Self { session, nonce }),
            other => Err(Error::internal("no-challenge", format!("{other:?}"))),
        }
    }

    fn say(&mut self, message: FromAgent) -> Result<Vec<FromServer>> {
        let bytes = encode(&Frame::direct(message)).map_err(|error| Error::internal("frame", error))?;
        self.session.receive(&bytes)?.frames.iter().map(|frame| read(frame)).collect()
    }
}

fn read(bytes: &[u8]) -> Result<FromServer> {
    decode::<FromServer>(bytes).map(|frame| frame.message).map_err(|error| Error::internal("frame", error))
}

struct Machine {
    link: Link,
    asset: i64,
    seq: u64,
}

impl Machine {
    fn enter(house: &House, token: &EnrolmentToken, index: usize) -> Result<Self> {
        let (key, _) = SigningKey::generate().ok_or_else(|| Error::internal("no-randomness", index))?;
        let public_key = key.public();
        let mut link = Link::open(house)?;
        let signature = prove(&key, Purpose::Enrol, &link.nonce, &EXPORT);
        let agent_version = env!("CARGO_PKG_VERSION").to_owned();
        let enrol = Enrol { token_secret: token.secret, public_key, signature, agent_version, hints: hints(index) };
        let said = link.say(FromAgent::Enrol(enrol))?;
        if !matches!(said.first(), Some(FromServer::Enrolled(_))) {
            return Err(Error::internal("not-enrolled", format!("{said:?}")));
        }
        let mut link = Link::open(house)?;
        let signature = prove(&key, Purpose::Prove, &link.nonce, &EXPORT);
        link.say(FromAgent::Prove(Prove { public_key, signature }))?;
        let said = link.say(FromAgent::Hello(Box::new(hello(index))))?;
        if !said.iter().any(|message| matches!(message, FromServer::Welcome(_))) {
            return Err(Error::internal("not-welcome", format!("{said:?}")));
        }
        let agents = house.call(&Actor::os("bench"), "fleet.agent.list", json!({ "limit": 200 }))?;
        let agents = agents.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let asset =
            agents.iter().filter_map(|agent| agent.get("asset")?.as_str()?.strip_prefix("asset:")?.parse().ok()).max();
        let asset = asset.ok_or_else(|| Error::internal("no-agent", index))?;
        Ok(Self { link, asset, seq: 0 })
    }

    fn keep(&mut self, lane: Lane, event: Durable) -> Result<()> {
        self.seq += 1;
        let (seq, wanted) = (self.seq, self.seq);
        let said = self.link.say(FromAgent::Durable { lane, seq, event })?;
        let stored = said.iter().any(|one| matches!(one, FromServer::Ack { seq, .. } if *seq == wanted));
        if stored { Ok(()) } else { Err(Error::internal("not-stored", format!("{said:?}"))) }
    }

    fn report(&mut self, index: usize) -> Result<()> {
        let packages =
            (0..PACKAGES).map(|n| (format!("package-{n:03}"), format!("\"{}.{}.{}\"", n % 7, n % 13, index)));
        let system = [
            ("hostname", format!("\"srv-{index:02}\"")),
            ("os.name", "\"Debian GNU/Linux 12 (bookworm)\"".to_owned()),
            ("cpu.model", "\"Some Processor 3.0 GHz\"".to_owned()),
            ("memory.bytes", "17179869184".to_owned()),
        ];
        let system = system.into_iter().map(|(key, value)| (key.to_owned(), value));
        for (name, section) in [("packages", packages.collect()), ("system", system.collect())] {
            self.keep(Lane::Facts, Durable::Facts(facts::whole(name, now_ms(), &section)))?;
        }
        let name = |id: u32| match id {
            1 => SeriesName { name: "node_load1".to_owned(), labels: Vec::new() },
            2 => SeriesName { name: "node_memory_MemAvailable_bytes".to_owned(), labels: Vec::new() },
            3 => SeriesName { name: "node_memory_MemTotal_bytes".to_owned(), labels: Vec::new() },
            _ => SeriesName {
                name: "node_cpu_seconds_total".to_owned(),
                labels: vec![("cpu".to_owned(), id.to_string()), ("mode".to_owned(), "idle".to_owned())],
            },
        };
        self.link.say(FromAgent::Series { register: (1..=SERIES).map(|id| (id, name(id))).collect() })?;
        for moment in 0..MOMENTS {
            let at_ms = now_ms() - (MOMENTS - moment) * 15_000;
            let values = (1..=SERIES).map(|id| (id, f64::from(id) * 100.0 + moment as f64)).collect();
            self.keep(Lane::Metrics, Durable::Samples(Samples { at_ms, values }))?;
        }
        Ok(())
    }

    fn check(&mut self, house: &House, owner: &Actor, failing: bool) -> Result<()> {
        let mut checks = Vec::new();
        for port in 0..CHECKS {
            let input = json!({ "name": format!("Port {port} of machine {}", self.asset), "asset": self.asset, "kind": "tcp", "host": "127.0.0.1", "port": 8_000 + port });
            let made = house.call(owner, "monitor.check.create", input)?;
            checks.push((number(&made, "id")?, made.get("generation").and_then(Value::as_i64).unwrap_or(1)));
        }
        for run in 0..6 {
            let result = |(at, (check_id, generation)): (usize, &(i64, i64))| {
                let fails = failing && at == 0 && run > 2;
                let (state, evidence) =
                    if fails { (CheckState::Fail, "connection refused") } else { (CheckState::Ok, "connected") };
                let at_ms = now_ms() - (6 - run) * 10_000;
                CheckResult {
                    check_id: *check_id,
                    generation: *generation,
                    at_ms,
                    state,
                    value: Some(1.0),
                    took_us: 900,
                    evidence: evidence.to_owned(),
                }
            };
            let results = checks.iter().enumerate().map(result).collect();
            self.keep(Lane::Results, Durable::CheckResults { results })?;
        }
        Ok(())
    }
}

fn now_ms() -> i64 {
    Clock::System.now().0 / 1_000
}

fn hints(index: usize) -> IdentityHints {
    IdentityHints {
        hostname: format!("srv-{index:02}"),
        machine_id: Some(format!("{:032x}", index + 1)),
        ..IdentityHints::default()
    }
}

fn hello(index: usize) -> Hello {
    Hello {
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        boot_id: format!("boot-{index}"),
        run_id: [1; 16],
        hints: hints(index),
        policy_digest: [0; 32],
        classes_allowed: Vec::new(),
        clock_us: Clock::System.now().0,
        resume: Vec::new(),
        checks_generation: 0,
    }
}
