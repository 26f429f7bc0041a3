//! Headers and bodies that earlier versions kept as they were typed are sealed at the start.

use kernel::{Actor, Cx, Error, Handle, Result};
use serde_json::Value;

use super::{secret, store, template};

/// Takes plain headers and bodies out of a configuration that was written down; true when there were any.
pub(crate) fn blank(config: &mut Value) -> bool {
    let headers = text(config, "headers").to_owned();
    let Some(fields) = config.as_object_mut() else { return false };
    let body = fields.remove("body").is_some_and(|body| !body.as_str().unwrap_or_default().is_empty());
    if body {
        fields.insert("has_body".into(), true.into());
    }
    if headers.contains(':') {
        fields.insert("headers".into(), template::names(&headers).into());
    }
    body || headers.contains(':')
}

/// Seals what is still plain. Harmless to repeat.
pub(crate) fn plain_templates(kernel: &Handle) -> Result<()> {
    let plain = |config: &Value| text(config, "headers").contains(':') || !text(config, "body").is_empty();
    let all = kernel.db.read(store::configs)?;
    let mut left: Vec<(i64, Value)> = all.into_iter().filter(|(_, config)| plain(config)).collect();
    while let Some((id, config)) = left.pop() {
        let service = Actor::service("paging", &[]);
        kernel.write_as(service, "paging.channel.seal", move |cx| seal(cx, id, config.clone()))?;
    }
    Ok(())
}

fn text<'a>(config: &'a Value, name: &str) -> &'a str {
    config.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn seal(cx: &mut Cx, id: i64, mut config: Value) -> Result<()> {
    for part in ["headers", "body"] {
        let plain = text(&config, part).to_owned();
        if !plain.is_empty() {
            cx.put_secret(&secret(id, part), plain.as_bytes())?;
        }
    }
    let (names, has_body) = (template::names(text(&config, "headers")), !text(&config, "body").is_empty());
    if let Some(fields) = config.as_object_mut() {
        fields.remove("body");
        fields.insert("headers".into(), names.into());
        fields.insert("has_body".into(), has_body.into());
    }
    let config = serde_json::to_string(&config).map_err(|error| Error::internal("channel-not-json", error))?;
    store::set_config(cx.tx, id, &config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_templates_are_taken_out_of_what_was_written_down() {
        let mut config = json!({ "host": "sms.example.org", "headers": "X-Key: k1\nAccept: b", "body": "token=k2" });
        assert!(blank(&mut config));
        assert_eq!(config, json!({ "host": "sms.example.org", "headers": "X-Key\nAccept", "has_body": true }));
        assert!(!blank(&mut config) && !blank(&mut Value::Null));
    }
}
