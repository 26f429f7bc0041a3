//! Fleet from outside: machines that enrol, connect, lie and go away, through the real session and the one door.

#[cfg(test)]
mod clones;
#[cfg(test)]
mod declarations;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod enrolment;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod link;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod updates;
#[cfg(test)]
mod updates_later;
