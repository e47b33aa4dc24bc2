"""Which names may a Three.js module use?  Everything that is not listed is refused."""

TREE = (
    "Object3D Group Mesh InstancedMesh Box3 Box2 Sphere Plane Ray Triangle Line3 Vector2 Vector3 Vector4 Matrix3 "
    "Matrix4 Quaternion Euler Color Spherical Cylindrical MathUtils"
)
GEOMETRIES = (
    "BufferGeometry BoxGeometry CapsuleGeometry CircleGeometry ConeGeometry CylinderGeometry DodecahedronGeometry "
    "ExtrudeGeometry IcosahedronGeometry LatheGeometry OctahedronGeometry PlaneGeometry PolyhedronGeometry "
    "RingGeometry ShapeGeometry SphereGeometry TetrahedronGeometry TorusGeometry TorusKnotGeometry TubeGeometry "
    "BufferAttribute Float32BufferAttribute Uint16BufferAttribute Uint32BufferAttribute Uint8BufferAttribute "
    "InstancedBufferAttribute"
)
CURVES = (
    "Curve CurvePath Path Shape ShapePath ShapeUtils ArcCurve CatmullRomCurve3 CubicBezierCurve CubicBezierCurve3 "
    "EllipseCurve LineCurve LineCurve3 QuadraticBezierCurve QuadraticBezierCurve3 SplineCurve"
)
MATERIALS = (
    "MeshBasicMaterial MeshLambertMaterial MeshPhongMaterial MeshPhysicalMaterial MeshStandardMaterial "
    "MeshToonMaterial DataTexture"
)
CONSTANTS = (
    "FrontSide BackSide DoubleSide NormalBlending RepeatWrapping ClampToEdgeWrapping MirroredRepeatWrapping "
    "NearestFilter LinearFilter LinearMipmapLinearFilter RGBAFormat UnsignedByteType SRGBColorSpace "
    "LinearSRGBColorSpace NoColorSpace UVMapping StaticDrawUsage DynamicDrawUsage REVISION"
)
THREE = frozenset(f"{TREE} {GEOMETRIES} {CURVES} {MATERIALS} {CONSTANTS}".split())

PLAIN = (
    "Array Boolean Error Float32Array Float64Array Infinity Int16Array Int32Array Int8Array JSON Map Math NaN "
    "Number Object RangeError Set String Symbol TypeError Uint16Array Uint32Array Uint8Array Uint8ClampedArray "
    "isFinite isNaN parseFloat parseInt undefined"
)
GLOBALS = frozenset(PLAIN.split())
RECKONING = (
    "E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2 abs acos acosh asin asinh atan atan2 atanh cbrt ceil clz32 cos cosh "
    "exp expm1 floor fround hypot imul log log10 log1p log2 max min pow round sign sin sinh sqrt tan tanh trunc"
)
MATH = frozenset(RECKONING.split())
BY_CHANCE = "generateUUID now randFloat randFloatSpread randInt random randomDirection seededRandom uuid"
CHANCE = frozenset(BY_CHANCE.split())
# Ways from data to code, to other realms, to what a renderer does later, or to what the host measures.
WAYS_OUT = (
    "__defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__ __proto__ addEventListener arguments "
    "callee caller captureStackTrace constructor contentWindow customDepthMaterial customDistanceMaterial "
    "customProgramCacheKey defaultView defineProperties defineProperty dispatchEvent document "
    "getOwnPropertyDescriptor getOwnPropertyDescriptors getPrototypeOf globalThis hasInstance isConcatSpreadable "
    "onAfterRender onAfterShadow onBeforeCompile onBeforeRender onBeforeShadow onUpdate onUpload onUploadCallback "
    "ownerDocument parentNode prepareStackTrace prototype self setPrototypeOf species stack stackTraceLimit then "
    "toJSON toPrimitive unscopables window"
)
PROPERTIES = frozenset(WAYS_OUT.split())
