//! The agent's program against a server made for the test: real processes, real TLS, real files.

#[cfg(test)]
mod apart;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod enrolment;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod reporting;
#[cfg(test)]
mod server;
#[cfg(test)]
mod update;
