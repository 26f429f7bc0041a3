//! Approvals: somebody else agrees to exactly one plan, before it expires. Domains ask for one; dangerous operations that
//! policy names are held until somebody has agreed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attention::Attention;
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::event::{Event, Mark};
use crate::job::Running;
use crate::limits;
use crate::permission::{Actor, Ident};
use crate::reference::{Ref, Resolved};
use crate::settings::Setting;
use crate::time::Time;

pub(crate) mod held;
pub mod operations;
mod store;

pub use store::Approval;

/// When an approval is needed, and from whom.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalPolicy {
    /// We are one person: whoever asks may also approve. Every such approval says so.
    pub one_person_team: bool,
    /// Dangerous operations that need an approval before they run; `*` stands for any run of characters.
    pub required: Vec<String>,
}

impl Setting for ApprovalPolicy {
    const KEY: &'static str = "kernel.approvals";
    const GUARDED: bool = true;

    fn check(&self) -> Result<()> {
        if self.required.len() > 100 || self.required.iter().any(|pattern| pattern.is_empty() || pattern.len() > 100) {
            return Err(Error::invalid("value.required", "Give at most 100 patterns of 1 to 100 characters."));
        }
        Ok(())
    }
}

/// What needs an approval.
#[derive(Clone, Debug, PartialEq)]
pub struct NewApproval {
    /// What it is about: a run, a change.
    pub subject: Ref,
    /// One line: what will happen when it is approved.
    pub title: String,
    /// What the approver should know.
    pub detail: String,
    /// Digest of the exact plan; a decision names it, so that nobody approves what they have not seen.
    pub plan_hash: String,
    /// An operation the approver must hold a grant for, besides `kernel.approval.decide`; empty for none.
    pub requires: String,
    /// The team whose approval it is; `None` for whoever may decide.
    pub team: Option<i64>,
    /// Who asks, when it is not the actor: a service that asks for a person names the person.
    pub requested_by: Option<(Ident, String)>,
    /// When it is too late; `None` is in a day.
    pub expires_at: Option<Time>,
}

/// Somebody asked for an approval.
#[derive(Serialize)]
pub struct ApprovalRequested {
    /// The approval's number.
    pub approval: i64,
    /// What it is about.
    pub subject: Ref,
    /// The digest of the plan.
    pub plan_hash: String,
    /// What would happen.
    pub title: String,
}

impl Event for ApprovalRequested {
    const NAME: &'static str = "kernel.approval.requested";
    fn subjects(&self) -> Vec<Ref> {
        vec![Ref::new("approval", self.approval), self.subject.clone()]
    }
    fn title(&self) -> String {
        format!("Approval asked for: {}", self.title)
    }
    fn mark(&self) -> Mark {
        Mark::Warn
    }
    fn sample() -> Self {
        Self {
            approval: 1,
            subject: Ref::new("run", 1),
            plan_hash: "ab12".into(),
            title: "Restart nginx on web-1".into(),
        }
    }
}

/// An approval was given, refused, or is no longer possible.
#[derive(Serialize)]
pub struct ApprovalDecided {
    /// The approval's number.
    pub approval: i64,
    /// What it is about.
    pub subject: Ref,
    /// The digest of the plan that was decided on.
    pub plan_hash: String,
    /// True when it may go ahead.
    pub approved: bool,
    /// `approved`, `rejected`, `expired` or `cancelled`.
    pub state: String,
    /// Who decided, for example `user:3`.
    pub by: String,
    /// What they said.
    pub comment: String,
    /// What was to happen.
    pub title: String,
}

impl Event for ApprovalDecided {
    const NAME: &'static str = "kernel.approval.decided";
    fn subjects(&self) -> Vec<Ref> {
        vec![Ref::new("approval", self.approval), self.subject.clone()]
    }
    fn title(&self) -> String {
        let word = match self.state.as_str() {
            "approved" => "Approved",
            "rejected" => "Rejected",
            "expired" => "Approval expired",
            _ => "Approval cancelled",
        };
        let comment = if self.comment.is_empty() { String::new() } else { format!(" ({})", self.comment) };
        format!("{word}: {}{comment}", self.title)
    }
    fn mark(&self) -> Mark {
        if self.approved { Mark::Ok } else { Mark::Idle }
    }
    fn sample() -> Self {
        Self {
            approval: 1,
            subject: Ref::new("run", 1),
            plan_hash: "ab12".into(),
            approved: true,
            state: "approved".into(),
            by: "user:3".into(),
            comment: "Go ahead".into(),
            title: "Restart nginx on web-1".into(),
        }
    }
}

impl Cx<'_, '_> {
    /// Asks for an approval and puts it on the list of what needs somebody; answers its number. Asking again for the
    /// same plan of the same thing answers the one that waits already.
    pub fn request_approval(&mut self, new: &NewApproval) -> Result<i64> {
        self.request(new, None)
    }

    fn request(&mut self, new: &NewApproval, held: Option<&store::Held<'_>>) -> Result<i64> {
        self.must_write("request_approval")?;
        if let Some(id) = store::pending(self.tx, &new.subject, &new.plan_hash)? {
            return Ok(id);
        }
        let (ident, name) =
            new.requested_by.clone().unwrap_or_else(|| (self.actor.ident.clone(), self.actor.name.clone()));
        let expires_at = new.expires_at.unwrap_or(self.now.plus(limits::APPROVAL_MICROS));
        let id = store::insert(self.tx, new, (&ident.to_string(), &name), expires_at, held, self.now)?;
        let approval = Ref::new("approval", id);
        let title = crate::text::shorten(&new.title, 200);
        self.needs_attention(&Attention {
            subject: approval.clone(),
            need: "approval",
            title: title.clone(),
            why: format!("{name} asks for it. Decide before {}.", expires_at.timestamp().strftime("%F %H:%M UTC")),
            mark: Mark::Warn,
            word: "Approve",
            weight: 600,
            since: self.now,
            action: "Decide",
            href: format!("/approvals/{id}"),
            team: new.team,
            user: None,
            grant: "kernel.approval.decide",
        })?;
        self.changed(&approval, "state", serde_json::Value::Null, "pending")?;
        let subject = if new.subject == Ref::new("approval", 0) { approval } else { new.subject.clone() };
        self.emit(&ApprovalRequested { approval: id, subject, plan_hash: new.plan_hash.clone(), title })?;
        Ok(id)
    }

    /// Withdraws what waits for approval about a thing: its plan changed or it is no longer needed.
    pub fn cancel_approvals(&mut self, subject: &Ref, comment: &str) -> Result<usize> {
        let waiting = store::pending_about(self.tx, subject)?;
        for approval in &waiting {
            self.close_approval(approval, "cancelled", comment)?;
        }
        Ok(waiting.len())
    }

    /// Ends the waiting, whoever ends it; the caller has checked that they may.
    fn close_approval(&mut self, approval: &Approval, state: &'static str, comment: &str) -> Result<()> {
        let by = self.actor.ident.to_string();
        if !store::decide(self.tx, approval.id, state, (&by, &self.actor.name), comment, self.now)? {
            return Err(Error::conflict("This approval has been decided meanwhile. Look at it again."));
        }
        let subject = Ref::new("approval", approval.id);
        self.attention_done(&subject, "approval")?;
        self.changed(&subject, "state", "pending", state)?;
        if state != "approved" && !approval.operation.is_empty() {
            held::forget(self, approval.id)?;
        }
        self.emit(&ApprovalDecided {
            approval: approval.id,
            subject: approval.subject.clone(),
            plan_hash: approval.plan_hash.clone(),
            approved: state == "approved",
            state: state.into(),
            by,
            comment: comment.into(),
            title: approval.title.clone(),
        })
    }

    /// Why the actor may not decide, or `None` when they may.
    fn undecidable(&mut self, approval: &Approval) -> Result<Option<String>> {
        let why = |text: &str| Ok(Some(text.to_owned()));
        if approval.state != "pending" {
            return Ok(Some(format!("It is {} already.", approval.state)));
        }
        if approval.expires_at <= self.now {
            return why("It has expired. Ask for a new one.");
        }
        let Some(reach) = self.actor.reach("kernel.approval.decide", self.now) else {
            return why("You have no grant to decide on approvals.");
        };
        if !reach.everything && !approval.team.is_some_and(|team| reach.teams.contains(&team)) {
            return why("It belongs to a team you do not decide for.");
        }
        if !approval.requires.is_empty() && !self.may(&approval.requires) {
            return Ok(Some(format!("Only who holds \"{}\" may decide this.", approval.requires)));
        }
        let own = approval.requested_by == self.actor.ident.to_string();
        if own && !self.setting::<ApprovalPolicy>()?.one_person_team {
            return why(
                "You asked for this yourself, so somebody else must decide. A team of one person can allow it in the setting kernel.approvals.",
            );
        }
        Ok(None)
    }
}

/// Titles for references, as far as the actor may see them.
pub(crate) fn resolve(cx: &mut Cx, ids: &[i64]) -> Result<Vec<Resolved>> {
    if !cx.may("kernel.approval.list") {
        return Ok(Vec::new());
    }
    let reach = cx.reach("kernel.approval.list")?;
    let found = store::by_ids(cx.tx, ids, &reach)?;
    Ok(found.into_iter().map(|(id, title)| Resolved { id, title, href: format!("/approvals/{id}") }).collect())
}

/// Ends approvals whose time is over. Harmless to repeat: only pending ones are taken.
pub(crate) fn expire(running: &Running<'_>) -> Result<()> {
    running.kernel.write_as(Actor::service("kernel.approvals", &[]), "kernel.approval.expire", |cx| {
        for approval in store::overdue(cx.tx, cx.now)? {
            cx.close_approval(&approval, "expired", "nobody decided in time")?;
        }
        Ok(())
    })
}
