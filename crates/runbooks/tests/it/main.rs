//! Runbooks from outside: a town with a check, a machine and an agent that the tests play.

#[cfg(test)]
mod bindings;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod declarations;
#[cfg(test)]
mod parsing;
#[cfg(test)]
mod people;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod town;
#[cfg(test)]
mod versions;
