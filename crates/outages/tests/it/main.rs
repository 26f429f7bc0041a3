//! The simulator as its users see it, and the engine under it.

#[cfg(test)]
mod format;
#[cfg(test)]
mod played;
