//! Agents: enrolment, the link, signed jobs.
