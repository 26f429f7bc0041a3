//! What the parser takes and refuses.

use super::*;

fn check(text: &str, canonical: &str) {
    let options = ParseOptions { experimental: true, step_ms: 15_000, range_ms: 3_600_000 };
    let expr = parse_with(text, options).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(expr.to_string(), canonical, "{text}");
    let again = parse_with(canonical, options).unwrap_or_else(|error| panic!("{canonical}: {error}"));
    assert_eq!(again.to_string(), canonical);
}

fn refuse(text: &str, message: &str) {
    assert_eq!(parse(text).map(|expr| expr.to_string()).unwrap_err().to_string(), message, "{text}");
}

#[test]
fn expressions_are_written_back_in_one_form() {
    check("1e6", "1e+06");
    check("+1 - -1", "1 - -1");
    check("-2^2", "-2 ^ 2");
    check("SUM BY(a , \"b.c\",) (x{})", "sum by (a, \"b.c\") (x)");
    check("topk(3,x) without (a)", "topk without (a) (3, x)");
    check("{\"a.b\", x='y'}", "{\"a.b\",x=\"y\"}");
    check("{\"up\"}", "up");
    check("{__name__=~'.+'}", "{__name__=~\".+\"}");
    check("a[5m] offset -1h @ 1.5", "a[5m] @ 1.500 offset -1h");
    check("a @ start() offset 90", "a @ start() offset 1m30s");
    check("a[1h:] @ end()", "a[1h:] @ end()");
    check("rate(a[5m])[30:10s]", "rate(a[5m])[30s:10s]");
    check("a + on(x) group_left(y) b", "a + on (x) group_left (y) b");
    check("a == bool ignoring (x) b", "a == bool ignoring (x) b");
    check("a and b or c unless d", "a and b or c unless d");
    check("(a)", "(a)");
    check("5m", "300");
    check("offset + by{a='b'}", "offset + by{a=\"b\"}");
    check("sum", "sum");
    check("start", "start");
    check("limitk(2, a)", "limitk(2, a)");
    check("a{on='x',by='y'}", "a{by=\"y\",on=\"x\"}".replace("by=\"y\",on=\"x\"", "on=\"x\",by=\"y\"").as_str());
    check("sum by (on, by, inf, sum, offset) (a)", "sum by (on, by, inf, sum, offset) (a)");
    check("a # note\n+ b", "a + b");
    check("2 ^ 3 ^ 2 * 4 % 5", "2 ^ 3 ^ 2 * 4 % 5");
    check("'it\\'s'", "\"it's\"");
    check("0x1F + 1_000 + .5", "31 + 1000 + 0.5");
    check("foo:bar{a!~'b'}", "foo:bar{a!~\"b\"}");
    check("-a offset 5m", "-a offset 5m");
    check("time() - start()", "time() - start()");
}

#[test]
fn durations_are_computed() {
    check("a[5m * 2]", "a[10m]");
    check("a[(5+2) * 1m:1h / 2 % 7m]", "a[7m:2m]");
    check("a offset (1h / 2)", "a offset 30m");
    check("a offset -((2 ^ 3) * 1m)", "a offset -8m");
    check("a offset 1m + 1", "a offset 1m + 1");
    check("a[max(step(), 5s) + 1]", "a[16s]");
    check("a[min(2 * step() + 5s, 5m)] @ end()", "a[35s] @ end()");
    check("a[range()]", "a[1h]");
    let experimental = ParseOptions { experimental: true, ..ParseOptions::default() };
    let message = |text: &str| parse_with(text, experimental).unwrap_err().message().to_owned();
    assert_eq!(message("a[1m / 0]"), "division by zero");
    assert_eq!(message("a[1m - 1m]"), "duration must be greater than 0");
    assert_eq!(message("a[step()]"), "duration must be greater than 0");
    assert!(message(&format!("a[{}1]", "-".repeat(1_000))).contains("levels deep"));
    refuse("a[5m * 2]", "1:6: parse error: unexpected <op:*> in subquery or range selector, expected \":\" or \"]\"");
}

#[test]
fn operators_bind_as_in_prometheus() {
    let number = |text: &str| match crate::evaluate_text(text, 0).unwrap().value {
        crate::Value::Scalar(_, value) => value,
        other => panic!("{other:?}"),
    };
    assert_eq!(number("-2^2"), -4.0);
    assert_eq!(number("2^3^2"), 512.0);
    assert_eq!(number("2^-1*3"), 1.5);
    assert_eq!(number("8/2/2"), 2.0);
    assert_eq!(number("1 + 2 * 3 > bool 6"), 1.0);
}

#[test]
fn mistakes_are_named_with_their_place() {
    refuse("", "1:1: parse error: no expression found in input");
    refuse("1 +", "1:4: parse error: unexpected end of input");
    refuse("*1", "1:1: parse error: unexpected <op:*>");
    refuse("(1", "1:3: parse error: unclosed left parenthesis");
    refuse("1)", "1:2: parse error: unexpected right parenthesis ')'");
    refuse("a{b}", "1:4: parse error: unexpected \"}\" in label matching, expected label matching operator");
    refuse("a{b=}", "1:5: parse error: unexpected \"}\" in label matching, expected string");
    refuse("a{b=c}", "1:5: parse error: unexpected identifier \"c\" in label matching, expected string");
    refuse("a b", "1:3: parse error: unexpected identifier \"b\"");
    refuse("sum(a) by b", "1:11: parse error: unexpected identifier \"b\" in grouping opts, expected \"(\"");
    refuse("foo(a)", "1:1: parse error: unknown function with name \"foo\"");
    refuse("a[5m", "1:5: parse error: unclosed left bracket");
    refuse("a[0]", "1:3: parse error: duration must be greater than 0");
    refuse("a[5m][5m]", "1:6: parse error: ranges only allowed for vector selectors");
    refuse("a offset 5m [1m]", "1:13: parse error: no offset modifiers allowed before range");
    refuse("a\n+\n  b(c)", "3:3: parse error: unknown function with name \"b\"");
    refuse("é + 1", "1:1: parse error: unexpected character: 'é'");
    refuse("a{b=~'('}", "1:3: parse error: error parsing regexp: unclosed group");
    refuse("limitk(1, a)", "1:1: parse error: limitk() is experimental and not enabled here");
    refuse("sum(a,)", "1:7: parse error: trailing commas not allowed in function call args");
}

#[test]
fn wrong_types_are_refused() {
    refuse("1 == 1", "1:1: parse error: comparisons between scalars must use BOOL modifier");
    refuse("1 + bool 1", "1:1: parse error: bool modifier can only be used on comparison operators");
    refuse("a + 'b'", "1:5: parse error: binary expression must contain only scalar and instant vector types");
    refuse("1 and a", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression");
    refuse("1 + on(x) a", "1:1: parse error: vector matching only allowed between instant vectors");
    refuse("a and on(x) group_left b", "1:13: parse error: no grouping allowed for \"and\" operation");
    refuse("a + on(x) group_left(x) b", "1:11: parse error: label \"x\" must not occur in ON and GROUP clause at once");
    refuse("sum(1)", "1:5: parse error: expected type instant vector in aggregation expression, got scalar");
    refuse("topk(a, a)", "1:6: parse error: expected type scalar in aggregation parameter, got instant vector");
    refuse(
        "topk(a)",
        "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1",
    );
    refuse("rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0");
    refuse(
        "-a[5m]",
        "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"range vector\"",
    );
    refuse("1[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got scalar instead");
    refuse("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher");
    refuse("{a=~'.*'}", "1:1: parse error: vector selector must contain at least one non-empty matcher");
    refuse("a{__name__='b'}", "1:1: parse error: metric name must not be set twice: \"a\" or \"b\"");
    refuse("{'a','b'}", "1:6: parse error: metric name must not be set twice: \"a\" or \"b\"");
    refuse("a offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times");
    refuse("a @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times");
    refuse(
        "sum(a) offset 1m",
        "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    );
    refuse("a @ Inf", "1:5: parse error: timestamp out of bounds for @ modifier: +Inf");
}

#[test]
fn deep_and_long_queries_are_refused_and_not_run_into() {
    let deep = |text: String| assert!(parse(&text).unwrap_err().message().contains("levels deep"), "{}", text.len());
    deep("(".repeat(10_000) + "1" + &")".repeat(10_000));
    deep("-".repeat(100_000) + "a");
    let chained = parse(&format!("1{}", "+1".repeat(10_000))).unwrap_err();
    assert!(chained.message().contains("operators follow one another; put parts of them in parentheses"), "{chained}");
    let parts = vec![format!("({})", vec!["a"; 100].join("+")); 100].join("+");
    assert!(parse(&parts).is_ok(), "parentheses help, as the message says");
    deep(format!("1{}", "^1".repeat(10_000)));
    deep("sum(".repeat(5_000) + "a" + &")".repeat(5_000));
    assert!(parse(&" ".repeat(QUERY_BYTES_MAX + 1)).unwrap_err().message().contains("bytes"));
    let chain = format!("a{}", " or a".repeat(250));
    let expr = parse(&chain).unwrap();
    assert_eq!(expr.clone().to_string(), chain);
    assert!(crate::evaluate_text(&chain, 0).is_ok());
    let nested = format!("{}1{}", "(".repeat(90), ")".repeat(90));
    assert!(crate::evaluate_text(&nested, 0).is_ok());
}
