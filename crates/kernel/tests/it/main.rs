//! The kernel from outside: a small domain of its own, driven through the one door.

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod attention;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod declarations;
#[cfg(test)]
mod dispatch;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod patterns;
#[cfg(test)]
mod races;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod search;
#[cfg(test)]
mod threads;
