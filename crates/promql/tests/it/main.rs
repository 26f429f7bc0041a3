//! The evaluator against scripts, hostile queries, and a naive evaluator.

#[cfg(test)]
mod buckets;
#[cfg(test)]
mod corpora;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod naive;
