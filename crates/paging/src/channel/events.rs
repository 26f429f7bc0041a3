//! What is told about channels. The fields are an interface: they may only be added to.

use kernel::{Event, Mark, Ref};
use serde::Serialize;

/// Messages by a channel no longer get through.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelFailed {
    /// The channel.
    pub channel: Ref,
    /// Its name.
    pub name: String,
    /// What the other side said.
    pub answer: String,
}

impl Event for ChannelFailed {
    const NAME: &'static str = "paging.channel.failed";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.channel.clone()]
    }
    fn title(&self) -> String {
        format!("Messages by {} do not get through", self.name)
    }
    fn mark(&self) -> Mark {
        Mark::Warn
    }
    fn sample() -> Self {
        Self { channel: super::subject(1), name: "ops-chat".into(), answer: "503 Service Unavailable".into() }
    }
}

/// Messages by a channel get through again.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelRecovered {
    /// The channel.
    pub channel: Ref,
    /// Its name.
    pub name: String,
}

impl Event for ChannelRecovered {
    const NAME: &'static str = "paging.channel.recovered";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.channel.clone()]
    }
    fn title(&self) -> String {
        format!("Messages by {} get through again", self.name)
    }
    fn mark(&self) -> Mark {
        Mark::Ok
    }
    fn sample() -> Self {
        Self { channel: super::subject(1), name: "ops-chat".into() }
    }
}

/// A step of an escalation was taken.
#[derive(Clone, Debug, Serialize)]
pub struct StepTaken {
    /// The alert group.
    pub group: Ref,
    /// The step, from 1.
    pub step: i64,
    /// The round, from 1.
    pub round: i64,
    /// Who is told, in words.
    pub told: Vec<String>,
}

impl Event for StepTaken {
    const NAME: &'static str = "paging.step.taken";
    fn subjects(&self) -> Vec<Ref> {
        vec![self.group.clone()]
    }
    fn title(&self) -> String {
        let whom = if self.told.is_empty() { "nobody".to_owned() } else { self.told.join(", ") };
        kernel::text::shorten(&format!("Step {} tells {whom}", self.step), 300)
    }
    fn mark(&self) -> Mark {
        if self.told.is_empty() { Mark::Warn } else { Mark::Working }
    }
    fn sample() -> Self {
        Self { group: Ref::new("alert_group", 9), step: 1, round: 1, told: vec!["Ada by mail".into()] }
    }
}
