//! Assets from outside: things, facts in a chain of hashes, identity, relations, and who sees what.

#[cfg(test)]
mod declarations;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod relations;
#[cfg(test)]
mod store_room;
#[cfg(test)]
mod things;
#[cfg(test)]
mod words;
