// What does a module build?  It is run once, in a page that shares nothing with any other, and its scene becomes a glb.
// Nothing of the module runs after that: what is judged, shown and kept is data.  judging/renderers/baking.py drives this page.
import { GLTFExporter, THREE } from "/three-core.js";

const { BufferAttribute, BufferGeometry, Color, Matrix3, Matrix4, Mesh, MeshBasicMaterial, MeshStandardMaterial, Scene, Vector3 } = THREE;
const LIMITS = { vertices: 250_000, draws: 200, depth: 32, instances: 50_000, textures: 4 << 20, drawn: 2_900_000 };
const KINDS = ["isSkinnedMesh", "isBatchedMesh", "isLine", "isPoints", "isSprite", "isLOD"];
let built;

class Refusal {
  constructor(code, seen) { Object.assign(this, { code, seen }); }
}
const refuse = (code, seen) => { throw new Refusal(code, seen); };

/** Chance and time are not offered; the allow-list of names in judging/formats/module_names.py says so before. */
function trap() {
  const never = (name) => () => { throw new TypeError(`${name} is not offered`); };
  let state = 1;  // three.js itself names its objects by chance
  Math.random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  for (const name of ["Date", "performance", "crypto", "fetch", "XMLHttpRequest", "WebSocket", "Worker", "SharedWorker", "setTimeout", "setInterval",
    "queueMicrotask", "requestAnimationFrame", "importScripts", "indexedDB", "caches", "open", "postMessage", "Proxy", "Reflect", "eval",
    "WebAssembly", "RTCPeerConnection", "EventSource", "SharedArrayBuffer", "Atomics", "localStorage", "sessionStorage"])
    Object.defineProperty(globalThis, name, { get: never(name), configurable: false });
  Error.stackTraceLimit = 0;
}

/** Nothing but the listed names, in an object without a prototype that nobody can change. */
const offered = (names) => Object.freeze(Object.assign(Object.create(null), Object.fromEntries(names.map((name) => [name, THREE[name]]))));

globalThis.build = async (names) => {
  try {
    const handed = offered(names);
    trap();
    const { default: generate } = await import("/module.js");
    const root = generate(handed);
    if (root === null || typeof root !== "object" || !(root instanceof THREE.Object3D))
      refuse("MODULE_RETURNED", { what: root instanceof Promise ? "a promise" : root === null ? "null" : `a value of type ${typeof root}` });
    built = collect(root);
    return { done: true };
  } catch (fault) {
    return told(fault);
  }
};

const told = (fault) => fault instanceof Refusal ? { refused: [fault.code, fault.seen] }
  : { refused: ["MODULE_THREW", { why: `${fault?.name ?? "something"}: ${fault?.message ?? fault}`.slice(0, 200) }] };

/** Every mesh that is drawn, with where it stands; counted before anything is copied. */
function collect(root) {
  const meshes = [], counts = { vertices: 0, draws: 0, instances: 0, drawn: 0 }, textures = new Set();
  const waiting = [[root, new Matrix4(), 1]], seen = new Set();
  while (waiting.length) {
    const [object, above, depth] = waiting.pop();
    if (depth > LIMITS.depth) refuse("MODULE_DEPTH", { limit: LIMITS.depth });
    if (seen.has(object)) refuse("MODULE_UNSUPPORTED", { what: "an object that is its own parent, or has two" });
    seen.add(object);
    if (!object.visible) continue;
    const own = object.matrixAutoUpdate ? new Matrix4().compose(object.position, object.quaternion, object.scale) : object.matrix.clone();
    const world = above.clone().multiply(own);
    const odd = KINDS.find((kind) => object[kind]);
    if (odd) refuse("MODULE_UNSUPPORTED", { what: `a ${odd.slice(2)}` });
    if (object.isMesh) meshes.push(one(object, world, counts, textures));
    for (let i = object.children.length - 1; i >= 0; i--) waiting.push([object.children[i], world, depth + 1]);
  }
  if (!meshes.length) refuse("NO_GEOMETRY", {});
  return meshes;
}

function one(mesh, world, counts, textures) {
  const { geometry, material } = mesh, vertices = geometry.attributes.position?.count ?? 0;
  if (!vertices) refuse("NO_GEOMETRY", {});
  if (Object.keys(geometry.morphAttributes ?? {}).length) refuse("MODULE_UNSUPPORTED", { what: "a morph target" });
  const instances = mesh.isInstancedMesh ? mesh.count : 1, many = Array.isArray(material);
  counts.vertices += vertices;
  counts.draws += many ? geometry.groups.length : 1;
  counts.instances += mesh.isInstancedMesh ? instances : 0;
  counts.drawn += vertices * instances;
  if (counts.vertices > LIMITS.vertices) refuse("MODULE_VERTICES", { count: counts.vertices, limit: LIMITS.vertices });
  if (counts.draws > LIMITS.draws) refuse("MODULE_DRAWS", { count: counts.draws, limit: LIMITS.draws });
  if (counts.instances > LIMITS.instances) refuse("MODULE_INSTANCES", { count: counts.instances, limit: LIMITS.instances });
  if (counts.drawn > LIMITS.drawn) refuse("MODULE_VERTICES", { count: counts.drawn, limit: LIMITS.drawn });
  for (const each of [material].flat()) count(each, textures);
  return { mesh, world, instances };
}

function count(material, textures) {
  if (!["isMeshStandardMaterial", "isMeshBasicMaterial", "isMeshLambertMaterial", "isMeshPhongMaterial", "isMeshToonMaterial"].some((kind) => material?.[kind]))
    refuse("MODULE_UNSUPPORTED", { what: `a material of type ${String(material?.type).slice(0, 40)}` });
  for (const name of ["map", "emissiveMap", "normalMap", "roughnessMap", "metalnessMap", "alphaMap", "aoMap", "lightMap", "bumpMap", "displacementMap",
    "envMap", "gradientMap", "specularMap", "matcap", "transmissionMap", "clearcoatMap", "sheenColorMap", "iridescenceMap"]) {
    const texture = material[name];
    if (!texture) continue;
    if (!["map", "emissiveMap"].includes(name)) refuse("MODULE_UNSUPPORTED", { what: `the texture ${name}` });
    if (!texture.isDataTexture || !(texture.image?.data instanceof Uint8Array || texture.image?.data instanceof Uint8ClampedArray) || texture.format !== THREE.RGBAFormat)
      refuse("MODULE_UNSUPPORTED", { what: `a ${name} that is no DataTexture of RGBA bytes` });
    textures.add(texture);
  }
  const bytes = [...textures].reduce((sum, { image }) => sum + image.data.byteLength, 0);
  if (bytes > LIMITS.textures) refuse("MODULE_TEXTURES", { bytes, limit: LIMITS.textures });
}

globalThis.bake = async () => {
  try {
    const scene = new Scene();
    for (const each of built) for (const mesh of plain(each)) scene.add(mesh);
    const bytes = await new GLTFExporter().parseAsync(scene, { binary: true, onlyVisible: false });
    return { glb: new Uint8Array(bytes).toBase64() };
  } catch (fault) {
    return told(fault);
  }
};

/** New meshes of our own making, one per material, in world space. */
function* plain({ mesh, world, instances }) {
  const { geometry, material } = mesh, index = geometry.index, total = index ? index.count : geometry.attributes.position.count;
  const from = Math.max(0, geometry.drawRange.start), to = Math.min(total, from + geometry.drawRange.count);
  const groups = Array.isArray(material) ? geometry.groups.map(({ start, count: wide, materialIndex }) => [Math.max(from, start), Math.min(to, start + wide), material[materialIndex]])
    : [[from, to, material]];
  for (const [start, end, paint] of groups) {
    const corners = Math.max(0, Math.floor((end - start) / 3) * 3);
    if (!corners || !paint) continue;
    const taken = Array.from({ length: corners }, (_, i) => index ? index.getX(start + i) : start + i);
    yield new Mesh(shape(mesh, taken, world, instances, paint), finish(paint, mesh));
  }
}

function shape(mesh, taken, world, instances, paint) {
  const { attributes } = mesh.geometry, used = [...new Set(taken)], place = new Map(used.map((vertex, i) => [vertex, i]));
  const each = used.length, position = new Float32Array(3 * each * instances), normal = new Float32Array(3 * each * instances);
  const tinted = mesh.isInstancedMesh && mesh.instanceColor, coloured = (paint.vertexColors && attributes.color) || tinted;
  const colour = new Float32Array(coloured ? 3 * each * instances : 0), uv = new Float32Array(attributes.uv ? 2 * each * instances : 0);
  const faces = new Uint32Array(taken.length * instances), flat = paint.flatShading || !attributes.normal;
  const matrix = new Matrix4(), turn = new Matrix3(), v = new Vector3(), c = new Color();
  for (let k = 0; k < instances; k++) {
    matrix.copy(world);
    if (mesh.isInstancedMesh) matrix.multiply(new Matrix4().fromArray(mesh.instanceMatrix.array, 16 * k));
    turn.getNormalMatrix(matrix);
    const turned = (matrix.determinant() < 0) !== (paint.side === THREE.BackSide), inward = paint.side === THREE.BackSide ? -1 : 1;
    if (tinted) c.fromArray(mesh.instanceColor.array, 3 * k); else c.setRGB(1, 1, 1);
    used.forEach((vertex, i) => {
      const at = k * each + i;
      v.fromBufferAttribute(attributes.position, vertex).applyMatrix4(matrix).toArray(position, 3 * at);
      if (!flat) v.fromBufferAttribute(attributes.normal, vertex).applyMatrix3(turn).normalize().multiplyScalar(inward).toArray(normal, 3 * at);
      if (attributes.uv) uv.set([attributes.uv.getX(vertex), attributes.uv.getY(vertex)], 2 * at);
      if (!coloured) return;
      const own = paint.vertexColors && attributes.color ? [attributes.color.getX(vertex), attributes.color.getY(vertex), attributes.color.getZ(vertex)] : [1, 1, 1];
      colour.set([own[0] * c.r, own[1] * c.g, own[2] * c.b].map((value) => Math.min(1, Math.max(0, value))), 3 * at);
    });
    for (let i = 0; i < taken.length; i += 3)
      (turned ? [0, 2, 1] : [0, 1, 2]).forEach((corner, j) => { faces[k * taken.length + i + j] = k * each + place.get(taken[i + corner]); });
  }
  const made = new BufferGeometry().setIndex(new BufferAttribute(faces, 1)).setAttribute("position", new BufferAttribute(position, 3));
  if (!flat) made.setAttribute("normal", new BufferAttribute(normal, 3));
  if (attributes.uv) made.setAttribute("uv", new BufferAttribute(uv, 2));
  if (coloured) made.setAttribute("color", new BufferAttribute(colour, 3));
  return made;
}

function finish(paint, mesh) {
  const coloured = (paint.vertexColors && mesh.geometry.attributes.color) || (mesh.isInstancedMesh && mesh.instanceColor);
  const told = { color: new Color().copy(paint.color), map: texture(paint.map), opacity: within(paint.opacity), transparent: Boolean(paint.transparent),
    alphaTest: within(paint.alphaTest), side: paint.side === THREE.DoubleSide ? THREE.DoubleSide : THREE.FrontSide, vertexColors: Boolean(coloured) };
  if (paint.isMeshBasicMaterial) return new MeshBasicMaterial(told);
  const glow = new Color().copy(paint.emissive ?? { r: 0, g: 0, b: 0 }).multiplyScalar(Math.max(0, paint.emissiveIntensity ?? 1));
  const most = Math.max(1, glow.r, glow.g, glow.b);
  return new MeshStandardMaterial({ ...told, emissive: glow.multiplyScalar(1 / most), emissiveMap: texture(paint.emissiveMap),
    roughness: within(paint.roughness ?? 1), metalness: within(paint.metalness ?? 0) });
}

const within = (value) => Math.min(1, Math.max(0, Number(value) || 0));
const copies = new Map();

function texture(told) {
  if (!told) return null;
  if (!copies.has(told)) {
    const { data, width, height } = told.image, made = new THREE.DataTexture(new Uint8ClampedArray(data), width, height);
    for (const name of ["wrapS", "wrapT", "magFilter", "minFilter", "colorSpace", "flipY", "rotation"]) made[name] = told[name];
    made.repeat.copy(told.repeat);
    made.offset.copy(told.offset);
    made.center.copy(told.center);
    copies.set(told, made);
  }
  return copies.get(told);
}
globalThis.ready = true;
