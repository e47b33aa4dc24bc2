"""The state machine: `graph` declares, `stateful` holds, `engine` moves."""
