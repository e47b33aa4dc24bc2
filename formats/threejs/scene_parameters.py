"""Which parameters of materials and textures does a built scene keep?  One table for the page that reads them out, the
parser that checks them and the page that draws.

A value is a kind of KINDS; what is none, or no finite number, is left at three.js's own default.
"""

from collections.abc import Mapping

# Three.js's numbers for what a module may choose by name; others are left at their default.
CHOICES = {
    "side": range(3),
    "blending": range(5),  # none, normal, additive, subtractive, multiply
    "depth": range(8),
    "normals": range(2),
}
KINDS = ("flag", "number", "colour", "point", "pair", "texture", *CHOICES)


def _of(**names: str) -> dict[str, str]:
    return {name: kind for kind, listed in names.items() for name in listed.split()}


_EVERY = _of(
    flag="visible transparent alphaHash alphaToCoverage premultipliedAlpha dithering depthTest depthWrite colorWrite "
    "polygonOffset vertexColors toneMapped forceSinglePass",
    number="opacity alphaTest polygonOffsetFactor polygonOffsetUnits",
    side="side",
    blending="blending",
    depth="depthFunc",
)
_COLOURED = _EVERY | _of(colour="color", texture="map")
_SURFACE = _COLOURED | _of(
    flag="wireframe", texture="alphaMap aoMap lightMap", number="aoMapIntensity lightMapIntensity"
)
_SHADED = _SURFACE | _of(
    flag="flatShading",
    colour="emissive",
    texture="emissiveMap bumpMap normalMap displacementMap",
    number="emissiveIntensity bumpScale displacementScale displacementBias",
    point="normalScale",
    normals="normalMapType",
)
_STANDARD = _SHADED | _of(texture="roughnessMap metalnessMap", number="roughness metalness")

MATERIALS: Mapping[str, Mapping[str, str]] = {
    "MeshPhysicalMaterial": _STANDARD
    | _of(
        number="anisotropy anisotropyRotation clearcoat clearcoatRoughness iridescence iridescenceIOR ior sheen "
        "sheenRoughness specularIntensity transmission thickness attenuationDistance dispersion",
        colour="sheenColor specularColor attenuationColor",
        point="clearcoatNormalScale",
        pair="iridescenceThicknessRange",
        texture="anisotropyMap clearcoatMap clearcoatNormalMap clearcoatRoughnessMap iridescenceMap "
        "iridescenceThicknessMap sheenColorMap sheenRoughnessMap specularColorMap specularIntensityMap thicknessMap "
        "transmissionMap",
    ),
    "MeshStandardMaterial": _STANDARD,
    "MeshPhongMaterial": _SHADED | _of(colour="specular", number="shininess", texture="specularMap"),
    "MeshToonMaterial": _SHADED | _of(texture="gradientMap"),
    "MeshLambertMaterial": _SHADED | _of(texture="specularMap"),
    "MeshBasicMaterial": _SURFACE | _of(texture="specularMap"),
    "LineDashedMaterial": _COLOURED | _of(number="scale dashSize gapSize"),
    "LineBasicMaterial": _COLOURED,
    "PointsMaterial": _COLOURED | _of(number="size", flag="sizeAttenuation", texture="alphaMap"),
}
"""By class; a class stands before the one it is derived from."""

# What a texture's texels are, in three.js's numbers: bytes of one, and how many channels.
TYPES = {1009: 1, 1015: 4, 1016: 2}
CHANNELS = {1023: 4, 1022: 3, 1030: 2, 1028: 1}
WRAPPINGS = (1000, 1001, 1002)
MAGNIFIED = (1003, 1006)
MINIFIED = tuple(range(1003, 1009))
COLOUR_SPACES = ("", "srgb", "srgb-linear")
