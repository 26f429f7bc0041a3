//! Tests of tests: what passes, and what a difference looks like.

use super::*;

const RULES: &str = r#"
groups:
- name: example
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: InstanceDown
    expr: up == 0
    for: 5m
    labels:
      severity: page
    annotations:
      summary: "Instance {{ $labels.instance }} down"
      description: "{{ $labels.instance }} of job {{ $labels.job }} has been down for more than 5 minutes."
"#;

const TESTS: &str = r#"
rule_files:
  - alerts.yml
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'up{job="prometheus", instance="localhost:9090"}'
        values: '0 0 0 0 0 0 0 0 0 0 0 0 0 0 0'
      - series: 'go_goroutines{job="prometheus", instance="localhost:9090"}'
        values: '10+10x2 30+20x5'
    alert_rule_test:
      - eval_time: 4m
        alertname: InstanceDown
      - eval_time: 10m
        alertname: InstanceDown
        exp_alerts:
          - exp_labels:
              severity: page
              instance: localhost:9090
              job: prometheus
            exp_annotations:
              summary: "Instance localhost:9090 down"
              description: "localhost:9090 of job prometheus has been down for more than 5 minutes."
    promql_expr_test:
      - expr: go_goroutines > 5
        eval_time: 4m
        exp_samples:
          - labels: 'go_goroutines{job="prometheus",instance="localhost:9090"}'
            value: 50
      - expr: job:up:sum
        eval_time: 4m
        exp_samples:
          - labels: 'job:up:sum{job="prometheus"}'
            value: 0
      - expr: ALERTS{alertstate="pending"}
        eval_time: 4m
        exp_samples:
          - labels: 'ALERTS{alertname="InstanceDown",alertstate="pending",instance="localhost:9090",job="prometheus",severity="page"}'
            value: 1
"#;

fn run(tests: &str) -> Report {
    let files = BTreeMap::from([("alerts.yml".to_owned(), RULES.to_owned())]);
    Suite::parse(tests).unwrap().run(&files).unwrap()
}

#[test]
fn the_example_of_the_documentation_passes() {
    assert_eq!(Suite::parse(TESTS).unwrap().rule_files, ["alerts.yml"]);
    assert_eq!(run(TESTS), Report { passed: 5, failures: Vec::new() });
}

#[test]
fn a_difference_shows_what_was_expected_and_what_came() {
    let report = run(&TESTS.replace("localhost:9090 down", "somewhere else down").replace("value: 50", "value: 51"));
    assert_eq!((report.passed, report.failures.len()), (3, 2));
    assert!(report.failures[0].contains("alertname: InstanceDown, time: 10m"));
    assert!(report.failures[0].contains("exp:[") && report.failures[0].contains("somewhere else down"));
    assert!(report.failures[1].contains("51") && report.failures[1].contains("50"), "{}", report.failures[1]);
    let early = run(&TESTS.replace("eval_time: 10m", "eval_time: 4m"));
    assert!(early.failures[0].contains("got:[]"), "{}", early.failures[0]);
}

#[test]
fn groups_are_evaluated_in_the_order_that_is_asked_for() {
    let rules = "groups:\n- name: second\n  rules:\n  - record: b\n    expr: a + 1\n- name: first\n  rules:\n  - record: a\n    expr: x\n";
    let tests = "rule_files: [r]\nORDERtests:\n- interval: 1m\n  input_series: [{series: x, values: '1 2'}]\n  promql_expr_test:\n  - expr: b\n    eval_time: 1m\n    exp_samples: [{labels: b, value: 3}]\n";
    let files = BTreeMap::from([("r".to_owned(), rules.to_owned())]);
    let ordered = tests.replace("ORDER", "group_eval_order: [first, second]\n");
    assert_eq!(Suite::parse(&ordered).unwrap().run(&files).unwrap().failures, Vec::<String>::new());
    let plain = Suite::parse(&tests.replace("ORDER", "")).unwrap().run(&files).unwrap();
    assert_eq!(plain.failures.len(), 1, "the second group reads what the first wrote a minute before");
}

#[test]
fn series_of_rules_that_vanish_become_stale_at_once() {
    let rules = "groups:\n- name: g\n  rules:\n  - record: r\n    expr: x > 1\n";
    let tests = "rule_files: [r]\ntests:\n- input_series: [{series: x, values: '2 2 0 0'}]\n  promql_expr_test:\n  - {expr: r, eval_time: 1m, exp_samples: [{labels: r, value: 2}]}\n  - {expr: r, eval_time: 2m}\n";
    let files = BTreeMap::from([("r".to_owned(), rules.to_owned())]);
    assert_eq!(Suite::parse(tests).unwrap().run(&files).unwrap(), Report { passed: 2, failures: vec![] });
}

#[test]
fn numbers_may_differ_in_the_last_bit_if_the_file_says_so() {
    let tests = |fuzzy: bool| {
        format!(
            "fuzzy_compare: {fuzzy}\ntests:\n- input_series: [{{series: x, values: '0.1'}}, {{series: y, values: '0.2'}}]\n  promql_expr_test:\n  - {{expr: x + y, eval_time: 0, exp_samples: [{{labels: '{{}}', value: 0.3}}]}}\n"
        )
    };
    let run = |text: &str| Suite::parse(text).unwrap().run(&BTreeMap::new()).unwrap().failures.len();
    assert_eq!((run(&tests(true)), run(&tests(false))), (0, 1));
}

#[test]
fn an_expression_that_cannot_be_read_fails_alone_and_hides_no_other_failure() {
    let tests = "tests:\n- input_series: [{series: x, values: '1'}]\n  promql_expr_test:\n  - {expr: sum(, eval_time: 0}\n  \
                 - {expr: x, eval_time: 0, exp_samples: [{labels: x, value: 2}]}\n  - {expr: '', eval_time: 0}\n  \
                 - {expr: x, eval_time: 0, exp_samples: [{labels: x, value: 1}]}\n";
    let report = Suite::parse(tests).unwrap().run(&BTreeMap::new()).unwrap();
    assert_eq!((report.passed, report.failures.len()), (1, 3), "{:?}", report.failures);
    for (said, part) in report.failures.iter().zip(["expr: \"sum(\", time: 0s, err: ", "exp: ", "expr: \"\""]) {
        assert!(said.contains(part), "{said} has no {part}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let wrong = |text: &str, part: &str| {
        let said = Suite::parse(text).unwrap_err().to_string();
        assert!(said.contains(part), "{text}: {said}");
    };
    wrong(
        "tests:\n- name: a\n  input_series: [{series: x, values: '1 b'}]\n",
        "line 3, column 38: tests[0].input_series[0].values: \"b\" is no point",
    );
    wrong(
        "tests:\n- promql_expr_test:\n  - {expr: x, eval_time: 0, exp_samples: [{labels: 'x{', value: 1}]}\n",
        "line 3",
    );
    wrong(
        "tests:\n- promql_expr_test:\n  - {expr: x, eval_time: 0, exp_samples: [{value: one}]}\n",
        "\"one\" is no number",
    );
    wrong("tests:\n- interval: 1 minute\n", "line 2");
    wrong("tests:\n- input_series: [{series: x, values: '{{schema:0}}'}]\n", "native histograms");
    wrong("test: []\n", "unknown field");
    let broken = BTreeMap::from([("r.yml".to_owned(), "groups: 1".to_owned())]);
    let wrong = Suite::default().run(&broken).unwrap_err();
    assert!(wrong.to_string().starts_with("r.yml:1:") && wrong.at("tests.yml") == wrong.to_string(), "{wrong}");
}
