"""threejs, modules of JavaScript: checked as text, run once, and baked."""
