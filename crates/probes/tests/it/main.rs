//! Looks at little servers of this process, polite and hostile ones.

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod network;
