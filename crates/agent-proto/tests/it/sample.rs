//! One sample of every message and variant, named as its golden file is named.

use agent_proto::{
    Action, Approval, CheckResult, CheckSpec, CheckState, Class, Durable, Enrol, Enrolled, Facts, Figure, FromAgent,
    FromServer, Gap, Greeting, Hello, IdentityHints, Job, JobResult, JobState, Lane, LanePosition, LookResult, Offer,
    Probe, ProcessName, Profile, Prove, Refusal, RefusalCode, Release, Samples, SeriesName, ServiceVerb, Signature,
    SignedJob, SignedRelease, SignedStop, StopOrder, UpdateReport, UpdateState, Welcome,
};

pub(crate) fn from_agent() -> Vec<(&'static str, FromAgent)> {
    let durable = |seq, lane, event| FromAgent::Durable { lane, seq, event };
    vec![
        ("prove", FromAgent::Prove(Prove { public_key: [1; 32], signature: Signature([2; 64]) })),
        (
            "enrol",
            FromAgent::Enrol(Enrol {
                token_secret: [3; 16],
                public_key: [4; 32],
                signature: Signature([5; 64]),
                agent_version: "0.1.0".into(),
                hints: hints(),
            }),
        ),
        ("hello", FromAgent::Hello(Box::new(hello()))),
        ("greeting", FromAgent::Greeting(Box::new(greeting()))),
        ("fetch", FromAgent::Fetch { sha256: [4; 32], offset: 131_072 }),
        ("update_report", durable(8, Lane::Results, Durable::Update(update_report()))),
        (
            "series",
            FromAgent::Series {
                register: vec![
                    (1, SeriesName { name: "node_load1".into(), labels: vec![] }),
                    (
                        2,
                        SeriesName {
                            name: "node_cpu_seconds_total".into(),
                            labels: vec![pair("cpu", "0"), pair("mode", "idle")],
                        },
                    ),
                ],
            },
        ),
        ("facts", durable(1, Lane::Facts, Durable::Facts(facts()))),
        (
            "samples",
            durable(
                u64::MAX,
                Lane::Metrics,
                Durable::Samples(Samples { at_ms: 1_700_000_000_123, values: vec![(1, 0.25), (2, 1e9), (400, -0.0)] }),
            ),
        ),
        ("check_results", durable(3, Lane::Results, Durable::CheckResults { results: check_results() })),
        ("look_results", durable(7, Lane::Results, Durable::LookResults { results: look_results() })),
        ("job_accepted", durable(4, Lane::Results, Durable::JobAccepted { job_id: [6; 16], at_us: 9 })),
        ("job_result", durable(5, Lane::Results, Durable::JobResult(job_result()))),
        (
            "gap",
            durable(
                6,
                Lane::Results,
                Durable::Gap(Gap { lane: Lane::Metrics, from_ms: 1, to_ms: 2, dropped: 3, why: "full".into() }),
            ),
        ),
    ]
}

pub(crate) fn from_server() -> Vec<(&'static str, FromServer)> {
    vec![
        ("challenge", FromServer::Challenge { nonce: [7; 32], server_time_us: 1_700_000_000_000_000 }),
        (
            "enrolled",
            FromServer::Enrolled(Enrolled {
                agent_id: [8; 16],
                server_public_key: [9; 32],
                trust: vec![vec![0x30; 40], vec![0x31; 41]],
                pending: true,
            }),
        ),
        (
            "update",
            FromServer::Update(Box::new(Offer {
                signed: SignedRelease {
                    release: Release {
                        version: "1.4.0".into(),
                        target: "x86_64-unknown-linux-gnu".into(),
                        size_bytes: 9_000_000,
                        sha256: [4; 32],
                        downgrade: false,
                    },
                    public_key: [5; 32],
                    signature: Signature([6; 64]),
                },
                again: true,
            })),
        ),
        ("part", FromServer::Part { sha256: [4; 32], offset: 131_072, bytes: vec![0x7f; 300] }),
        (
            "welcome",
            FromServer::Welcome(Welcome {
                agent_id: [8; 16],
                profile: Profile::SERVER,
                server_time_us: 1,
                stop_epoch: 2,
            }),
        ),
        (
            "refused",
            FromServer::Refused(Refusal {
                code: RefusalCode::Quarantined,
                text: "two machines".into(),
                retry_after_ms: 5,
            }),
        ),
        ("ack", FromServer::Ack { lane: Lane::Facts, seq: 300 }),
        ("checks", FromServer::Checks { generation: 11, checks: checks() }),
        ("checks_look", FromServer::Checks { generation: 12, checks: vec![look()] }),
        ("job", FromServer::Job(SignedJob { bytes: vec![1, 2, 3], signature: Signature([4; 64]) })),
        (
            "stop",
            FromServer::Stop(SignedStop {
                order: StopOrder { stop_epoch: 3, at_us: 4 },
                signature: Signature([5; 64]),
            }),
        ),
        ("facts_resend", FromServer::FactsResend { section: "cpu".into() }),
        ("look_again", FromServer::Look { number: 13, checks: vec![41, 300] }),
        ("trust", FromServer::Trust { bundle: vec![vec![0x30; 300]] }),
    ]
}

/// Jobs are signed as bytes of their own, so each action is golden too.
pub(crate) fn jobs() -> Vec<(&'static str, Job)> {
    let tcp = Probe::Tcp { host: "localhost".into(), port: 80 };
    let actions = vec![
        (
            "job_command",
            Action::Command {
                argv: vec!["/bin/true".into(), "x".into()],
                env: vec![pair("A", "b")],
                input_json: Some("{}".into()),
                timeout_ms: 1,
                detach: true,
            },
        ),
        ("job_service", Action::Service { unit: "web.service".into(), verb: ServiceVerb::Restart }),
        (
            "job_http",
            Action::Http {
                method: "POST".into(),
                url: "http://127.0.0.1/".into(),
                headers: vec![pair("A", "b")],
                body: Some("c".into()),
                expect_status: vec![204],
                timeout_ms: 2,
            },
        ),
        ("job_probe", Action::Probe { probe: tcp.clone(), timeout_ms: 3 }),
        ("job_wait_for", Action::WaitFor { probe: tcp, every_ms: 4, timeout_ms: 5 }),
    ];
    actions.into_iter().map(|(name, action)| (name, job(action))).collect()
}

fn job(action: Action) -> Job {
    Job {
        job_id: [1; 16],
        agent_id: [2; 16],
        class: Class::B,
        action,
        plan_hash: [3; 32],
        plan: vec![[4; 32]],
        not_before_us: 5,
        not_after_us: 6,
        nonce: [7; 16],
        stop_epoch: 8,
        approval: Some(Approval { public_key: [9; 32], not_after_us: 10, signature: Signature([11; 64]) }),
    }
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.into(), value.into())
}

fn hints() -> IdentityHints {
    IdentityHints {
        hostname: "db-1".into(),
        machine_id: Some("0123456789abcdef0123456789abcdef".into()),
        dmi_uuid: None,
        serial: Some("Default string".into()),
        macs: vec!["52:54:00:00:00:01".into()],
    }
}

fn hello() -> Hello {
    Hello {
        agent_version: "0.1.0".into(),
        boot_id: "b".into(),
        run_id: [1; 16],
        hints: hints(),
        policy_digest: [2; 32],
        classes_allowed: vec![Class::A, Class::B],
        clock_us: -1,
        resume: vec![LanePosition { lane: Lane::Results, next_seq: 3, waiting: 4 }],
        checks_generation: 5,
    }
}

fn greeting() -> Greeting {
    Greeting {
        hello: hello(),
        abilities: vec!["look".into(), "update".into(), "what-nobody-knows-yet".into()],
        target: "x86_64-unknown-linux-gnu".into(),
    }
}

fn update_report() -> UpdateReport {
    UpdateReport { sha256: [4; 32], state: UpdateState::RolledBack, reason: "it did not connect".into() }
}

fn facts() -> Facts {
    Facts {
        section: "packages".into(),
        at_ms: 1,
        base_hash: [1; 32],
        hash: [2; 32],
        full: false,
        set: (0..50).map(|n| pair(&format!("package-{n}"), "\"1.0-1\"")).collect(),
        removed: vec!["old".into()],
    }
}

fn look() -> CheckSpec {
    let probe = Probe::Look("{\"look\":\"icmp\",\"host\":\"10.0.0.1\"}".into());
    CheckSpec { check_id: 2, generation: 3, interval_ms: 30_000, timeout_ms: 10_000, probe }
}

fn look_results() -> Vec<LookResult> {
    let figures = vec![Figure { name: "loss_percent".into(), value: 33.5 }];
    check_results().into_iter().map(|result| LookResult { result, figures: figures.clone() }).collect()
}

fn check_results() -> Vec<CheckResult> {
    [(CheckState::Ok, Some(1.5)), (CheckState::Fail, None), (CheckState::Error, None)]
        .into_iter()
        .map(|(state, value)| CheckResult {
            check_id: 1,
            generation: 2,
            at_ms: 3,
            state,
            value,
            took_us: 4,
            evidence: "connection refused".into(),
        })
        .collect()
}

fn job_result() -> JobResult {
    JobResult {
        job_id: [6; 16],
        state: JobState::Stopped,
        reason: "all runs were stopped".into(),
        exit_code: Some(-9),
        started_us: 1,
        finished_us: 2,
        output: "last words".into(),
        output_dropped_bytes: 70_000,
    }
}

fn checks() -> Vec<CheckSpec> {
    let http = Probe::Http {
        url: "https://example.org/".into(),
        expect_status: vec![200, 204],
        contains: Some("ok".into()),
        max_redirects: 3,
    };
    let probes = [
        Probe::Process { name: ProcessName::Exact("sshd".into()), min_count: 1 },
        Probe::Process { name: ProcessName::CommandLineContains("http.server".into()), min_count: 2 },
        Probe::Tcp { host: "::1".into(), port: 22 },
        http,
        Probe::FileSystem { mount: "/".into(), max_used_percent: 90.0 },
        Probe::Unit { name: "cron.service".into() },
    ];
    probes
        .into_iter()
        .enumerate()
        .map(|(at, probe)| CheckSpec {
            check_id: at as i64,
            generation: 1,
            interval_ms: 10_000,
            timeout_ms: 5_000,
            probe,
        })
        .collect()
}
