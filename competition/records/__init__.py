"""How are public state repositories read and written?  Plain values only: `dashboard.records` has their rows."""
