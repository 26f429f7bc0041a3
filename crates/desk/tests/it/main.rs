//! The desk from outside: a small town of people, teams and things, driven through the one door.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod declarations;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod store;
#[cfg(test)]
mod tickets;
#[cfg(test)]
mod town;
#[cfg(test)]
mod visibility;
