//! HTTP, REST, OpenAPI, sessions, the agent gateway and the page shell.
