//! The engine as its users see it.

#[cfg(test)]
mod again;
#[cfg(test)]
mod doubts;
#[cfg(test)]
mod gaps;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod grows;
#[cfg(test)]
mod house;
#[cfg(test)]
mod news;
#[cfg(test)]
mod shared;
