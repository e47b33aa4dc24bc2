"""threejs, modules of JavaScript: checked as text, run, and kept as the data that they built."""
