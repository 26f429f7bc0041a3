//! Paging from outside: monitoring's events in, messages out to real sockets, on a real database with a fake clock.

#[cfg(test)]
mod announcements;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod escalation;
#[cfg(test)]
mod held;
#[cfg(test)]
mod house;
#[cfg(test)]
mod lessons;
#[cfg(test)]
mod links;
#[cfg(test)]
mod own;
#[cfg(test)]
mod post;
#[cfg(test)]
mod reopening;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod taken;
#[cfg(test)]
mod webhooks;
