"""Everything that leaves this machine, or is fetched from another one."""
