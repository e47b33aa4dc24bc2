"""How sound is what a file draws?  Measured from what its check has read; a format gives the mesh or the splats."""
