//! Checks, alerts, alert groups and silences.
