// What of three.js the viewer and the renderer use; esbuild leaves the rest out.
export {
  AmbientLight, BufferAttribute, Color, CustomBlending, DataTexture, DirectionalLight, FloatType, GLSL3, InstancedBufferAttribute,
  InstancedBufferGeometry, IntType, Mesh, MeshLambertMaterial, MeshNormalMaterial, NearestFilter, NeutralToneMapping, NoToneMapping, OneFactor,
  OneMinusSrcAlphaFactor, PerspectiveCamera, PMREMGenerator, RawShaderMaterial, RGBAFormat, Scene, UnsignedByteType, Vector2, WebGLRenderer,
} from "three";
export { RoomEnvironment } from "three/addons/environments/RoomEnvironment.js";
export { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
export { OrbitControls } from "three/addons/controls/OrbitControls.js";
