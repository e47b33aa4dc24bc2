"""Which names may a Three.js module use?  What is not listed is refused.

The subnet's public checker takes every name here but those under MORE; what it does not know is refused by both.
"""

TREE = "Object3D Group Mesh InstancedMesh Line LineSegments Points"
RECKONED = (
    "Vector2 Vector3 Vector4 Matrix3 Matrix4 Quaternion Euler Box2 Box3 Sphere Plane Ray Line3 Triangle Spherical "
    "Cylindrical Color MathUtils"
)
GEOMETRIES = (
    "BufferGeometry BoxGeometry CapsuleGeometry CircleGeometry ConeGeometry CylinderGeometry DodecahedronGeometry "
    "EdgesGeometry ExtrudeGeometry IcosahedronGeometry LatheGeometry OctahedronGeometry PlaneGeometry "
    "PolyhedronGeometry RingGeometry ShapeGeometry SphereGeometry TetrahedronGeometry TorusGeometry TorusKnotGeometry "
    "TubeGeometry WireframeGeometry"
)
ATTRIBUTES = (
    "BufferAttribute InterleavedBuffer InterleavedBufferAttribute Float32BufferAttribute Int8BufferAttribute "
    "Int16BufferAttribute Int32BufferAttribute Uint8BufferAttribute Uint16BufferAttribute Uint32BufferAttribute"
)
CURVES = (
    "Curve CurvePath Path Shape ArcCurve CatmullRomCurve3 CubicBezierCurve CubicBezierCurve3 EllipseCurve LineCurve "
    "LineCurve3 QuadraticBezierCurve QuadraticBezierCurve3 SplineCurve"
)
MATERIALS = (
    "MeshBasicMaterial MeshPhysicalMaterial MeshStandardMaterial PointsMaterial LineBasicMaterial LineDashedMaterial "
    "DataTexture"
)
CONSTANTS = (
    "FrontSide BackSide DoubleSide NoBlending NormalBlending AdditiveBlending SubtractiveBlending MultiplyBlending "
    "RepeatWrapping ClampToEdgeWrapping MirroredRepeatWrapping NearestFilter LinearFilter NearestMipmapNearestFilter "
    "LinearMipmapNearestFilter NearestMipmapLinearFilter LinearMipmapLinearFilter RGBAFormat RGBFormat RGFormat "
    "RedFormat UnsignedByteType HalfFloatType FloatType SRGBColorSpace LinearSRGBColorSpace NoColorSpace "
    "StaticDrawUsage DynamicDrawUsage StreamDrawUsage"
)
MORE = (
    "MeshLambertMaterial MeshPhongMaterial MeshToonMaterial InstancedBufferAttribute ShapePath ShapeUtils UVMapping "
    "REVISION"
)
THREE = frozenset(f"{TREE} {RECKONED} {GEOMETRIES} {ATTRIBUTES} {CURVES} {MATERIALS} {CONSTANTS} {MORE}".split())
# The subnet's list has one name that three.js 0.183.2 does not: whoever reads it is stopped there, and here.
ABSENT = frozenset({"LuminanceFormat"})

PLAIN = (
    "AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Error EvalError "
    "Float16Array Float32Array Float64Array Infinity Int16Array Int32Array Int8Array Iterator JSON Map Math NaN "
    "Number Object RangeError ReferenceError RegExp Set String Symbol SyntaxError TypeError URIError Uint16Array "
    "Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakSet arguments decodeURI decodeURIComponent encodeURI "
    "encodeURIComponent escape isFinite isNaN parseFloat parseInt undefined unescape"
)
GLOBALS = frozenset(PLAIN.split())
# `THREE["Box" + "Geometry"]` hides from whoever reads the module what it takes.
WRITTEN_OUT = frozenset({"THREE", "Math", "Object", "Array", "Symbol"})
CHANCE = frozenset({"generateUUID", "seededRandom"})  # of THREE.MathUtils
# Ways from data to the makers of code.
WAYS_OUT = frozenset(
    {"constructor", "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"}
)
# Code that a renderer would run later, and text for its shaders.
LATER = (
    "onBeforeRender onAfterRender onBeforeShadow onAfterShadow onBeforeCompile customProgramCacheKey "
    "customDepthMaterial customDistanceMaterial"
)
HOOKS = frozenset(LATER.split())
