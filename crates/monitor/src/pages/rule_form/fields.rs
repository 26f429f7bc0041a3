//! The fields of the editor: what every rule has, and the two ways to say what is wrong.

use web::ui::{Button, Field, Form};

use super::View;

pub(super) fn form(view: &View) -> Form {
    let text = |name: &str, label: &str| Field::text(name, label).value(view.get(name));
    let mut form = Form::get(view.here())
        .swap("rule-preview")
        .as_typed()
        .field(Field::hidden("by_form", if view.by_form { "1" } else { "0" }))
        .fields([
            text("name", "Name").required().length_max(200).placeholder("HighLoad"),
            Field::select("makes", "Makes", [("alert", "Alerts"), ("record", "A series of that name")])
                .value(view.get("makes")),
        ]);
    form = if view.by_form { by_form(form, view) } else { by_expression(form, view) };
    form.fields([
        text("for", "Must be true for").placeholder("5m").help("Left empty, the alert is out at once."),
        text("keep_firing_for", "Stays out for").placeholder("0s").help("So long after it is not true any more."),
    ])
    .fields([
        Field::input("number", "fire_n", "True at").value(view.get("fire_n")).placeholder("1"),
        Field::input("number", "fire_m", "Of the last evaluations").value(view.get("fire_m")).placeholder("1"),
    ])
    .fields([
        Field::select("severity", "Severity", [("warning", "Warning"), ("critical", "Critical")])
            .value(view.get("severity")),
        Field::select("team", "Team that is told", view.teams.clone()).value(view.get("team")),
    ])
    .fields([
        Field::select("missing", "Missing data", [("keep", "Keeps the alert as it is"), ("clear", "Ends the alert")])
            .value(view.get("missing")),
        text("interval", "Evaluated every").placeholder("30s"),
    ])
    .field(
        Field::textarea("annotations", "Annotations")
            .value(view.get("annotations"))
            .mono()
            .placeholder("summary: the load is {{ $value | humanize }}")
            .help("A line each: name: text. Templates as in Prometheus."),
    )
    .field(Field::textarea("labels", "Labels").value(view.get("labels")).mono().placeholder("service: shop"))
    .action(Button::submit("Preview").primary())
    .action(Button::link(
        "Cancel",
        view.rule.map_or("/monitoring/rules".to_owned(), |(id, _)| format!("/monitoring/rules/{id}")),
    ))
}

fn by_expression(form: Form, view: &View) -> Form {
    form.field(
        Field::textarea("expr", "Fires when").value(view.get("expr")).required().mono().placeholder("node_load1 > 4"),
    )
    .field(
        Field::text("clear", "Ends when")
            .value(view.get("clear"))
            .mono()
            .placeholder("node_load1 < 3")
            .help("Left empty, the alert ends when it is not true any more."),
    )
}

fn by_form(form: Form, view: &View) -> Form {
    let text = |name: &str, label: &str| Field::text(name, label).value(view.get(name));
    let over = [
        ("now", "The newest value"),
        ("rate", "Growth per second"),
        ("increase", "Growth over the window"),
        ("avg", "Mean over the window"),
        ("min", "Smallest in the window"),
        ("max", "Largest in the window"),
    ];
    let together = [
        ("each", "Each by itself"),
        ("sum", "Sum"),
        ("avg", "Mean"),
        ("min", "Smallest"),
        ("max", "Largest"),
        ("count", "How many"),
    ];
    let compare = [
        ("above", "above"),
        ("at_least", "at least"),
        ("below", "below"),
        ("at_most", "at most"),
        ("equal", "equal to"),
        ("not_equal", "other than"),
    ];
    form.fields([
        text("metric", "Metric").required().mono().suggest(view.metrics.clone()).placeholder("node_load1"),
        text("matchers", "Only series with").mono().placeholder("device=\"eth0\""),
    ])
    .fields([Field::select("over", "Take", over).value(view.get("over")), text("window", "Window").placeholder("5m")])
    .fields([
        Field::select("together", "Together", together).value(view.get("together")),
        text("by", "By labels").placeholder("asset"),
    ])
    .fields([
        Field::select("compare", "Is", compare).value(view.get("compare")),
        text("threshold", "Fires at").required().mono(),
        text("clear_threshold", "Ends at").mono(),
    ])
}
