//! What the desk tells: one event a change, naming the ticket and everything it points at, so that their timelines join.

use kernel::{Event, EventEntry, Mark, Ref};
use serde::Serialize;

use crate::ticket::{Kind, Priority};

macro_rules! ticket_event {
    ($(#[$doc:meta])* $name:ident, $event:literal, $mark:expr, { $($field:ident: $type:ty = $sample:expr),* $(,)? }, |$one:ident| $title:expr) => {
        $(#[$doc])*
        #[derive(Serialize)]
        pub(crate) struct $name {
            /// The ticket.
            pub(crate) ticket: Ref,
            /// What it points at.
            pub(crate) links: Vec<Ref>,
            $(pub(crate) $field: $type,)*
        }

        impl Event for $name {
            const NAME: &'static str = $event;

            fn subjects(&self) -> Vec<Ref> {
                std::iter::once(&self.ticket).chain(&self.links).cloned().collect()
            }

            fn title(&self) -> String {
                let $one = self;
                $title
            }

            fn mark(&self) -> Mark {
                let $one = self;
                let _ = $one;
                $mark
            }

            fn sample() -> Self {
                Self { ticket: Ref::new("ticket", 4821), links: vec![Ref::new("asset", 417), Ref::new("alert_group", 7)], $($field: $sample,)* }
            }
        }
    };
}

ticket_event!(
    /// A ticket was opened.
    TicketOpened, "desk.ticket.opened", Mark::Info,
    { kind: Kind = Kind::Incident, priority: Priority = Priority::High, summary: String = "VPN drops".into(), team: Option<i64> = Some(1), requester: Option<i64> = None },
    |one| format!("{} {} opened: {}", one.kind.label(), one.ticket.id, one.summary)
);
ticket_event!(
    /// A ticket got another owner or team.
    TicketAssigned, "desk.ticket.assigned", Mark::Working,
    { owner: Option<i64> = Some(3), owner_name: String = "Sam Reyes".into(), team: Option<i64> = Some(1), team_name: String = "Network".into() },
    |one| match one.owner {
        Some(_) => format!("Ticket {} assigned to {}", one.ticket.id, one.owner_name),
        None if one.team.is_some() => format!("Ticket {} handed to {}", one.ticket.id, one.team_name),
        None => format!("Ticket {} has no owner now", one.ticket.id),
    }
);
ticket_event!(
    /// Fields of a ticket changed.
    TicketUpdated, "desk.ticket.updated", Mark::Idle,
    { fields: Vec<String> = vec!["priority".into()] },
    |one| format!("Ticket {} changed: {}", one.ticket.id, one.fields.join(", "))
);
ticket_event!(
    /// Somebody replied in public.
    TicketReplied, "desk.ticket.replied", Mark::Info,
    { entry: i64 = 1, by_requester: bool = true },
    |one| if one.by_requester { format!("The requester replied on ticket {}", one.ticket.id) } else { format!("Reply sent on ticket {}", one.ticket.id) }
);
ticket_event!(
    /// Somebody, or a part of Mainstay, left an internal note. What it says stays on the ticket.
    TicketNoted, "desk.ticket.noted", Mark::Idle,
    { entry: i64 = 1 },
    |one| format!("Note added to ticket {}", one.ticket.id)
);
ticket_event!(
    /// A ticket waits.
    TicketWaiting, "desk.ticket.waiting", Mark::Idle,
    { reason: String = "Part ordered".into(), until: String = "2026-03-09T08:00:00Z".into() },
    |one| format!("Ticket {} waits: {}", one.ticket.id, one.reason)
);
ticket_event!(
    /// The date came on which a waiting ticket wakes.
    TicketWoken, "desk.ticket.woken", Mark::Warn,
    { reason: String = "Part ordered".into() },
    |one| format!("Ticket {} is back: {}", one.ticket.id, one.reason)
);
ticket_event!(
    /// A ticket was resolved.
    TicketResolved, "desk.ticket.resolved", Mark::Ok,
    { how: String = "Restarted the VPN service".into(), automatic: bool = false },
    |one| format!("Ticket {} resolved{}", one.ticket.id, if one.automatic { " by itself" } else { "" })
);
ticket_event!(
    /// A ticket was reopened.
    TicketReopened, "desk.ticket.reopened", Mark::Warn,
    { why: String = "It happens again".into() },
    |one| format!("Ticket {} reopened", one.ticket.id)
);
ticket_event!(
    /// A ticket was closed for good.
    TicketClosed, "desk.ticket.closed", Mark::Idle,
    {},
    |one| format!("Ticket {} closed", one.ticket.id)
);
ticket_event!(
    /// A ticket points at something more.
    TicketLinked, "desk.ticket.linked", Mark::Idle,
    { to: Ref = Ref::new("asset", 417), kind: String = "about".into() },
    |one| format!("Ticket {} linked to {} {}", one.ticket.id, one.to.kind.replace('_', " "), one.to.id)
);
ticket_event!(
    /// A ticket no longer points at something.
    TicketUnlinked, "desk.ticket.unlinked", Mark::Idle,
    { to: Ref = Ref::new("asset", 417), kind: String = "about".into() },
    |one| format!("Ticket {} no longer linked to {} {}", one.ticket.id, one.to.kind.replace('_', " "), one.to.id)
);

/// All events of the desk.
pub(crate) fn all() -> Vec<EventEntry> {
    vec![
        EventEntry::of::<TicketOpened>(),
        EventEntry::of::<TicketAssigned>(),
        EventEntry::of::<TicketUpdated>(),
        EventEntry::of::<TicketReplied>(),
        EventEntry::of::<TicketNoted>(),
        EventEntry::of::<TicketWaiting>(),
        EventEntry::of::<TicketWoken>(),
        EventEntry::of::<TicketResolved>(),
        EventEntry::of::<TicketReopened>(),
        EventEntry::of::<TicketClosed>(),
        EventEntry::of::<TicketLinked>(),
        EventEntry::of::<TicketUnlinked>(),
    ]
}
