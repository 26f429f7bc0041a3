//! From a step with its inputs to the action that an agent gets.

use agent_proto::{Action, Probe as AgentProbe, ProcessName, ServiceVerb};
use kernel::{Error, Result};
use serde_json::Value;

use crate::book::{Act, Command, Probe, Step, Verb, Word};
use crate::inputs::Values;

/// How long a single look may take, in milliseconds.
const LOOK_MS: u32 = 10_000;
/// How long a verification looks when it does not say, in seconds.
const VERIFY_S: u32 = 30;

/// An action and how long it may take.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Planned {
    pub(crate) action: Action,
    pub(crate) timeout_s: u32,
}

impl Planned {
    /// As the agent protocol writes it in JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::to_value(&self.action).map_err(|error| Error::internal("action-not-json", error))
    }
}

fn text(word: &Word, values: &Values) -> Result<String> {
    let name = word.input().unwrap_or_default();
    word.text(values)
        .ok_or_else(|| Error::invalid(&format!("inputs.{name}"), format!("The input \"{name}\" has no value.")))
}

/// What the step's check looks at.
pub(crate) fn check(step: &Step, values: &Values) -> Result<Option<Planned>> {
    let Some(wanted) = &step.check else { return Ok(None) };
    let action = Action::Probe { probe: probe(wanted, values)?, timeout_ms: LOOK_MS };
    Ok(Some(Planned { action, timeout_s: LOOK_MS / 1000 + 5 }))
}

/// What proves the step: its verification, or else its check.
pub(crate) fn verify(step: &Step, values: &Values) -> Result<Option<Planned>> {
    let verify = step.verify.as_ref().and_then(|verify| verify.probe.as_ref().map(|probe| (probe, verify.within_s)));
    let Some((wanted, within_s)) = verify.or_else(|| step.check.as_ref().map(|probe| (probe, None))) else {
        return Ok(None);
    };
    let within_s = within_s.unwrap_or(VERIFY_S);
    let action =
        Action::WaitFor { probe: probe(wanted, values)?, every_ms: 1_000, timeout_ms: within_s.saturating_mul(1_000) };
    Ok(Some(Planned { action, timeout_s: within_s.saturating_add(5) }))
}

/// What an act does on the machine; `None` for acts of people and of the server.
pub(crate) fn act(act: Act<'_>, timeout_s: u32, values: &Values) -> Result<Option<Planned>> {
    let timeout_ms = timeout_s.saturating_mul(1_000);
    let action = match act {
        Act::Command(command) => self::command(command, timeout_ms, values)?,
        Act::Service(service) => Action::Service { unit: unit(&service.unit, values)?, verb: verb(service.verb) },
        Act::Http(http) => Action::Http {
            method: http.method.clone(),
            url: url(&http.url, values)?,
            headers: pairs(&http.headers, values)?,
            body: http.body.as_ref().map(|body| text(body, values)).transpose()?,
            expect_status: http.expect_status.clone(),
            timeout_ms,
        },
        Act::WaitFor(wait) => Action::WaitFor {
            probe: probe(&wait.probe, values)?,
            every_ms: wait.every_s.unwrap_or(1).saturating_mul(1_000),
            timeout_ms,
        },
        Act::Operation(_) | Act::Approval(_) | Act::Human(_) => return Ok(None),
    };
    Ok(Some(Planned { action, timeout_s: timeout_s.saturating_add(5) }))
}

fn command(command: &Command, timeout_ms: u32, values: &Values) -> Result<Action> {
    let argv: Result<Vec<String>> = command.argv.iter().map(|word| text(word, values)).collect();
    let input_json = if command.input_file {
        Some(serde_json::to_string(values).map_err(|error| Error::internal("inputs-not-json", error))?)
    } else {
        None
    };
    Ok(Action::Command {
        argv: argv?,
        env: pairs(&command.env, values)?,
        input_json,
        timeout_ms,
        detach: command.detach,
    })
}

fn pairs(words: &std::collections::BTreeMap<String, Word>, values: &Values) -> Result<Vec<(String, String)>> {
    words.iter().map(|(name, word)| Ok((name.clone(), text(word, values)?))).collect()
}

fn verb(verb: Verb) -> ServiceVerb {
    match verb {
        Verb::Start => ServiceVerb::Start,
        Verb::Stop => ServiceVerb::Stop,
        Verb::Restart => ServiceVerb::Restart,
        Verb::Reload => ServiceVerb::Reload,
    }
}

fn unit(word: &Word, values: &Values) -> Result<String> {
    let unit = text(word, values)?;
    let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'.' | b'_' | b'-' | b':' | b'\\');
    if unit.is_empty() || unit.starts_with('-') || unit.len() > 255 || !unit.bytes().all(sound) {
        return Err(Error::invalid(
            "unit",
            format!("\"{}\" is not the name of a unit.", kernel::text::shorten(&unit, 60)),
        ));
    }
    Ok(unit)
}

fn url(word: &Word, values: &Values) -> Result<String> {
    let url = text(word, values)?;
    if url.starts_with("http://") || url.starts_with("https://") {
        Ok(url)
    } else {
        Err(Error::invalid("url", "An address begins with http:// or https://."))
    }
}

fn probe(probe: &Probe, values: &Values) -> Result<AgentProbe> {
    if let Some(process) = &probe.process {
        let name = match (&process.name, &process.command_line) {
            (Some(name), _) => ProcessName::Exact(text(name, values)?),
            (None, Some(part)) => ProcessName::CommandLineContains(text(part, values)?),
            (None, None) => return Err(Error::internal("probe-empty", "process")),
        };
        return Ok(AgentProbe::Process { name, min_count: process.min_count.unwrap_or(1) });
    }
    if let Some(tcp) = &probe.tcp {
        return Ok(AgentProbe::Tcp { host: text(&tcp.host, values)?, port: tcp.port });
    }
    if let Some(http) = &probe.http {
        let (expect_status, contains) = (http.expect_status.clone(), http.contains.clone());
        return Ok(AgentProbe::Http { url: url(&http.url, values)?, expect_status, contains, max_redirects: 5 });
    }
    if let Some(disk) = &probe.file_system {
        return Ok(AgentProbe::FileSystem {
            mount: text(&disk.mount, values)?,
            max_used_percent: disk.max_used_percent,
        });
    }
    match &probe.unit {
        Some(name) => Ok(AgentProbe::Unit { name: unit(name, values)? }),
        None => Err(Error::internal("probe-empty", "no field")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_input_stays_one_argument_whatever_it_holds() {
        let book = crate::book::parse::parse(
            "name: a\ntitle: A\ntarget: m\ninputs:\n  m: {type: asset}\n  path: {type: text}\nsteps:\n  - name: s\n    \
             command: {argv: [/usr/bin/stat, {input: path}, 5], env: {WHERE: {input: path}}, input_file: true}\n",
        )
        .unwrap();
        let values: Values = serde_json::from_value(json!({"m": 1, "path": "a b; rm -rf / $(x) '\""})).unwrap();
        let planned = act(book.steps[0].act().unwrap(), 60, &values).unwrap().unwrap();
        let Action::Command { argv, env, input_json, .. } = planned.action else { panic!() };
        assert_eq!(argv, ["/usr/bin/stat", "a b; rm -rf / $(x) '\"", "5"]);
        assert_eq!(env, [("WHERE".to_owned(), "a b; rm -rf / $(x) '\"".to_owned())]);
        assert_eq!(serde_json::from_str::<Value>(&input_json.unwrap()).unwrap(), json!(values));
        let none = act(book.steps[0].act().unwrap(), 60, &Values::new()).unwrap_err();
        assert_eq!(none.field.as_deref(), Some("inputs.path"));
    }

    #[test]
    fn a_unit_or_address_from_an_input_is_checked_where_it_is_used() {
        let values: Values = serde_json::from_value(json!({"x": "a b"})).unwrap();
        assert!(unit(&Word::Input("x".into()), &values).is_err());
        assert!(unit(&Word::Plain("--now".into()), &values).is_err());
        assert!(url(&Word::Input("x".into()), &values).is_err());
        assert!(unit(&Word::Plain("getty@tty1.service".into()), &values).is_ok());
    }
}
