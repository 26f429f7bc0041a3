//! Golden requests of every channel.

use super::super::Config;
use super::*;

fn note() -> Note {
    Note {
        id: 7,
        at: Time(1_772_438_400_000_000),
        what: What::Page,
        subject: "Critical: <Web> fails".into(),
        lines: vec!["no process \"nginx\" & co".into()],
        severity: "critical".into(),
        link: Some("https://it.example.org/monitoring/groups/9".into()),
        acknowledge: Some("https://it.example.org/acknowledge/abc".into()),
    }
}

fn made(kind: Kind, config: Config, address: &str) -> Prepared {
    let channel = Channel { id: 3, kind, config, enabled: true, ..Channel::default() };
    let secrets = Secrets {
        url: "https://chat.example.org/hook".into(),
        token: "s3cret".into(),
        headers: "Content-Type: application/json\nX-Key: {token}".into(),
        body: "{\"to\":\"{to}\",\"text\":\"{text}\"}".into(),
    };
    request(&channel, &secrets, address, &note()).unwrap()
}

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

#[test]
fn slack_gets_blocks_with_its_control_characters_escaped() {
    let prepared = made(Kind::Slack, Config::default(), "");
    assert_eq!((prepared.method, prepared.url.as_str()), ("POST", "https://chat.example.org/hook"));
    assert!(!prepared.headers.iter().any(|(name, _)| name == "authorization"), "the address is the secret");
    let expected = json!({
        "text": "Critical: &lt;Web&gt; fails",
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": "Critical: <Web> fails" } },
            { "type": "section", "text": { "type": "mrkdwn", "text": "no process \"nginx\" &amp; co" } },
            { "type": "actions", "elements": [
                { "type": "button", "text": { "type": "plain_text", "text": "Acknowledge" }, "url": "https://it.example.org/acknowledge/abc" },
                { "type": "button", "text": { "type": "plain_text", "text": "Open" }, "url": "https://it.example.org/monitoring/groups/9" },
            ] },
        ],
    });
    assert_eq!(body(&prepared), expected);
}

#[test]
fn teams_gets_an_adaptive_card() {
    let expected = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
                "body": [
                    { "type": "TextBlock", "text": "Critical: <Web> fails", "weight": "Bolder", "size": "Medium", "color": "Attention", "wrap": true },
                    { "type": "TextBlock", "text": "no process \"nginx\" & co", "wrap": true, "spacing": "Small" },
                ],
                "actions": [
                    { "type": "Action.OpenUrl", "title": "Acknowledge", "url": "https://it.example.org/acknowledge/abc" },
                    { "type": "Action.OpenUrl", "title": "Open", "url": "https://it.example.org/monitoring/groups/9" },
                ],
            },
        }],
    });
    assert_eq!(body(&made(Kind::Teams, Config::default(), "")), expected);
}

#[test]
fn matrix_gets_a_message_under_a_number_that_makes_a_repeat_harmless() {
    let prepared = made(Kind::Matrix, Config::default(), "!room:example.org");
    assert_eq!(prepared.method, "PUT");
    assert_eq!(
        prepared.url,
        "https://chat.example.org/hook/_matrix/client/v3/rooms/%21room%3Aexample.org/send/m.room.message/mainstay-7-1772438400000000"
    );
    assert!(prepared.headers.contains(&("authorization".into(), "Bearer s3cret".into())));
    let body = body(&prepared);
    assert_eq!((&body["msgtype"], &body["format"]), (&json!("m.text"), &json!("org.matrix.custom.html")));
    assert_eq!(
        body["formatted_body"],
        "<strong>Critical: &lt;Web&gt; fails</strong><br>no process &quot;nginx&quot; &amp; co<br><a href=\"https://it.example.org/acknowledge/abc\">Acknowledge</a><br><a href=\"https://it.example.org/monitoring/groups/9\">Open</a>"
    );
}

#[test]
fn ntfy_gets_topic_priority_and_a_button() {
    let expected = json!({
        "topic": "ops", "title": "Critical: <Web> fails", "message": "no process \"nginx\" & co", "priority": 5,
        "tags": ["rotating_light"], "click": "https://it.example.org/monitoring/groups/9",
        "actions": [{ "action": "view", "label": "Acknowledge", "url": "https://it.example.org/acknowledge/abc" }],
    });
    assert_eq!(body(&made(Kind::Ntfy, Config::default(), "ops")), expected);
}

#[test]
fn a_text_message_fills_the_templates_of_the_gateway_and_stays_in_its_place() {
    let config = Config { method: "POST".into(), ..Config::default() };
    let prepared = made(Kind::Sms, config, "+47 900");
    assert_eq!(
        prepared.headers,
        [("content-type".into(), "application/json".into()), ("x-key".into(), "s3cret".into())]
    );
    assert_eq!(
        body(&prepared),
        json!({ "to": "+47 900", "text": "Critical: <Web> fails. no process \"nginx\" & co https://it.example.org/acknowledge/abc" })
    );
}

#[test]
fn plain_text_holds_the_lines_and_the_links() {
    assert_eq!(
        note().text(),
        "no process \"nginx\" & co\n\nAcknowledge: https://it.example.org/acknowledge/abc\n\nOpen: https://it.example.org/monitoring/groups/9\n"
    );
    assert!(Note { lines: vec!["x".repeat(5_000)], acknowledge: None, ..note() }.short().chars().count() < 300);
}
