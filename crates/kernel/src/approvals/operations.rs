//! The operations on approvals: list, show, decide, cancel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Approval, ApprovalPolicy, held, store};
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::operation::{Access, Effect, Operation, Route, get, post};
use crate::page::{self, Page};
use crate::reference::Ref;

/// List approvals.
///
/// Newest first: what waits for a decision, and what was decided.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ListApprovals {
    /// `pending`, `approved`, `rejected`, `expired` or `cancelled`; all when left out.
    pub state: Option<String>,
    /// Only those about this thing.
    #[serde(rename = "ref")]
    pub subject: Option<Ref>,
    /// Where the next page starts.
    pub cursor: Option<String>,
    /// Rows on a page.
    pub limit: Option<usize>,
}

impl Operation for ListApprovals {
    const NAME: &'static str = "kernel.approval.list";
    const ROUTE: Route = get("/approvals");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Page<Approval>;

    fn run(&self, cx: &mut Cx) -> Result<Page<Approval>> {
        let reach = cx.reach(Self::NAME)?;
        let rows = page::rows(self.limit)?;
        let before = page::before(self.cursor.as_deref())?;
        let found = store::list(cx.tx, &reach, self.state.as_deref(), self.subject.as_ref(), before, rows + 1)?;
        Ok(Page::of(found, rows, |approval| approval.id))
    }
}

/// Show an approval.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct ShowApproval {
    /// Its number.
    pub id: i64,
}

/// An approval, and whether you may decide it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ShownApproval {
    /// The approval.
    #[serde(flatten)]
    pub approval: Approval,
    /// Why you may not decide it; null when you may.
    pub undecidable: Option<String>,
    /// True when the setting lets people approve what they asked for themselves.
    pub one_person_team: bool,
}

impl Operation for ShowApproval {
    const NAME: &'static str = "kernel.approval.show";
    const ROUTE: Route = get("/approvals/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ShownApproval;

    fn run(&self, cx: &mut Cx) -> Result<ShownApproval> {
        let approval = visible(cx, self.id)?;
        let undecidable = cx.undecidable(&approval)?;
        let one_person_team = cx.setting::<ApprovalPolicy>()?.one_person_team;
        Ok(ShownApproval { approval, undecidable, one_person_team })
    }
}

/// Decide an approval.
///
/// Approves or rejects exactly the plan with the given hash. Nobody decides what they asked for themselves, unless the
/// setting `kernel.approvals` says that the team is one person.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct DecideApproval {
    /// Its number.
    pub id: i64,
    /// True to let it go ahead, false to reject it.
    pub approved: bool,
    /// The plan hash as it was shown.
    pub plan_hash: String,
    /// Why, for those who read it later.
    #[serde(default)]
    pub comment: String,
}

impl Operation for DecideApproval {
    const NAME: &'static str = "kernel.approval.decide";
    const ROUTE: Route = post("/approvals/{id}/decision");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Write;
    type Output = Approval;

    fn run(&self, cx: &mut Cx) -> Result<Approval> {
        let approval = decidable(cx, self.id)?;
        if let Some(why) = cx.undecidable(&approval)? {
            return Err(Error::conflict(why));
        }
        if self.plan_hash != approval.plan_hash {
            return Err(Error::conflict("The plan is not the one you were shown. Look at it again, then decide."));
        }
        let comment = self.comment.trim();
        if comment.chars().count() > 1_000 {
            return Err(Error::invalid("comment", "This is longer than 1000 characters. Shorten it."));
        }
        let own = approval.requested_by == cx.actor.ident.to_string();
        let comment = if own { format!("{comment} [one-person team]").trim().to_owned() } else { comment.to_owned() };
        let state = if self.approved { "approved" } else { "rejected" };
        cx.close_approval(&approval, state, &comment)?;
        if self.approved && !approval.operation.is_empty() {
            held::enqueue(cx, approval.id)?;
        }
        store::get(cx.tx, self.id)?.ok_or_else(|| Error::not_found(format!("approval:{}", self.id)))
    }
}

/// Withdraw an approval you asked for.
#[derive(Deserialize, Serialize, JsonSchema)]
pub struct CancelApproval {
    /// Its number.
    pub id: i64,
}

impl Operation for CancelApproval {
    const NAME: &'static str = "kernel.approval.cancel";
    const ROUTE: Route = post("/approvals/{id}/cancel");
    const ACCESS: Access = Access::SignedIn;
    const EFFECT: Effect = Effect::Write;
    type Output = Approval;

    fn run(&self, cx: &mut Cx) -> Result<Approval> {
        let missing = || Error::not_found(format!("approval:{}", self.id));
        let approval = store::get(cx.tx, self.id)?.ok_or_else(missing)?;
        if approval.requested_by != cx.actor.ident.to_string() {
            return Err(missing());
        }
        if approval.state != "pending" {
            return Err(Error::conflict(format!("It is {} already.", approval.state)));
        }
        cx.close_approval(&approval, "cancelled", "withdrawn by who asked")?;
        store::get(cx.tx, self.id)?.ok_or_else(missing)
    }
}

fn visible(cx: &mut Cx, id: i64) -> Result<Approval> {
    let reach = cx.reach(ShowApproval::NAME)?;
    let found = store::get(cx.tx, id)?.filter(|approval| approval.within(&reach));
    found.ok_or_else(|| Error::not_found(format!("approval:{id}")))
}

/// What the actor may decide is found even when they may not list the others.
fn decidable(cx: &mut Cx, id: i64) -> Result<Approval> {
    let reach = cx.reach(DecideApproval::NAME)?;
    let found = store::get(cx.tx, id)?.filter(|approval| approval.within(&reach));
    found.ok_or_else(|| Error::not_found(format!("approval:{id}")))
}
