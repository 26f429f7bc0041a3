//! The built-in roles: named sets of operation patterns, each with how far it reaches.

use kernel::permission::matches;
use schemars::JsonSchema;
use serde::Serialize;

/// How far a part of a role reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// As far as the role was given: everything, a place, a team, or own.
    Given,
    /// Always everything: what everybody with the role must be able to look up, such as the names of teams.
    Everything,
    /// Never more than what belongs to the person.
    Own,
}

/// A part of a role: operations and how far they reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Part {
    /// Operations, with `*` for any run of characters.
    pub pattern: &'static str,
    /// How far.
    pub extent: Extent,
}

/// A built-in role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its stored name.
    pub name: &'static str,
    /// Its name on screen.
    pub title: &'static str,
    /// Who it is for.
    pub about: &'static str,
    /// The sets of parts it has.
    pub parts: &'static [&'static [Part]],
}

impl Role {
    /// Every part of the role.
    pub fn every_part(&self) -> impl Iterator<Item = Part> {
        self.parts.iter().flat_map(|set| set.iter().copied())
    }

    /// Whether the role has a part for an operation.
    pub fn has(&self, operation: &str) -> bool {
        self.every_part().any(|part| matches(part.pattern, operation))
    }
}

const fn given(pattern: &'static str) -> Part {
    Part { pattern, extent: Extent::Given }
}

const fn all(pattern: &'static str) -> Part {
    Part { pattern, extent: Extent::Everything }
}

const fn own(pattern: &'static str) -> Part {
    Part { pattern, extent: Extent::Own }
}

const ASKS: &[Part] = &[
    own("desk.ticket.open"),
    own("desk.ticket.list"),
    own("desk.ticket.show"),
    own("desk.ticket.count"),
    own("desk.ticket.reply"),
    own("desk.ticket.reopen"),
    own("assets.thing.list"),
    own("assets.thing.show"),
];

const LOOKS_UP: &[Part] = &[
    all("people.user.list"),
    all("people.user.show"),
    all("people.team.list"),
    all("people.team.show"),
    all("people.place.list"),
    all("people.place.show"),
    all("people.role.list"),
    all("people.rota.list"),
    all("people.rota.show"),
    all("people.rota.now"),
    all("people.rota.shifts"),
    all("people.rota.gaps"),
    all("people.rota.preview"),
    all("paging.route.list"),
    all("paging.route.preview"),
    all("paging.policy.list"),
    all("paging.policy.show"),
    all("paging.channel.list"),
    all("paging.dead-man.show"),
];

const READS: &[Part] = &[
    given("desk.ticket.list"),
    given("desk.ticket.show"),
    given("desk.ticket.count"),
    given("desk.view.list"),
    given("assets.thing.list"),
    given("assets.thing.show"),
    given("assets.thing.timeline"),
    given("assets.fact.list"),
    given("assets.relation.list"),
    given("assets.relation.coverage"),
    given("monitor.check.list"),
    given("monitor.check.show"),
    given("monitor.alert.list"),
    given("monitor.alert.show"),
    given("monitor.alert.explain"),
    given("monitor.group.list"),
    given("monitor.group.show"),
    given("monitor.group.alerts"),
    given("monitor.group.map"),
    given("monitor.silence.list"),
    given("monitor.rule.list"),
    given("monitor.rule.show"),
    given("monitor.rule.preview"),
    given("monitor.maintenance.list"),
    given("monitor.maintenance.preview"),
    given("monitor.proposal.list"),
    given("monitor.series.read"),
    given("monitor.chart.read"),
    given("monitor.chart.check"),
    given("monitor.metrics.query"),
    given("monitor.metrics.chart"),
    given("monitor.scrape.list"),
    given("monitor.scrape.show"),
    given("monitor.target.list"),
    given("paging.page.list"),
    given("paging.page.show"),
    given("paging.page.explain"),
    given("paging.page.told"),
    given("paging.message.list"),
    given("paging.message.show"),
    given("runbooks.runbook.list"),
    given("runbooks.runbook.show"),
    given("runbooks.binding.list"),
    given("runbooks.run.list"),
    given("runbooks.run.show"),
    given("fleet.agent.list"),
    given("fleet.agent.show"),
    given("fleet.version.list"),
    given("fleet.job.list"),
    given("fleet.job.show"),
];

const DECIDES: &[Part] = &[given("kernel.approval.*"), given("runbooks.runbook.approve")];

const WORKS: &[Part] = &[
    given("desk.ticket.*"),
    given("desk.view.*"),
    given("assets.thing.create"),
    given("assets.thing.update"),
    given("assets.thing.assign"),
    given("assets.relation.*"),
    given("assets.address.set"),
    given("monitor.group.acknowledge"),
    given("paging.page.acknowledge"),
    given("monitor.silence.*"),
    given("monitor.maintenance.*"),
    given("monitor.heartbeat.address"),
    given("runbooks.run.*"),
    given("kernel.approval.list"),
    given("kernel.approval.show"),
    all("fleet.stop.all"),
    own("people.rota.override"),
    own("people.rota.override-remove"),
    own("people.rota.import"),
];

const LEADS: &[Part] = &[
    given("desk.*"),
    given("assets.*"),
    given("monitor.*"),
    given("paging.*"),
    given("runbooks.*"),
    given("kernel.approval.*"),
    given("kernel.notification.list"),
    given("fleet.job.cancel"),
    given("fleet.agent.approve"),
    given("fleet.agent.quarantine"),
    given("fleet.release.list"),
    given("fleet.rollout.list"),
    given("fleet.rollout.show"),
    given("fleet.rollout-agent.list"),
    all("fleet.rollout.pause"),
    given("people.team.update"),
    given("people.team.add-member"),
    given("people.team.remove-member"),
    given("people.rota.*"),
];

const ADMINISTERS: &[Part] = &[given("*")];

const AUDITS: &[Part] = &[
    given("*.list"),
    given("*.show"),
    given("*.count"),
    given("*.read"),
    given("*.timeline"),
    given("people.rota.now"),
    given("people.rota.shifts"),
    given("people.rota.gaps"),
    given("paging.page.explain"),
    given("paging.page.told"),
    given("paging.route.preview"),
    given("kernel.audit.verify"),
];

const VISITS: &[Part] = &[
    own("desk.ticket.list"),
    own("desk.ticket.show"),
    own("desk.ticket.count"),
    own("desk.ticket.reply"),
    own("desk.ticket.note"),
    own("desk.ticket.resolve"),
    own("assets.thing.list"),
    own("assets.thing.show"),
    own("assets.fact.list"),
];

/// The role that may do everything where it is given.
pub const ADMINISTRATOR: &str = "administrator";

/// Every built-in role, from least to most, then those from outside.
pub const ROLES: &[Role] = &[
    Role {
        name: "requester",
        title: "Requester",
        about: "Asks for help and follows their own requests and things.",
        parts: &[ASKS],
    },
    Role {
        name: "watcher",
        title: "Watcher",
        about: "Reads work, things, checks and runs where the role reaches. Changes nothing.",
        parts: &[LOOKS_UP, READS],
    },
    Role {
        name: "approver",
        title: "Approver",
        about: "Reads like a watcher, and decides approvals and new runbook versions.",
        parts: &[LOOKS_UP, READS, DECIDES],
    },
    Role {
        name: "technician",
        title: "Technician",
        about: "Works on tickets and things, acknowledges alerts, starts runbooks, swaps own shifts, and may stop all runs.",
        parts: &[LOOKS_UP, READS, WORKS],
    },
    Role {
        name: "lead",
        title: "Lead",
        about: "Runs a team: everything a technician does, and its checks, runbooks, approvals, members and rotas.",
        parts: &[LOOKS_UP, READS, WORKS, LEADS],
    },
    Role {
        name: ADMINISTRATOR,
        title: "Administrator",
        about: "May do everything where the role reaches, people and settings included.",
        parts: &[ADMINISTERS],
    },
    Role {
        name: "auditor",
        title: "Auditor",
        about: "Reads everything where the role reaches, the audit included. Changes nothing.",
        parts: &[AUDITS],
    },
    Role {
        name: "external",
        title: "External technician",
        about: "Works on the tickets and things assigned to them, and sees no others.",
        parts: &[VISITS],
    },
];

/// A built-in role by its stored name.
pub fn role(name: &str) -> Option<&'static Role> {
    ROLES.iter().find(|role| role.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_roles_have_no_operation_that_changes_something() {
        for name in ["watcher", "auditor"] {
            let role = role(name).unwrap();
            for operation in
                ["desk.ticket.open", "assets.thing.update", "people.grant.give", "fleet.stop.all", "runbooks.run.start"]
            {
                assert!(!role.has(operation), "{name} {operation}");
            }
        }
    }

    #[test]
    fn whoever_reads_machines_reads_their_checks_and_their_figures() {
        for name in ["watcher", "approver", "technician", "lead", ADMINISTRATOR, "auditor"] {
            let role = role(name).unwrap();
            for operation in ["monitor.check.list", "monitor.series.read", "monitor.chart.read"] {
                assert!(role.has(operation), "{name} {operation}");
            }
        }
    }

    #[test]
    fn only_administrators_and_auditors_may_read_grants_and_the_audit() {
        for operation in ["people.grant.list", "kernel.audit.list", "kernel.setting.list"] {
            let names: Vec<_> = ROLES.iter().filter(|role| role.has(operation)).map(|role| role.name).collect();
            assert_eq!(names, ["administrator", "auditor"], "{operation}");
        }
    }

    #[test]
    fn requesters_and_external_technicians_reach_only_what_is_their_own() {
        for name in ["requester", "external"] {
            assert!(role(name).unwrap().every_part().all(|part| part.extent == Extent::Own), "{name}");
        }
    }
}
