//! The safety tests drawn from the registry: what holds for every operation, event and page, whoever wrote it.

#[cfg(test)]
mod access;
#[cfg(test)]
mod agent_update;
#[cfg(test)]
mod coming_back;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod events;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod house;
#[cfg(test)]
mod http;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod live;
#[cfg(test)]
mod numbers;
#[cfg(test)]
mod on_call;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod prometheus;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod running;
#[cfg(test)]
mod server_commands;
#[cfg(test)]
mod the_loop;
#[cfg(test)]
mod told;
#[cfg(test)]
mod who_is_told;
