//! The greeting: is it still the one machine, then welcome, feeds, jobs, and the order to stop if one stands.

use agent_proto::{Class, FromServer, Greeting, Hello, Profile, RefusalCode, Welcome, ability};
use kernel::Cx;

use super::{End, Open, Phase, Session, admitted, service};
use crate::agent::{self, Agent};
use crate::events::{AgentConnected, AgentRebooted, agent_ref, asset_ref};
use crate::hub::{Able, Connection};
use crate::{deliver, stop};

/// Why a greeting cannot come from the machine that the key belongs to.
fn doubt(agent: &Agent, hello: &Hello) -> Option<&'static str> {
    let differs = |known: &str, said: &Option<String>| {
        said.as_ref().is_some_and(|said| !known.is_empty() && !said.is_empty() && known != said)
    };
    let rebooted = !agent.boot_id.is_empty() && agent.boot_id != hello.boot_id;
    if rebooted
        && differs(&agent.machine_id, &hello.hints.machine_id)
        && differs(&agent.dmi_uuid, &hello.hints.dmi_uuid)
    {
        return Some("Its key came from another machine: machine id, mainboard and boot are all different");
    }
    (rebooted && !agent.boot_id_before.is_empty() && agent.boot_id_before == hello.boot_id)
        .then_some("Its key comes from two machines in turn: a boot that had ended is back")
}

impl Session {
    pub(super) fn hello(&mut self, id: i64, greeting: Greeting) -> Result<(), End> {
        let kernel = self.kernel.clone();
        let able = able(&greeting);
        let hello = greeting.hello.clone();
        let (agent, doubted) = kernel.write_as(service(), "fleet.agent.greet", move |cx| greet(cx, id, &greeting))?;
        if doubted {
            self.hub.cut(id, None, kernel.now());
            return Err(End::refuse(RefusalCode::Quarantined, "this key was seen from two machines; enrol anew"));
        }
        admitted(agent.state)?;
        let epoch = kernel.read_as(&service(), |cx| stop::store::epoch(cx.tx))?;
        self.send(FromServer::Welcome(Welcome {
            agent_id: agent.agent_id,
            profile: if agent.profile == "workstation" { Profile::WORKSTATION } else { Profile::SERVER },
            server_time_us: kernel.now().0,
            stop_epoch: epoch.unsigned_abs(),
        }))?;
        let (asset, boot_id) = (agent.asset, hello.boot_id.as_str());
        let push = self.push.take().ok_or(End::Done)?;
        let older = self.hub.open(Connection::new(self.id, id, asset, boot_id, push, kernel.now()).able(able));
        self.phase = Phase::Open(Open { agent: id, asset, boot_id: boot_id.into(), stored: [0; 3] });
        // An earlier connection of the same boot is cut off by dropping it; one of another boot is watched: if it still
        // speaks, two machines hold the key.
        drop(older);
        self.out.extend(deliver::welcome(&kernel, &self.hub, &agent, hello.checks_generation)?);
        Ok(())
    }
}

/// What a greeting says the agent understands. Words that are not known here are nothing.
fn able(greeting: &Greeting) -> Able {
    let says = |word: &str| greeting.abilities.iter().any(|one| one == word);
    Able { look: says(ability::LOOK), update: says(ability::UPDATE) }
}

/// Answers the agent as it is now, and whether it was put into quarantine.
fn greet(cx: &mut Cx, id: i64, greeting: &Greeting) -> kernel::Result<(Agent, bool)> {
    let hello = &greeting.hello;
    let missing = || kernel::Error::internal("agent-missing", id);
    let agent = agent::store::by_id(cx.tx, id)?.ok_or_else(missing)?;
    if agent.state != agent::State::Active {
        return Ok((agent, false));
    }
    if let Some(reason) = doubt(&agent, hello) {
        agent::quarantine(cx, &agent, reason)?;
        return Ok((agent, true));
    }
    let words: Vec<&str> = hello.classes_allowed.iter().map(|class| class_word(*class)).collect();
    let now = cx.now;
    agent::store::greeted(cx.tx, &agent, hello, &words.join(" "), now)?;
    agent::store::built_for(cx.tx, id, &greeting.target, able(greeting).update)?;
    assets::seen(cx, agent.asset, now)?;
    let (asset, reference) = (asset_ref(agent.asset), agent_ref(id));
    if !agent.online {
        let (hostname, detail) = (hello.hints.hostname.clone(), String::new());
        cx.emit(&AgentConnected { asset: asset.clone(), agent: reference.clone(), hostname, detail })?;
    }
    if !agent.boot_id.is_empty() && agent.boot_id != hello.boot_id {
        let (hostname, detail) = (hello.hints.hostname.clone(), String::new());
        cx.emit(&AgentRebooted { asset: asset.clone(), agent: reference.clone(), hostname, detail })?;
    }
    cx.touch(asset);
    cx.touch(reference);
    Ok((agent, false))
}

/// A class as people write it.
pub(crate) fn class_word(class: Class) -> &'static str {
    match class {
        Class::A => "A",
        Class::B => "B",
    }
}
