//! Templates as Prometheus' own documentation and tests write them.

use super::*;

fn sample(labels: &[(&str, &str)], value: f64) -> Sample {
    Sample { labels: Labels::from_pairs(labels.iter().copied()), at_ms: 0, value }
}

fn written(text: &str) -> Result<String, String> {
    let labels = Labels::from_pairs([("instance", "db-1.example.org:9100"), ("job", "node")]);
    let external = Labels::from_pairs([("site", "oslo")]);
    let query = |expr: &str| match expr {
        "empty" => Ok(Vec::new()),
        "wrong" => Err("no such metric".to_owned()),
        _ => Ok(vec![
            sample(&[("__name__", "m"), ("instance", "b")], 21.0),
            sample(&[("__name__", "m"), ("instance", "a")], 11.0),
        ]),
    };
    let data = Data {
        labels: &labels,
        value: 1_234_567.0,
        external_labels: &external,
        external_url: "https://monitor.example.org/mon",
        now_ms: 1_500_000_000_000,
        query: &query,
    };
    Template::parse(text).map_err(|wrong| wrong.to_string())?.expand(&data)
}

fn check(text: &str, expected: &str) {
    assert_eq!(written(text).as_deref(), Ok(expected), "{text}");
}

#[test]
fn texts_speak_of_labels_and_the_value() {
    check("plain", "plain");
    check(
        "{{ $labels.instance }} of {{$labels.job}} has {{ $value }}",
        "db-1.example.org:9100 of node has 1.234567e+06",
    );
    check("{{ .Labels.job }} {{ .Value | humanize }} {{ .ExternalLabels.site }}", "node 1.235M oslo");
    check(
        "{{ $externalLabels.site }} {{ $externalURL }} {{ pathPrefix }}",
        "oslo https://monitor.example.org/mon /mon",
    );
    check("{{ $labels.none }}|", "|");
    check("{{ $labels }}", "map[instance:db-1.example.org:9100 job:node]");
    check("a {{- /* note }} */ -}} b {{- 1 -}} c", "ab1c");
    check("{{ \"a\\\"b\\u00e9\" }} {{ `raw\\n` }} {{ 'x' }} {{ 0x1F }} {{ 1.5 }}", "a\"bé raw\\n 120 31 1.5");
}

#[test]
fn conditions_loops_and_variables_work_as_in_go() {
    check("{{ if gt $value 100.0 }}high{{ else if gt $value 10.0 }}mid{{ else }}low{{ end }}", "high");
    check("{{ if eq $labels.job \"x\" \"node\" }}yes{{ end }}", "yes");
    check("{{ with $labels.none }}there{{ else }}gone{{ end }}", "gone");
    check("{{ range query \"m\" }}{{ .Labels.instance }}={{ .Value }};{{ end }}", "b=21;a=11;");
    check(
        "{{ range $i, $s := query \"m\" | sortByLabel \"instance\" }}{{ $i }}{{ $s.Labels.instance }}{{ end }}",
        "0a1b",
    );
    check("{{ range query \"empty\" }}x{{ else }}none{{ end }}", "none");
    check("{{ range $k, $v := $labels }}{{ $k }},{{ end }}", "instance,job,");
    check("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ $y }}{{ end }}{{ $x }}", "32");
    check("{{ range $i, $s := query \"m\" }}{{ if $i }}{{ break }}{{ end }}{{ $s.Value }}{{ end }}", "21");
    check(
        "{{ define \"t\" }}<{{ . }}>{{ end }}{{ template \"t\" $labels.job }}{{ tmpl \"t\" \"y\" | toUpper }}",
        "<node><Y>",
    );
    check("{{ and $labels.none \"x\" }}|{{ or $labels.none \"x\" }}|{{ not true }}", "|x|false");
}

#[test]
fn the_functions_of_prometheus_are_there() {
    check("{{ query \"m\" | first | value }}", "21");
    check("{{ query \"m\" | first | label \"instance\" }}", "b");
    check("{{ with query \"m\" }}{{ . | first | value | humanizeDuration }}{{ end }}", "21s");
    check("{{ printf \"%.1f%%\" 12.34 }} {{ 0.5 | humanizePercentage }} {{ humanize1024 2048 }}", "12.3% 50% 2ki");
    check("{{ reReplaceAll \"(.*):.*\" \"$1\" $labels.instance }}", "db-1.example.org");
    check(
        "{{ $labels.instance | stripPort }} {{ $labels.instance | stripDomain }} {{ stripPort \"[::1]:80\" }}",
        "db-1.example.org db-1:9100 ::1",
    );
    check(
        "{{ match \"^db-\" $labels.instance }} {{ title \"web server down\" }} {{ toLower \"AB\" }}",
        "true Web Server Down ab",
    );
    check(
        "{{ parseDuration \"1h30m\" }} {{ toDuration 90.0 }} {{ (toTime 0.0) }}",
        "5400 1m30s 1970-01-01 00:00:00 +0000 UTC",
    );
    check("{{ humanizeTimestamp now }}", "2017-07-14 02:40:00 +0000 UTC");
    check(
        "{{ graphLink \"up == 0\" }} {{ safeHtml \"<b>\" }} {{ html \"<b>\" }}",
        "/graph?g0.expr=up+%3D%3D+0&g0.tab=0 <b> &lt;b&gt;",
    );
    check(
        "{{ len $labels }} {{ index $labels \"job\" }} {{ slice \"abc\" 1 2 }} {{ print 1 2 \"x\" 3 }}",
        "2 node b 1 2x3",
    );
    check("{{ with args 1 \"b\" }}{{ .arg0 }}{{ .arg1 }}{{ end }}", "1b");
}

#[test]
fn what_is_wrong_is_said_when_it_is_read() {
    let wrong = |text: &str, part: &str| {
        let said = Template::parse(text).unwrap_err().to_string();
        assert!(said.contains(part), "{text}: {said}");
    };
    wrong("{{ $labels.x", "unclosed action");
    wrong("{{ nope 1 }}", "function \"nope\" not defined");
    wrong("{{ $nope }}", "undefined variable \"$nope\"");
    wrong("{{ if true }}x", "has no {{end}}");
    wrong("{{ end }}", "unexpected {{end}}");
    wrong("{{ else }}", "unexpected {{else}}");
    wrong("{{ \"x }}", "unclosed action");
    wrong("{{ if }}x{{ end }}", "missing value for if");
    wrong("{{ 1 | 2 }}", "a value cannot follow |");
    wrong("{{ break }}", "outside {{range}}");
    wrong("{{ (1 }}", "unclosed left paren");
    wrong("{{ if true }}{{ $a := 1 }}{{ end }}{{ $a }}", "undefined variable");
    wrong(&"{{if 1}}".repeat(100), "nested deeper");
    wrong(&format!("{{{{ {} }}}}", "(".repeat(100)), "nested deeper");
}

#[test]
fn what_goes_wrong_while_it_is_written_is_said() {
    for (text, part) in [
        ("{{ query \"empty\" | first }}", "first() called on vector with no elements"),
        ("{{ query \"wrong\" }}", "no such metric"),
        ("{{ if gt $value 5 }}x{{ end }}", "incompatible types for comparison"),
        ("{{ $labels.job | humanize }}", "no number"),
        ("{{ .Nope }}", "can't evaluate field Nope"),
        ("{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}", "deeper than"),
        ("{{ range 90000 }}xxxxxxxxxx{{ end }}", "longer than 64 KiB"),
        ("{{ range 90000 }}{{ range 90000 }}{{ end }}{{ end }}", "steps"),
        ("{{ match \"(\" \"x\" }}", "cannot be used"),
    ] {
        let said = written(text).unwrap_err();
        assert!(said.contains(part), "{text}: {said}");
    }
}
