//! The agent's program against a server made for the test: real processes, real TLS, real files.
