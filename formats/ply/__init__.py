"""ply, 3D Gaussian splats: checked, and packed as SPZ."""
