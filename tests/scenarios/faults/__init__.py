"""Which faults are built into the processes of a play?  Loaded by `tests.scenarios.settings` only."""
