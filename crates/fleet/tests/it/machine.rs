//! A machine with an agent, without sockets: it says what a real agent would say, byte for byte.

use std::sync::{Arc, Mutex};

use agent_proto::*;
use fleet::link::{Reply, Session};
use kernel::world::World;
use kernel::{Actor, Handle};
use serde_json::{Value, json};

pub(crate) const EXPORT: [u8; 32] = [9; 32];

pub(crate) fn world() -> World {
    World::new(vec![people::domain().kernel, assets::domain().kernel, fleet::domain().kernel]).unwrap()
}

/// Closes a world and opens it again on the same data: a restart of the server.
pub(crate) fn restart(world: World) -> World {
    let (folder, clock) = (world.folder().to_owned(), world.clock.clone());
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let moved = folder.with_file_name(format!("{name}.again"));
    std::fs::rename(&folder, &moved).unwrap();
    drop(world);
    let source = match std::env::var("MAINSTAY_TEST_POSTGRES") {
        Ok(url) if !url.is_empty() => {
            kernel::db::Source::Postgres(url, name.split(".again").next().unwrap_or(&name).to_owned())
        }
        _ => kernel::db::Source::Sqlite(moved.join("mainstay.db")),
    };
    let domains = vec![people::domain().kernel, assets::domain().kernel, fleet::domain().kernel];
    World::open(domains, kernel::db::Options::default(), source, moved, clock).unwrap()
}

pub(crate) fn admin() -> Actor {
    Actor::os("root")
}

pub(crate) fn token(world: &World, input: Value) -> EnrolmentToken {
    let made = world.call(&admin(), "fleet.token.create", input).unwrap();
    made["token"].as_str().unwrap().parse().unwrap()
}

pub(crate) struct Machine {
    pub(crate) key: SigningKey,
    pub(crate) hints: IdentityHints,
    pub(crate) boot_id: String,
    pub(crate) agent_id: [u8; 16],
    pub(crate) server_key: [u8; 32],
}

pub(crate) struct Connection {
    pub(crate) session: Session,
    pub(crate) nonce: [u8; 32],
    pub(crate) pushed: Arc<Mutex<Vec<Vec<u8>>>>,
    pub(crate) dropped: std::sync::Weak<()>,
}

pub(crate) fn dial(kernel: &Handle) -> Connection {
    let pushed = Arc::new(Mutex::new(Vec::new()));
    let alive = Arc::new(());
    let (list, dropped) = (pushed.clone(), Arc::downgrade(&alive));
    let push: fleet::hub::Push = Arc::new(move |frame| {
        let _alive = &alive;
        list.lock().unwrap().push(frame);
        true
    });
    let (session, challenge) = Session::open(kernel, EXPORT, "127.0.0.1", push).unwrap();
    let FromServer::Challenge { nonce, .. } = said(&challenge) else { panic!("no challenge") };
    Connection { session, nonce, pushed, dropped }
}

pub(crate) fn said(frame: &[u8]) -> FromServer {
    decode::<FromServer>(frame).unwrap().message
}

impl Connection {
    pub(crate) fn say(&mut self, message: FromAgent) -> Reply {
        self.session.receive(&encode(&Frame::direct(message)).unwrap()).unwrap()
    }

    pub(crate) fn answers(&mut self, message: FromAgent) -> Vec<FromServer> {
        self.say(message).frames.iter().map(|frame| said(frame)).collect()
    }

    pub(crate) fn refusal(&mut self, message: FromAgent) -> RefusalCode {
        let reply = self.say(message);
        assert!(reply.close);
        match said(reply.frames.last().unwrap()) {
            FromServer::Refused(refusal) => refusal.code,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn durable(&mut self, seq: u64, event: Durable) -> Vec<FromServer> {
        self.answers(FromAgent::Durable { lane: Lane::Results, seq, event })
    }

    /// What was pushed since the last look.
    pub(crate) fn pushed(&self) -> Vec<FromServer> {
        self.pushed.lock().unwrap().drain(..).map(|frame| said(&frame)).collect()
    }

    /// True once nobody can push any more: the server closes the connection then.
    pub(crate) fn is_cut(&self) -> bool {
        self.dropped.upgrade().is_none()
    }
}

impl Machine {
    pub(crate) fn new(name: &str) -> Self {
        let (key, _) = SigningKey::generate().unwrap();
        let hints = IdentityHints {
            hostname: name.into(),
            machine_id: Some(format!("machine-{name}")),
            dmi_uuid: Some(format!("dmi-{name}")),
            serial: None,
            macs: Vec::new(),
        };
        Self { key, hints, boot_id: format!("boot-{name}"), agent_id: [0; 16], server_key: [0; 32] }
    }

    /// Another machine that holds the same key.
    pub(crate) fn clone_of(other: &Self, seed: &[u8; 32], name: &str) -> Self {
        let fresh = Self::new(name);
        let key = SigningKey::from_seed(seed).unwrap();
        Self { key, agent_id: other.agent_id, server_key: other.server_key, ..fresh }
    }

    pub(crate) fn enrol_message(&self, connection: &Connection, token: &EnrolmentToken) -> FromAgent {
        FromAgent::Enrol(Enrol {
            token_secret: token.secret,
            public_key: self.key.public(),
            signature: prove(&self.key, Purpose::Enrol, &connection.nonce, &EXPORT),
            agent_version: "0.1.0".into(),
            hints: self.hints.clone(),
        })
    }

    /// Enrols; answers whether it is pending.
    pub(crate) fn enrol(&mut self, kernel: &Handle, token: &EnrolmentToken) -> bool {
        let mut connection = dial(kernel);
        let message = self.enrol_message(&connection, token);
        match connection.answers(message).pop().unwrap() {
            FromServer::Enrolled(enrolled) => {
                self.agent_id = enrolled.agent_id;
                self.server_key = enrolled.server_public_key;
                enrolled.pending
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn prove_message(&self, connection: &Connection) -> FromAgent {
        FromAgent::Prove(Prove {
            public_key: self.key.public(),
            signature: prove(&self.key, Purpose::Prove, &connection.nonce, &EXPORT),
        })
    }

    pub(crate) fn hello(&self) -> FromAgent {
        FromAgent::Hello(Box::new(self.greeting()))
    }

    fn greeting(&self) -> Hello {
        Hello {
            agent_version: "0.1.0".into(),
            boot_id: self.boot_id.clone(),
            run_id: [1; 16],
            hints: self.hints.clone(),
            policy_digest: [0; 32],
            classes_allowed: vec![Class::A],
            clock_us: 0,
            resume: Vec::new(),
            checks_generation: 0,
        }
    }

    /// Signs in as an agent of today does, with a version of its program.
    pub(crate) fn connect_ably(&self, kernel: &Handle, version: &str) -> (Connection, Vec<FromServer>) {
        let mut connection = dial(kernel);
        let message = self.prove_message(&connection);
        assert!(connection.answers(message).is_empty());
        let hello = Hello { agent_version: version.into(), ..self.greeting() };
        let abilities = ability::ALL.iter().map(|word| (*word).to_owned()).chain(["tomorrow".to_owned()]).collect();
        let greeting = Greeting { hello, abilities, target: "x86_64-unknown-linux-gnu".into() };
        let mut answers = connection.answers(FromAgent::Greeting(Box::new(greeting)));
        assert!(matches!(answers.first(), Some(FromServer::Welcome(_))), "{answers:?}");
        answers.remove(0);
        (connection, answers)
    }

    /// Signs in and answers the open connection with what came after the welcome.
    pub(crate) fn connect(&self, kernel: &Handle) -> (Connection, Vec<FromServer>) {
        let mut connection = dial(kernel);
        let message = self.prove_message(&connection);
        assert!(connection.answers(message).is_empty());
        let mut answers = connection.answers(self.hello());
        assert!(matches!(answers.first(), Some(FromServer::Welcome(_))), "{answers:?}");
        answers.remove(0);
        (connection, answers)
    }
}

/// An enrolled, active machine.
pub(crate) fn enrolled(world: &World, name: &str) -> Machine {
    let token = token(world, json!({ "name": name, "auto_approve": true }));
    let mut machine = Machine::new(name);
    assert!(!machine.enrol(&world.kernel, &token));
    world.settle().unwrap();
    machine
}

pub(crate) fn agents(world: &World, input: Value) -> Vec<Value> {
    world.call(&admin(), "fleet.agent.list", input).unwrap()["items"].as_array().unwrap().clone()
}

/// Titles of the newest events about a thing, newest first.
pub(crate) fn events(world: &World, kind: &'static str, id: i64) -> Vec<String> {
    let subject = kernel::Ref::new(kind, id);
    let found = world.kernel.read_as(&admin(), |cx| cx.timeline(&subject, None, 50)).unwrap();
    found.into_iter().map(|event| event.name).collect()
}

pub(crate) fn count(names: &[String], name: &str) -> usize {
    names.iter().filter(|one| *one == name).count()
}
