//! The tree of commands: our own, then `domain noun verb` for every operation, its flags drawn from its input schema.

use clap::{Arg, ArgAction, Command};
use kernel::{Effect, Entry, Registry};
use serde_json::Value;

/// The whole command.
pub fn command(registry: &Registry) -> Command {
    let mut root = Command::new("mainstay")
        .version(env!("CARGO_PKG_VERSION"))
        .about("The IT department in one program")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(common());
    for own in own() {
        root = root.subcommand(own);
    }
    for domain in registry.domains() {
        let mut entries: Vec<&Entry> = domain.operations.iter().collect();
        entries.sort_by_key(|entry| entry.name);
        if !entries.is_empty() {
            root = root.subcommand(domain_command(domain.name, &entries));
        }
    }
    root
}

/// Arguments every command takes.
fn common() -> Vec<Arg> {
    vec![
        Arg::new("data")
            .long("data")
            .global(true)
            .value_name("DIR")
            .env("MAINSTAY_DATA")
            .default_value("mainstay-data")
            .help("The data folder; its local socket is used when --server is not given"),
        Arg::new("server")
            .long("server")
            .global(true)
            .value_name("URL")
            .env("MAINSTAY_SERVER")
            .help("Talk to this server, with a token"),
        Arg::new("token")
            .long("token")
            .global(true)
            .value_name("TOKEN")
            .env("MAINSTAY_TOKEN")
            .hide_env_values(true)
            .help("An API token; better given in MAINSTAY_TOKEN than here"),
        Arg::new("token-stdin")
            .long("token-stdin")
            .global(true)
            .action(ArgAction::SetTrue)
            .help("Read the token from standard input"),
        Arg::new("output")
            .short('o')
            .long("output")
            .global(true)
            .value_parser(["table", "wide", "json", "yaml", "ndjson", "csv", "name"])
            .default_value("table")
            .help("How to print"),
        Arg::new("fields").long("fields").global(true).value_name("A,B").help("Only these fields"),
    ]
}

fn own() -> Vec<Command> {
    let listen = || {
        Arg::new("listen")
            .long("listen")
            .value_name("ADDR")
            .default_value("127.0.0.1:7300")
            .help("Where the console listens; loopback only")
    };
    let agents = || {
        Arg::new("agents-listen")
            .long("agents-listen")
            .value_name("ADDR")
            .default_value("127.0.0.1:7301")
            .help("Where agents connect, with TLS")
    };
    let key = || {
        Arg::new("key-file")
            .long("key-file")
            .value_name("FILE")
            .env("MAINSTAY_KEY_FILE")
            .help("The master key; default: beside the data folder")
    };
    vec![
        Command::new("up").about("Start everything on this machine: server and agent").args([
            listen(),
            agents(),
            key(),
            Arg::new("demo")
                .long("demo")
                .action(ArgAction::SetTrue)
                .help("Start with the demo company, in ./mainstay-demo unless --data says otherwise"),
            Arg::new("no-agent").long("no-agent").action(ArgAction::SetTrue).help("Do not start this machine's agent"),
        ]),
        Command::new("serve")
            .about("Run the server with a configuration file")
            .arg(Arg::new("config").long("config").value_name("FILE").required(true)),
        Command::new("agent").about("This machine's agent").subcommand_required(true).subcommand(
            Command::new("run").about("Run the agent until it is told to stop").args([
                Arg::new("dir").long("dir").value_name("DIR").required(true).help("The agent's own folder"),
                Arg::new("agent-server")
                    .long("to")
                    .value_name("WSS_URL")
                    .required(true)
                    .action(ArgAction::Append)
                    .help("wss://HOST:PORT/agent; may repeat"),
                Arg::new("with-parent")
                    .long("with-parent")
                    .action(ArgAction::SetTrue)
                    .help("End when the process that started it ends"),
                Arg::new("closed")
                    .long("closed")
                    .value_name("PATH")
                    .action(ArgAction::Append)
                    .help("A file or folder that no check looks into; may repeat"),
            ]),
        ),
        server(key()),
        demo(),
        super::releases::command(),
        Command::new("completions")
            .about("Print completions for a shell")
            .arg(Arg::new("shell").required(true).value_parser(["bash", "zsh", "fish"])),
    ]
}

fn server(key: Arg) -> Command {
    Command::new("server")
        .about("Look after the server's data")
        .subcommand_required(true)
        .args([
            key.global(true),
            Arg::new("config")
                .long("config")
                .global(true)
                .value_name("FILE")
                .help("The configuration file of \"mainstay serve\": it says where data, key and database are"),
        ])
        .subcommands([
            Command::new("doctor")
                .about("Check database, audit, key, disk and held effects; ends with 1 when something is wrong"),
            Command::new("backup")
                .about("Write a verified dump of everything")
                .arg(Arg::new("to").required(true).value_name("FILE")),
            Command::new("restore")
                .about("Restore a dump into an empty data folder; effects are held")
                .arg(Arg::new("from").required(true).value_name("FILE")),
            Command::new("rotate-key").about("Add a new master key and seal every secret with it"),
            Command::new("recovery-sheet").about("Print the master key, to be kept on paper away from the backups"),
            Command::new("release-held").about("Let jobs and mail of a restored server go"),
        ])
}

fn demo() -> Command {
    Command::new("demo").about("Things to try Mainstay with").subcommand_required(true).subcommands([
        Command::new("service")
            .about("A small service on loopback that exists to be killed")
            .arg(Arg::new("address").long("address").value_name("ADDR").default_value(crate::demo_service::ADDRESS)),
        Command::new("load").about("Fill an empty data folder with the demo company").arg(
            Arg::new("scale")
                .long("scale")
                .value_name("N")
                .default_value("1")
                .value_parser(clap::value_parser!(u64).range(1..=1_000))
                .help("1 is a company of 150 people with 250 things and 1,500 tickets"),
        ),
        Command::new("tour")
            .about("Watch the demo service: make its check, its runbook and the binding, and show each command"),
    ])
}

fn domain_command(name: &'static str, entries: &[&Entry]) -> Command {
    let mut nouns: Vec<(&str, Vec<&Entry>)> = Vec::new();
    for entry in entries {
        let noun = entry.name.split('.').nth(1).unwrap_or_default();
        match nouns.last_mut() {
            Some((known, list)) if *known == noun => list.push(entry),
            _ => nouns.push((noun, vec![entry])),
        }
    }
    let mut command = Command::new(name).about(about(name)).subcommand_required(true);
    for (noun, entries) in nouns {
        let names: Vec<&str> = entries.iter().filter_map(|entry| entry.name.split('.').nth(2)).collect();
        let verbs = entries.iter().map(|entry| verb_command(entry));
        command = command.subcommand(
            Command::new(noun.to_owned()).about(names.join(", ")).subcommand_required(true).subcommands(verbs),
        );
    }
    command
}

fn about(domain: &str) -> &'static str {
    match domain {
        "kernel" => "Audit, settings, approvals, jobs, notifications",
        "people" => "People, teams, places, roles, tokens",
        "assets" => "Things and what is known about them",
        "desk" => "The service desk",
        "monitor" => "Checks and alerts",
        "fleet" => "Agents and their jobs",
        "runbooks" => "Runbooks and their runs",
        _ => "Operations",
    }
}

fn verb_command(entry: &Entry) -> Command {
    let verb = entry.name.split('.').nth(2).unwrap_or_default().to_owned();
    if entry.name == super::rules::OPERATION {
        return super::rules::command(verb);
    }
    let mut command = Command::new(verb).about(entry.summary().to_owned()).args(flags(entry));
    command = command.arg(
        Arg::new("input").long("input").value_name("JSON").help("The whole input as JSON; \"-\" reads standard input"),
    );
    if entry.effect != Effect::Read {
        command = command.args([
            Arg::new("dry-run").long("dry-run").action(ArgAction::SetTrue).help("Only print what would change"),
            Arg::new("idempotency-key")
                .long("idempotency-key")
                .value_name("KEY")
                .help("A retry with the same key does nothing twice"),
        ]);
    }
    if entry.effect == Effect::Dangerous || entry.guarded {
        command =
            command.arg(Arg::new("yes").long("yes").action(ArgAction::SetTrue).help("Yes, do it: this can do harm"));
    }
    command
}

/// The flags of an operation: one per input field; fields in the path are positional.
pub fn flags(entry: &Entry) -> Vec<Arg> {
    let schema = entry.input_schema();
    let properties = schema.get("properties").and_then(Value::as_object);
    let taken = ["data", "server", "token", "output", "fields", "input", "dry-run", "yes", "help", "version"];
    let place = |name: &str| entry.route.path.find(&format!("{{{name}}}"));
    let mut fields: Vec<(&String, &Value)> = properties.into_iter().flatten().collect();
    fields.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    let mut args = Vec::new();
    for (name, property) in fields {
        let help = property.get("description").and_then(Value::as_str).unwrap_or_default();
        let arg = Arg::new(format!("field-{name}")).help(help.split("\n\n").next().unwrap_or_default().to_owned());
        let long = name.replace('_', "-");
        let long = if taken.contains(&long.as_str()) { format!("set-{long}") } else { long };
        args.push(match place(name) {
            Some(_) => arg.value_name(name.to_uppercase()),
            // A value may begin with a dash: a number below zero, an argument for a plugin.
            None => arg.long(long).value_name("VALUE").action(ArgAction::Append).allow_hyphen_values(true),
        });
    }
    args
}
