//! Operations over the local socket or a server's REST API.

use clap::ArgMatches;
use kernel::operation::coerce;
use kernel::{Entry, Error, Registry, Result};
use serde_json::Value;

use super::client::{Client, Request};
use super::output;

/// Runs `domain noun verb`.
pub(super) fn run(matches: &ArgMatches, registry: &Registry) -> Result<()> {
    let (name, verb) = operation(matches).ok_or_else(|| Error::invalid("command", "Say what to do; see --help."))?;
    let entry = registry.operation(&name).ok_or_else(|| Error::not_found(format!("The command \"{name}\"")))?;
    let request = request(entry, verb)?;
    let client = Client::of(matches)?;
    let answer = client.send(&request)?;
    output::print(matches, &answer)
}

/// A call by name with JSON input, over the same way as the command line's own.
pub(crate) fn call(matches: &ArgMatches, registry: &Registry, name: &str, input: Value) -> Result<Value> {
    let entry = registry.operation(name).ok_or_else(|| Error::not_found(format!("The operation \"{name}\"")))?;
    Client::of(matches)?.send(&Request::of(entry, input)?)
}

fn operation(matches: &ArgMatches) -> Option<(String, &ArgMatches)> {
    let (domain, matches) = matches.subcommand()?;
    let (noun, matches) = matches.subcommand()?;
    let (verb, matches) = matches.subcommand()?;
    Some((format!("{domain}.{noun}.{verb}"), matches))
}

fn request(entry: &Entry, matches: &ArgMatches) -> Result<Request> {
    let mut pairs = Vec::new();
    for name in
        entry.input_schema().get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name)
    {
        for value in matches.get_many::<String>(&format!("field-{name}")).into_iter().flatten() {
            pairs.push((name.clone(), value.clone()));
        }
    }
    let mut input = whole_input(matches)?;
    if let (Value::Object(all), Value::Object(given)) = (&mut input, coerce(&pairs, entry.input_schema())?) {
        all.extend(given);
    }
    let flag = |name: &str| matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or(false);
    let key = matches.try_get_one::<String>("idempotency-key").ok().flatten().cloned();
    Ok(Request { dry_run: flag("dry-run"), confirmed: flag("yes"), idempotency_key: key, ..Request::of(entry, input)? })
}

fn whole_input(matches: &ArgMatches) -> Result<Value> {
    let text = match matches.get_one::<String>("input").map(String::as_str) {
        None => return Ok(Value::Object(serde_json::Map::new())),
        Some("-") => std::io::read_to_string(std::io::stdin())
            .map_err(|error| Error::invalid("input", format!("Standard input cannot be read: {error}.")))?,
        Some(text) => text.to_owned(),
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(fields)) => Ok(Value::Object(fields)),
        Ok(_) => Err(Error::invalid("input", "The input must be a JSON object.")),
        Err(error) => Err(Error::invalid("input", format!("This is not JSON: {error}."))),
    }
}
