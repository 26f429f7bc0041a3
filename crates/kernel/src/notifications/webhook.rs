//! Webhooks: a POST with JSON, signed over time and body, so that the receiver can tell ours from others' and old from new.

use std::time::Duration;

use ring::hmac;
use serde_json::{Map, Value, json};

use super::Outgoing;
use super::deliver::Tried;
use super::settings::Webhooks;
use crate::error::ErrorKind;
use crate::fetch::{Request, fetch};
use crate::text::hex;
use crate::time::Time;

/// The name of a webhook's sealed key.
pub(super) fn secret(name: &str) -> String {
    format!("kernel.webhook.{name}")
}

/// `t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>" in hexadecimal>`.
pub(super) fn signature(key: &[u8], at: Time, body: &str) -> String {
    let seconds = at.0.div_euclid(1_000_000);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex(tag.as_ref()))
}

fn body(message: &Outgoing, more: Option<&Map<String, Value>>) -> String {
    let id = format!("{}-{}", message.id, message.at.0);
    // An event is posted as it is; other messages have a subject and a text.
    let mut body = match serde_json::from_str::<Value>(&message.body) {
        Ok(event) if event.get("event").is_some() => json!({ "id": id, "about": message.about, "data": event }),
        _ => {
            json!({ "id": id, "about": message.about, "at": message.at, "subject": message.subject, "body": message.body })
        }
    };
    if let Some(fields) = body.as_object_mut() {
        for (name, value) in more.into_iter().flatten() {
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    body.to_string()
}

/// Posts a message, with fields that its JSON has besides its own.
pub(super) fn send(
    settings: &Webhooks,
    key: Option<&[u8]>,
    (message, more): (&Outgoing, Option<&Map<String, Value>>),
    now: Time,
) -> Tried {
    let Some(webhook) = settings.webhooks.iter().find(|one| one.name == message.recipient) else {
        return Tried::never(format!("There is no webhook \"{}\" any more.", message.recipient));
    };
    let Some(key) = key else { return Tried::never("It has no signing key. Save the webhook again.") };
    let body = body(message, more);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("mainstay-signature", signature(key, now, &body)),
        ("mainstay-delivery", format!("{}-{}", message.id, message.at.0)),
    ];
    let request = Request {
        method: "POST",
        url: &webhook.url,
        headers: &headers,
        body: body.as_bytes(),
        timeout: Duration::from_secs(20),
        redirects: 0,
        allow_private: settings.allow_private,
    };
    let hidden = |message: &str| message.replace(&webhook.url, "(address)");
    match fetch(&request) {
        Ok(answer) => {
            let text: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
            let ok = (200..300).contains(&answer.status);
            let again = answer.status >= 500 || matches!(answer.status, 408 | 425 | 429);
            let whole = answer.status == 429;
            Tried { ok, again, whole, answer: format!("{} {text}", answer.status).trim().to_owned() }
        }
        Err(error) if error.kind == ErrorKind::Unavailable => Tried::nothing_passes(hidden(&error.message)),
        Err(error) => Tried::never(hidden(&error.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_time_and_body() {
        let at = Time(1_700_000_000_500_000);
        let signed = signature(b"key", at, "{}");
        assert!(signed.starts_with("t=1700000000,v1="));
        assert_eq!(signed, signature(b"key", Time(1_700_000_000_900_000), "{}"), "seconds only");
        for other in
            [signature(b"kez", at, "{}"), signature(b"key", at.plus(1_000_000), "{}"), signature(b"key", at, "[]")]
        {
            assert_ne!(signed, other);
        }
    }
}
