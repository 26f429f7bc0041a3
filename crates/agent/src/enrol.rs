//! Enrolment: the token proves the server to the machine and the machine to the server; the key stays here.

use std::time::Duration;

use agent_proto::{EnrolmentToken, Refusal, RefusalCode};

use crate::config::Config;
use crate::error::Error;
use crate::identity::{self, Enrolment};
use crate::link::session::{self, NoEntry};
use crate::link::{self, Address, Trust};
use crate::{log, platform};

/// Tries every server once.
pub(crate) async fn first_contact(config: &Config) -> Result<Enrolment, Error> {
    let Some(token) = &config.token else {
        return Err(Error::new(
            "this machine is not enrolled; run `MAINSTAY_AGENT_TOKEN=TOKEN mainstay-agent enrol URL` first",
        ));
    };
    let token: EnrolmentToken = token.parse().map_err(|e: agent_proto::TokenError| Error::new(e.to_string()))?;
    let mut last = Error::new("no server is named; give its address, such as wss://mainstay.example.org:7301/agent");
    for server in &config.servers {
        match at_server(config, &token, server).await {
            Ok(enrolment) => return Ok(enrolment),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn at_server(config: &Config, token: &EnrolmentToken, server: &str) -> Result<Enrolment, Error> {
    let address = Address::parse(server)?;
    let key = identity::key(&config.dir)?;
    let trust = Trust::Pinned(token.authority_sha256);
    let broken = |why: String| Error::new(format!("cannot enrol at {}: {why}", address.url));
    let mut link = link::dial(&address, config.proxy.as_deref(), &trust).await.map_err(broken)?;
    let hints = platform::identity_hints();
    let enrolled = match session::enrol(&mut link, &key, token.secret, hints).await {
        Ok(enrolled) => enrolled,
        Err(NoEntry::Refused(refusal)) => return Err(Error::Refused(refusal)),
        Err(NoEntry::Broken(why)) => return Err(broken(why)),
    };
    if !enrolled.trust.iter().any(|der| agent_proto::certificate_digest(der) == token.authority_sha256) {
        return Err(broken("its trust bundle does not hold the authority of the token".into()));
    }
    if enrolled.pending {
        log::note("enrolled; an administrator still has to approve this machine");
    }
    Ok(Enrolment::new(enrolled, config.servers.clone()))
}

/// Enrols this machine: a server that is away is waited for, a token that is
/// refused is not.
pub(crate) async fn ensure(config: &Config) -> Result<Enrolment, Error> {
    if let Some(token) = &config.token {
        token.parse::<EnrolmentToken>().map_err(|e| Error::new(e.to_string()))?;
    }
    let mut failures = 0_u32;
    loop {
        match first_contact(config).await {
            Ok(enrolment) => return Ok(enrolment),
            Err(Error::Refused(Refusal { code: RefusalCode::Busy, text, .. })) => log::note(text),
            Err(error) if config.token.is_none() || config.servers.is_empty() => return Err(error),
            Err(error @ Error::Refused(_)) => return Err(error),
            Err(error) => log::note(&error),
        }
        failures = failures.saturating_add(1);
        // Doubling to a minute, so that many machines do not press a server that is coming back.
        tokio::time::sleep(Duration::from_secs(1 << failures.min(6)).min(Duration::from_secs(60))).await;
    }
}
