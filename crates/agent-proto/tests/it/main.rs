//! Golden frames, hostile frames, and the round trip of every message.

#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod sample;
