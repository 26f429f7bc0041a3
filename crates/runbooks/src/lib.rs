//! Runbooks: check, act, verify, undo.
