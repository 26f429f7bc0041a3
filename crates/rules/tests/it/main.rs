//! Rule files as people write them, and hostile ones.

#[cfg(test)]
mod files;
#[cfg(test)]
mod mutation;
