// What of three.js the viewer and the renderer use; esbuild leaves the rest out.
export {
  ACESFilmicToneMapping, AmbientLight, BufferAttribute, BufferGeometry, Color, CustomBlending, DataTexture, DirectionalLight,
  FloatType, GLSL3, Group, InstancedBufferAttribute, InstancedBufferGeometry, InstancedMesh, IntType, Line, LineBasicMaterial,
  LineDashedMaterial, LineSegments, Matrix4, Mesh, MeshBasicMaterial, MeshLambertMaterial, MeshNormalMaterial, MeshPhongMaterial,
  MeshPhysicalMaterial, MeshStandardMaterial, MeshToonMaterial, NearestFilter, NeutralToneMapping, NoToneMapping, Object3D,
  OneFactor, OneMinusSrcAlphaFactor, PerspectiveCamera, PMREMGenerator, Points, PointsMaterial, RawShaderMaterial, RGBAFormat,
  Scene, UnsignedByteType, Vector2, Vector3, WebGLRenderer,
} from "three";
export { RoomEnvironment } from "three/addons/environments/RoomEnvironment.js";
export { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
export { OrbitControls } from "three/addons/controls/OrbitControls.js";
