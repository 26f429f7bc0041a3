//! List messages, and show one with every answer.

use kernel::limits::COUNT_MAX;
use kernel::page::{self, Page};
use kernel::{Access, Cx, Effect, Error, Operation, Result, Route, get};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attempt, Message, MessageState, store};

/// List messages, newest first: who was told of what, when, by what, and what the other side said.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ListMessages {
    /// Only those in this state.
    pub state: Option<MessageState>,
    /// Only those about this alert group.
    #[schemars(extend("x-kind" = "alert_group"))]
    pub group: Option<i64>,
    /// Only those to this person.
    pub user: Option<i64>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Rows on the page, at most 500; 50 if left out.
    pub limit: Option<usize>,
}

/// A page of messages.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Messages {
    /// The messages.
    pub items: Vec<Message>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// How many fit; counting stops at 1,000.
    pub count: i64,
    /// There are more than were counted.
    pub count_capped: bool,
}

impl ListMessages {
    /// The operation's name, for those who only ask about grants.
    pub(crate) const OPERATION: &'static str = "paging.message.list";
}

impl Operation for ListMessages {
    const NAME: &'static str = Self::OPERATION;
    const ROUTE: Route = get("/paging/messages");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = Messages;

    fn run(&self, cx: &mut Cx) -> Result<Messages> {
        let reach = cx.reach(Self::NAME)?;
        let rows = page::rows(self.limit)?;
        let filter = store::Filter { state: self.state, group: self.group, user: self.user };
        let before = page::before(self.cursor.as_deref())?;
        let found = Page::of(store::page(cx.tx, &filter, &reach, before, rows + 1)?, rows, |one| one.id);
        let count = store::count(cx.tx, &filter, &reach)?;
        Ok(Messages { items: found.items, next: found.next, count, count_capped: count >= COUNT_MAX })
    }
}

/// A message with every try.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ShownMessage {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// Its text.
    pub text: Vec<String>,
    /// The tries, oldest first.
    pub tries: Vec<Attempt>,
}

/// Show a message with every try to deliver it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ShowMessage {
    /// Its number.
    #[schemars(extend("x-kind" = "paging_message"))]
    pub id: i64,
}

impl Operation for ShowMessage {
    const NAME: &'static str = "paging.message.show";
    const ROUTE: Route = get("/paging/messages/{id}");
    const ACCESS: Access = Access::Grant;
    const EFFECT: Effect = Effect::Read;
    type Output = ShownMessage;

    fn run(&self, cx: &mut Cx) -> Result<ShownMessage> {
        let reach = cx.reach(Self::NAME)?;
        let found = store::find(cx.tx, self.id, &reach)?;
        let message = found.ok_or_else(|| Error::not_found(format!("The message {}", self.id)))?;
        Ok(ShownMessage { text: message.lines.clone(), tries: store::attempts(cx.tx, message.id)?, message })
    }
}
