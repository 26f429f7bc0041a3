//! Rule files: what is read, what is refused and where, and what is written.

use super::*;

const FILE: &str = r#"# Web servers
groups:
  - name: web
    interval: 30s
    query_offset: 10s
    limit: 50
    labels:
      team: web
    rules:
      - record: job:errors:rate5m
        expr: sum by (job) (rate(errors_total[5m]))
      - alert: HighErrorRate
        expr: |
          job:errors:rate5m
            > 0.5
        for: 10m
        keep_firing_for: 5m
        labels:
          severity: page
          team: 7
        annotations:
          summary: "{{ $labels.job }} has {{ $value | humanize }} errors"
  - name: empty
"#;

#[test]
fn a_file_is_read_with_everything_prometheus_knows() {
    let file = RuleFile::parse(FILE).unwrap();
    let web = &file.groups[0];
    assert_eq!((web.interval_ms, web.query_offset_ms, web.limit), (Some(30_000), Some(10_000), Some(50)));
    let alert = &web.rules[1];
    assert_eq!((alert.kind, alert.for_ms, alert.keep_firing_ms), (Kind::Alert, 600_000, 300_000));
    assert_eq!(alert.expr, "job:errors:rate5m\n  > 0.5\n");
    assert_eq!(alert.labels_in(web), [("severity".into(), "page".into()), ("team".into(), "7".into())]);
    assert_eq!(web.rules[0].labels_in(web), [("team".into(), "web".into())]);
    assert_eq!(RuleFile::parse("# nothing\n"), Ok(RuleFile::default()));
}

#[test]
fn what_is_written_reads_as_what_was_read() {
    let file = RuleFile::parse(FILE).unwrap();
    let written = file.write();
    assert_eq!(RuleFile::parse(&written).unwrap(), file, "{written}");
    assert_eq!(RuleFile::parse(&RuleFile::default().write()), Ok(RuleFile::default()));
}

#[test]
fn mistakes_are_named_with_their_line() {
    let check = |from: &str, to: &str, line: usize, part: &str| {
        assert!(FILE.contains(from), "{from}");
        let wrong = RuleFile::parse(&FILE.replacen(from, to, 1)).unwrap_err();
        assert!(wrong.message.contains(part), "{to}: {wrong}");
        assert_eq!(wrong.line, Some(line), "{to}: {wrong}");
    };
    check("sum by (job) (rate(errors_total[5m]))", "sum by (job (x)", 11, "could not parse expression: 1:");
    check("for: 10m", "for: 10 minutes", 16, "is no length of time");
    check("limit: 50", "limits: 50", 6, "unknown field `limits`");
    check("alert: HighErrorRate", "record: x", 12, "invalid field");
    check("{{ $labels.job }}", "{{ $label.job }}", 22, "undefined variable");
    check("record: job:errors:rate5m", "record: 5m", 10, "invalid recording rule name: 5m");
    check("severity: page", "sever-ity: page", 12, "invalid label name: sever-ity");
    check("name: web", "name: \"\"", 3, "must not be empty");
    check("  - name: empty", "  - name: empty\n    name: x", 23, "duplicate field");
    check("team: 7", "severity: x", 19, "is there twice");
}

#[test]
fn what_does_not_hold_together_is_refused() {
    let wrong = |text: &str, part: &str| {
        let said = RuleFile::parse(text).unwrap_err().to_string();
        assert!(said.contains(part), "{text}: {said}");
    };
    wrong("groups:\n- name: a\n- name: a\n", "repeated in the same file");
    wrong("groups:\n- name: a\n  rules:\n  - expr: up\n", "one of 'record' or 'alert' must be set");
    wrong("groups:\n- name: a\n  rules:\n  - alert: A\n", "field 'expr' must be set in rule");
    wrong("groups:\n- name: a\n  rules:\n  - alert: A\n    record: b\n    expr: up\n", "only one of");
    wrong("groups:\n- name: a\n  rules:\n  - record: b\n    expr: up\n    for: 5m\n", "invalid field 'for'");
    wrong(
        "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    annotations:\n      mainstay_fire: 3\n",
        "3 of 5",
    );
    wrong("groups: [", "line 2");
    wrong(&" ".repeat(FILE_BYTES_MAX + 1), "larger than");
}

#[test]
fn texts_are_quoted_where_they_must_be() {
    let cases = [
        ("web", "web"),
        ("up == 0", "up == 0"),
        ("5m", "5m"),
        ("true", "\"true\""),
        ("1.5", "\"1.5\""),
        ("a: b", "\"a: b\""),
        ("{{ $x }}", "\"{{ $x }}\""),
        ("job:errors", "job:errors"),
        ("é\u{2028}\n\"", "\"é\\u2028\\n\\\"\""),
        ("", "\"\""),
    ];
    for (text, expected) in cases {
        assert_eq!(write::scalar(text), expected);
    }
}
