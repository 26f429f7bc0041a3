//! The store from outside: what is kept, what is refused, and what a crash or damage costs.

#[cfg(test)]
mod store;
