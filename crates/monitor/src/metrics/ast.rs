//! An expression as Prometheus' HTTP API tells it (`parse_query`; prometheus `web/api/v1/translate_ast.go`): tools draw it as a
//! tree, and read the names and labels of a query from it.

use promql::{
    At, BinaryOp, Cardinality, Edges, Expr, ExprKind, Function, Grouping, MatchOp, Matcher, Matching, Modifiers,
    Repeat, Selector, ValueType,
};
use serde_json::{Map, Value, json};

/// The tree of an expression. The parser bounds how deep it is.
pub(super) fn tree(expr: &Expr) -> Value {
    match &expr.kind {
        ExprKind::Number(value) => json!({ "type": "numberLiteral", "val": promql::format_plain(*value) }),
        ExprKind::Text(text) => json!({ "type": "stringLiteral", "val": text.value }),
        ExprKind::Selector(selector) => with("vectorSelector", chosen(selector)),
        ExprKind::Range(range) => {
            let mut fields = chosen(&range.selector);
            fields.insert("range".into(), range.range_ms.into());
            with("matrixSelector", fields)
        }
        ExprKind::Subquery(sub) => {
            let mut fields = moment(&sub.when);
            fields.insert("expr".into(), tree(&sub.expr));
            fields.insert("range".into(), sub.range_ms.into());
            fields.insert("step".into(), sub.step_ms.unwrap_or_default().into());
            with("subquery", fields)
        }
        ExprKind::Call(call) => json!({
            "type": "call", "func": function(call.function), "args": call.args.iter().map(tree).collect::<Vec<Value>>(),
        }),
        ExprKind::Aggregate(one) => {
            let Grouping { without, labels } = &one.grouping;
            json!({
                "type": "aggregation", "op": one.op.name(), "expr": tree(&one.expr), "param": one.param.as_ref().map(tree),
                "grouping": labels, "without": without,
            })
        }
        ExprKind::Binary(one) => json!({
            "type": "binaryExpr", "op": one.op.name(), "lhs": tree(&one.left), "rhs": tree(&one.right),
            "matching": one.matching.as_ref().map(|matching| matched(matching, one.op)), "bool": one.returns_bool,
        }),
        ExprKind::Unary(negative, inner) => {
            json!({ "type": "unaryExpr", "op": if *negative { "-" } else { "+" }, "expr": tree(inner) })
        }
        ExprKind::Paren(inner) => json!({ "type": "parenExpr", "expr": tree(inner) }),
    }
}

fn with(kind: &str, mut fields: Map<String, Value>) -> Value {
    fields.insert("type".into(), kind.into());
    Value::Object(fields)
}

fn chosen(selector: &Selector) -> Map<String, Value> {
    let mut fields = moment(&selector.when);
    fields.insert("name".into(), selector.name.clone().unwrap_or_default().into());
    fields.insert("matchers".into(), selector.matchers.iter().map(matcher).collect::<Vec<Value>>().into());
    fields.insert("anchored".into(), (selector.edges == Edges::Anchored).into());
    fields.insert("smoothed".into(), (selector.edges == Edges::Smoothed).into());
    fields
}

fn matcher(one: &Matcher) -> Value {
    let op: MatchOp = one.op();
    json!({ "name": one.name(), "value": one.value(), "type": op.name() })
}

/// `offset` and `@`.
fn moment(when: &Modifiers) -> Map<String, Value> {
    let (timestamp, edge) = match when.at {
        None => (Value::Null, Value::Null),
        Some(At::Time(ms)) => (ms.into(), Value::Null),
        Some(At::Start) => (Value::Null, "start".into()),
        Some(At::End) => (Value::Null, "end".into()),
    };
    Map::from_iter([
        ("offset".to_owned(), when.offset_ms.into()),
        ("timestamp".to_owned(), timestamp),
        ("startOrEnd".to_owned(), edge),
    ])
}

fn matched(matching: &Matching, op: BinaryOp) -> Value {
    let card = match matching.card {
        _ if op.is_set() => "many-to-many",
        Cardinality::OneToOne => "one-to-one",
        Cardinality::ManyToOne => "many-to-one",
        Cardinality::OneToMany => "one-to-many",
        Cardinality::ManyToMany => "many-to-many",
    };
    json!({
        "card": card, "labels": matching.labels, "on": matching.on, "include": matching.include,
        "fillValues": { "lhs": matching.fill_left, "rhs": matching.fill_right },
    })
}

fn function(one: &Function) -> Value {
    let variadic = match one.repeat {
        Repeat::Once => 0,
        Repeat::UpTo(times) => i64::try_from(times).unwrap_or(i64::MAX),
        Repeat::Any => -1,
    };
    let types: Vec<&str> = one.args.iter().map(|of| kind(*of)).collect();
    json!({ "name": one.name, "argTypes": types, "variadic": variadic, "returnType": kind(one.returns) })
}

fn kind(of: ValueType) -> &'static str {
    match of {
        ValueType::Scalar => "scalar",
        ValueType::Text => "string",
        ValueType::Vector => "vector",
        ValueType::Matrix => "matrix",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        tree(&promql::parse(text).unwrap())
    }

    #[test]
    fn a_query_is_told_as_the_tree_that_prometheus_tells() {
        let selector = |name: &str| {
            json!({
                "type": "vectorSelector", "name": name, "offset": 0, "timestamp": null, "startOrEnd": null,
                "matchers": [{"name": "__name__", "type": "=", "value": name}], "anchored": false, "smoothed": false,
            })
        };
        assert_eq!(read("foo"), selector("foo"));
        assert_eq!(
            read("sum by (job) (foo) / on (job) group_left () (bar)"),
            json!({
                "type": "binaryExpr", "op": "/", "bool": false,
                "lhs": {"type": "aggregation", "op": "sum", "expr": selector("foo"), "param": null, "grouping": ["job"], "without": false},
                "rhs": {"type": "parenExpr", "expr": selector("bar")},
                "matching": {"card": "many-to-one", "labels": ["job"], "on": true, "include": [], "fillValues": {"lhs": null, "rhs": null}},
            })
        );
        let call = read("rate(foo{a!~\"b\"}[5m] offset 1m)");
        assert_eq!(call["func"]["argTypes"], json!(["matrix"]));
        assert_eq!((&call["args"][0]["range"], &call["args"][0]["offset"]), (&json!(300_000), &json!(60_000)));
        assert_eq!(call["args"][0]["matchers"][0], json!({"name": "a", "type": "!~", "value": "b"}));
        assert_eq!(read("-foo")["type"], "unaryExpr");
        assert_eq!(read("foo[1h:5m] @ end()")["startOrEnd"], "end");
        assert_eq!(read("foo and bar")["matching"]["card"], "many-to-many");
        assert_eq!(read("\"x\"")["val"], "x");
        let numbers = ["1e6", "1e21", "0.00001", "Inf", "0x10"].map(|text| read(text)["val"].clone());
        assert_eq!(numbers, ["1000000", "1000000000000000000000", "0.00001", "+Inf", "16"]);
    }
}
