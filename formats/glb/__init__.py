"""glb, binary glTF 2.0: checked, written anew in one reading, read, and made light."""
