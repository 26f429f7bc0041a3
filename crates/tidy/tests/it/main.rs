//! The house rules.

#[cfg(test)]
mod layers;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod words;
