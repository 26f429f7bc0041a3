//! What the machine's policy lets through, and what it does not.

use super::*;
use agent_proto::{Approval, Probe, Signature};

const POLICY: &str = r#"
[[allow]]
command = ["/usr/bin/python3", "-m", "http.server", "*"]
env = ["PYTHONUNBUFFERED"]

[[allow]]
service = "web.service"
verbs = ["restart"]

[[allow]]
method = "POST"
url = "http://127.0.0.1:8080/reload"

[[never]]
command = ["/sbin/mkfs", "*"]

[[approvers]]
name = "Ada"
public_key = "0505050505050505050505050505050505050505050505050505050505050505"
"#;

fn command(words: &[&str], env: &[(&str, &str)]) -> Action {
    Action::Command {
        argv: words.iter().map(|word| (*word).to_owned()).collect(),
        env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        input_json: None,
        timeout_ms: 1,
        detach: false,
    }
}

fn service(unit: &str, verb: ServiceVerb) -> Action {
    Action::Service { unit: unit.into(), verb }
}

fn job(action: Action, class: Class, approver: Option<u8>) -> Job {
    let approval =
        approver.map(|byte| Approval { public_key: [byte; 32], not_after_us: 100, signature: Signature([0; 64]) });
    Job {
        job_id: [0; 16],
        agent_id: [0; 16],
        class,
        action,
        plan_hash: [0; 32],
        plan: vec![],
        not_before_us: 0,
        not_after_us: 0,
        nonce: [0; 16],
        stop_epoch: 0,
        approval,
    }
}

#[track_caller]
fn check(policy: &str, job: &Job, refusal: Option<&str>) {
    let verdict = Policy::parse(policy).unwrap().judge(job, 50, 50);
    match (verdict, refusal) {
        (Ok(()), None) => {}
        (Err(said), Some(part)) => assert!(said.contains(part), "{said}"),
        (verdict, _) => panic!("{verdict:?} instead of {refusal:?}"),
    }
}

#[test]
fn without_a_policy_the_agent_only_observes() {
    let probe = Action::Probe { probe: Probe::Unit { name: "a.service".into() }, timeout_ms: 1 };
    check("", &job(probe, Class::A, None), None);
    check("", &job(service("web.service", ServiceVerb::Status), Class::A, None), None);
    check("", &job(service("web.service", ServiceVerb::Start), Class::A, None), Some("does not name"));
    check("", &job(command(&["/bin/true"], &[]), Class::A, None), Some("does not name"));
    check("", &job(command(&["/bin/true"], &[]), Class::B, Some(5)), Some("does not pin"));
}

#[test]
fn a_rule_allows_exactly_its_words() {
    let a = |action| job(action, Class::A, None);
    let start = ["/usr/bin/python3", "-m", "http.server"];
    check(POLICY, &a(command(&start, &[])), None);
    check(POLICY, &a(command(&[&start[..], &["8000"]].concat(), &[])), None);
    check(POLICY, &a(command(&["/usr/bin/python3", "-c", "http.server"], &[])), Some("does not name"));
    check(POLICY, &a(command(&start[..2], &[])), Some("does not name"));
    check(POLICY, &a(command(&[], &[])), Some("does not name"));
    check(POLICY, &a(service("web.service", ServiceVerb::Restart)), None);
    check(POLICY, &a(service("web.service", ServiceVerb::Stop)), Some("does not name"));
    check(POLICY, &a(service("db.service", ServiceVerb::Restart)), Some("does not name"));
}

#[test]
fn a_rule_allows_no_variable_that_it_does_not_name() {
    let words = ["/usr/bin/python3", "-m", "http.server"];
    check(POLICY, &job(command(&words, &[("PYTHONUNBUFFERED", "1")]), Class::A, None), None);
    check(POLICY, &job(command(&words, &[("LD_PRELOAD", "/tmp/x.so")]), Class::A, None), Some("does not name"));
}

#[test]
fn a_pinned_approver_opens_what_no_rule_names_and_nobody_opens_what_is_never() {
    check(POLICY, &job(command(&["/bin/true"], &[]), Class::B, Some(5)), None);
    check(POLICY, &job(command(&["/bin/true"], &[]), Class::B, Some(6)), Some("does not pin"));
    check(POLICY, &job(service("web.service", ServiceVerb::Restart), Class::B, None), Some("does not name"));
    check(POLICY, &job(command(&["/sbin/mkfs", "/dev/sda"], &[("A", "b")]), Class::B, Some(5)), Some("never"));
}

#[test]
fn an_approval_is_not_judged_by_clocks_that_disagree() {
    let policy = Policy::parse(POLICY).unwrap();
    let job = job(command(&["/bin/true"], &[]), Class::B, Some(5));
    assert!(policy.judge(&job, 50, 50).is_ok());
    assert!(policy.judge(&job, 50, 101).unwrap_err().contains("over by this machine's clock"));
    assert!(policy.judge(&job, 50, 50 - CLOCKS_APART_US_MAX - 1).unwrap_err().contains("too far apart"));
}

#[test]
fn a_mistake_means_observe_only_and_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    assert!(find(&path).trouble.is_none(), "no file is no trouble");
    let trouble = |text: &str, mode: u32| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let found = find(&path);
        assert!(found.trouble.is_none() || found.policy == Policy::default());
        found.trouble.unwrap_or_default()
    };
    assert_eq!(trouble(POLICY, 0o644), "");
    assert!(trouble(POLICY, 0o666).contains("written by others"));
    assert!(trouble("[[alow]]", 0o600).contains("alow"));
    assert!(trouble("[[allow]]\ncommand = [\"a\"]\nverbs = []", 0o600).contains("mistake"));
    assert!(trouble("[[approvers]]\nname = \"Ada\"\npublic_key = \"00\"", 0o600).contains("Ada"));
}

#[test]
fn a_written_policy_is_read_back() {
    let policy = Policy::parse(POLICY).unwrap();
    assert_eq!(Policy::parse(&policy.to_toml().unwrap()), Ok(policy));
}

#[test]
fn a_policy_that_another_user_owns_is_not_followed() {
    assert_eq!(super::not_ours(0, 1_000), None);
    assert_eq!(super::not_ours(1_000, 1_000), None);
    assert!(super::not_ours(1_000, 0).is_some() && super::not_ours(1_001, 1_000).is_some());
}

#[test]
fn plugins_are_named_with_any_arguments_or_with_these() {
    let text = r#"plugins = ["/p/*", { path = "/p/check_disk", arguments = ["-p", "/srv/*"] }]"#;
    let policy = Policy::parse(text).unwrap();
    let permits: Vec<_> = policy.plugins.iter().map(Plugin::permit).collect();
    assert_eq!(permits[0].arguments, None);
    assert_eq!(permits[1].arguments, Some(vec!["-p".to_owned(), "/srv/*".to_owned()]));
    assert_eq!(Policy::parse(&policy.to_toml().unwrap()).unwrap(), policy);
    assert!(Policy::parse(r#"plugins = [{ path = "/p/check_disk", arguments = ["-p"], later = 1 }]"#).is_err());
    assert!(
        Policy::parse(r#"plugins = [{ path = "/p/check_disk" }]"#).is_err(),
        "bound without arguments says nothing"
    );
}
