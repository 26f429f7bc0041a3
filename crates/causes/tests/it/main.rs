//! The engine as its users see it.

#[cfg(test)]
mod groups;
#[cfg(test)]
mod house;
