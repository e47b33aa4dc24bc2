"""What can a file of each format become?  Known without loading what does it: see converting.py."""

TARGETS = {"glb": ("glb", "obj.zip"), "ply": ("ply", "spz"), "threejs": ("glb", "obj.zip")}
