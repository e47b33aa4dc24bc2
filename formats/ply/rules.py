"""Which rules must a ply of Gaussian splats keep, besides those that hold for every file?"""

from formats.rule import Rule

SPLAT_RULES: dict[str, Rule] = {
    "NOT_A_PLY": Rule("the file does not start with the line 'ply'", "write a 3D Gaussian splat as binary ply"),
    "PLY_HEADER": Rule(
        "the header cannot be read: {why}", "write the header that 3D Gaussian Splatting's training code writes"
    ),
    "PLY_PROPERTY": Rule(
        "the header declares 'property {told}'",
        "write only float properties of splats: x y z nx ny nz f_dc_* f_rest_* opacity scale_* rot_*",
    ),
    "PLY_PROPERTY_MISSING": Rule(
        "the property {name} is missing",
        "write position, f_dc_*, opacity, scale_* and rot_*; a plain point cloud is no splat",
    ),
    "PLY_HARMONICS": Rule("{count} f_rest properties are declared", "write none, 9, 24 or 45, numbered from 0"),
    "PLY_LENGTH": Rule(
        "{count} splats need {needed} bytes after the header, the file has {found}",
        "upload the whole file, and nothing after it",
    ),
    "NO_SPLATS": Rule("the file declares no splat", "check that your generator wrote the splats"),
    "TOO_MANY_SPLATS": Rule("{count} splats are declared, the limit is {limit}", "prune splats that hardly show"),
    "SPLAT_TOO_LARGE": Rule(
        "a splat has the scale {scale}, the limit is {limit}",
        "scale the asset into the unit cube (scale_* are natural logarithms) and drop floaters",
    ),
    "SPLAT_ROTATION": Rule("a splat's rotation is zero", "write unit quaternions, w first"),
    "SPLAT_EXTREME": Rule("a splat has {what}", "drop splats whose training ran away"),
}
