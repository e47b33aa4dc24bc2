// What does a module build?  It runs once, in a page that shares nothing with any other, and what it built is read out as
// numbers and bytes.  formats/threejs/baking.py drives this page; baking.js makes a glb of the answer in another one.
//
// No code of the module runs after `generate` has returned.  Reading therefore calls only what was taken before the module
// was loaded, reads only own data properties (a getter is no data), and keeps what it collects in objects without a
// prototype: no iterator, no array method, no `then`, no toJSON that the module may have replaced is ever looked up.
import { THREE } from "/three-core.js";

const LIMITS = { __proto__: null, vertices: 250_000, draws: 200, depth: 32, instances: 50_000, textures: 4 << 20, drawn: 2_900_000, objects: 100_000 };
const { getOwnPropertyDescriptor, hasOwn, setPrototypeOf, getPrototypeOf, keys } = Object, { isArray } = Array, { floor } = Math, { stringify } = JSON;
const { isInteger } = Number;
const free = (method) => Function.prototype.bind.call(Function.prototype.call, method);
const typed = getPrototypeOf(Uint8Array.prototype), getter = (name) => free(getOwnPropertyDescriptor(typed, name).get);
const kindOf = getter(Symbol.toStringTag), lengthOf = getter("length"), bufferOf = getter("buffer");
const setAll = free(typed.set), toBase64 = free(Uint8Array.prototype.toBase64), isBehind = free(Object.prototype.isPrototypeOf);
const seenBefore = free(Set.prototype.has), remember = free(Set.prototype.add), lookup = free(Map.prototype.get), keep = free(Map.prototype.set);
const cut = free(String.prototype.slice), [Floats, Wholes, Bytes, Maps, Sets] = [Float32Array, Uint32Array, Uint8Array, Map, Set];
const OBJECT = THREE.Object3D.prototype, PROMISE = Promise.prototype, RGBA = THREE.RGBAFormat;
const FAULTS = list([TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError, Error].map((kind) => ({ __proto__: null, name: kind.name, above: kind.prototype })));
const SCALES = { __proto__: null, Float32Array: 1, Float64Array: 1, Int8Array: 127, Uint8Array: 255, Uint8ClampedArray: 255, Int16Array: 32767,
  Uint16Array: 65535, Int32Array: 2147483647, Uint32Array: 4294967295 };
const KINDS = list(["isSkinnedMesh", "isBatchedMesh", "isLine", "isPoints", "isSprite", "isLOD"]);
const MATERIALS = list(["isMeshStandardMaterial", "isMeshBasicMaterial", "isMeshLambertMaterial", "isMeshPhongMaterial", "isMeshToonMaterial"]);
const OTHER_MAPS = list(["normalMap", "roughnessMap", "metalnessMap", "alphaMap", "aoMap", "lightMap", "bumpMap", "displacementMap", "envMap",
  "gradientMap", "specularMap", "matcap", "transmissionMap", "clearcoatMap", "sheenColorMap", "iridescenceMap"]);
const FAR = 2 ** 31;  // stands for any number of vertices

/** An array that inherits nothing. */
function list(items = []) { return setPrototypeOf(items, null); }
function push(to, value) { to[to.length] = value; }
function refuse(code, seen) { throw { __proto__: null, code, seen: { __proto__: null, ...seen } }; }
const odd = (what) => refuse("MODULE_UNSUPPORTED", { what });

/** What a property holds if it is plain data of its own. */
function own(holder, name) {
  if (holder === null || typeof holder !== "object") return undefined;
  const property = getOwnPropertyDescriptor(holder, name);
  return property !== undefined && hasOwn(property, "value") ? property.value : undefined;
}
const number = (holder, name) => { const value = own(holder, name); return typeof value === "number" ? value : NaN; };
const whole = (value) => typeof value === "number" && value > 0 ? (value < FAR ? floor(value) : FAR) : 0;
const point = (holder, names) => { const made = list(); for (let i = 0; i < names.length; i++) push(made, number(holder, names[i])); return made; };
const XYZ = list(["x", "y", "z"]), XY = list(["x", "y"]), TURN = list(["_x", "_y", "_z", "_w"]), RGB = list(["r", "g", "b"]);

/** Every property of JavaScript's own objects and of three.js's classes, as they were before the module came. */
const SHARED = ["Object", "Function", "Array", "String", "Number", "Boolean", "Symbol", "BigInt", "Math", "JSON", "Map", "Set", "WeakMap", "WeakSet", "Promise",
  "RegExp", "Error", "TypeError", "RangeError", "ReferenceError", "SyntaxError", "ArrayBuffer", "DataView", "Float32Array", "Float64Array", "Int8Array",
  "Int16Array", "Int32Array", "Uint8Array", "Uint8ClampedArray", "Uint16Array", "Uint32Array"];
const ownKeys = Reflect.ownKeys, same = Object.is, before = list();
function recall() {
  const shared = SHARED.map((name) => [name, globalThis[name]]).concat([["TypedArray", typed.constructor]]);
  const iterators = [[].values(), new Map().values(), new Set().values(), ""[Symbol.iterator]()].map((each) => ["an iterator", getPrototypeOf(each)]);
  const classes = Object.entries(THREE).filter(([, kind]) => typeof kind === "function" && kind.prototype).map(([name, kind]) => [`THREE.${name}`, { prototype: kind.prototype }]);
  for (const [name, thing] of [...shared, ...iterators, ...classes]) {
    if (!name.startsWith("THREE.")) remembered(name, thing);
    if (thing.prototype) remembered(name, thing.prototype);
  }
}
function remembered(name, thing) {
  const properties = list();
  for (const key of ownKeys(thing)) push(properties, { __proto__: null, key, ...getOwnPropertyDescriptor(thing, key) });
  push(before, { __proto__: null, name, thing, above: getPrototypeOf(thing), properties });
}

/** A module that changes what everybody shares is refused, though nothing that it changed is used again. */
function requireUnchanged() {
  for (let i = 0; i < before.length; i++) {
    const { name, thing, above, properties } = before[i];
    let changed = getPrototypeOf(thing) !== above || ownKeys(thing).length !== properties.length;
    for (let k = 0; !changed && k < properties.length; k++) {
      const { key, value, get, set } = properties[k], now = getOwnPropertyDescriptor(thing, key);
      changed = now === undefined || !same(hasOwn(now, "value") ? now.value : undefined, value) || (hasOwn(now, "get") ? now.get : undefined) !== get
        || (hasOwn(now, "set") ? now.set : undefined) !== set;
    }
    if (changed) refuse("MODULE_CHANGED_BUILTIN", { what: name });
  }
}

/** Chance and time are not offered; the allow-list of names in formats/threejs/module_names.py says so before. */
function trap() {
  const never = (name) => () => { throw new TypeError(`${name} is not offered`); };
  let state = 1;  // three.js itself names its objects by chance
  Math.random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  for (const name of ["Date", "performance", "crypto", "fetch", "XMLHttpRequest", "WebSocket", "Worker", "SharedWorker", "setTimeout", "setInterval",
    "queueMicrotask", "requestAnimationFrame", "importScripts", "indexedDB", "caches", "open", "postMessage", "Proxy", "Reflect", "eval",
    "WebAssembly", "RTCPeerConnection", "EventSource", "SharedArrayBuffer", "Atomics", "localStorage", "sessionStorage", "alert", "confirm", "prompt", "print"])
    Object.defineProperty(globalThis, name, { get: never(name), configurable: false });
  Error.stackTraceLimit = 0;
}

/** Nothing but the listed names, in an object without a prototype that nobody can change. */
const offered = (names) => Object.freeze(Object.assign(Object.create(null), Object.fromEntries(names.map((name) => [name, THREE[name]]))));

let handed, outcome = "";
const fixed = (name, descriptor) => Object.defineProperty(globalThis, name, { configurable: false, ...descriptor });
fixed("outcome", { get: () => outcome });
fixed("finish", { value: (generate) => { outcome = answer(generate); } });
fixed("start", { value: (names) => {
  handed = offered(names);
  const script = document.createElement("script"), threw = (event) => { outcome ||= refusal("MODULE_THREW", { why: described(event?.error) }); };
  addEventListener("error", threw);
  Object.assign(script, { type: "module", src: "/run.js", onload: threw, onerror: threw });
  trap();
  recall();
  document.head.append(script);
} });

const refusal = (code, seen) => stringify({ __proto__: null, refused: list([code, { __proto__: null, ...seen }]) });

function described(fault) {
  if (fault === null || typeof fault !== "object") return typeof fault === "string" ? cut(fault, 0, 200) : `a value of type ${fault === null ? "null" : typeof fault}`;
  const message = own(fault, "message");
  for (let i = 0; i < FAULTS.length; i++)
    if (isBehind(FAULTS[i].above, fault)) return cut(`${FAULTS[i].name}: ${typeof message === "string" ? message : ""}`, 0, 200);
  return "an object that is no Error";
}

/** What the host is told: a refusal, or a line of JSON and the bytes it speaks of in base64. */
function answer(generate) {
  let root;
  try {
    root = generate(handed);
  } catch (fault) {
    return refusal("MODULE_THREW", { why: described(fault) });
  }
  try {
    requireUnchanged();
    return read(root);
  } catch (fault) {
    const code = own(fault, "code");
    return typeof code === "string" ? refusal(code, own(fault, "seen")) : refusal("MODULE_THREW", { why: described(fault) });
  }
}

function read(root) {
  if (root === null || typeof root !== "object" || !isBehind(OBJECT, root))
    refuse("MODULE_RETURNED", { what: root === null ? "null" : typeof root === "object" && isBehind(PROMISE, root) ? "a promise" : `a value of type ${typeof root}` });
  const into = { __proto__: null, nodes: list(), meshes: list(), materials: list(), textures: list(), blob: list(), size: 0, known: new Maps() };
  const counted = collect(root, into);
  for (let i = 0; i < counted.length; i++) push(into.meshes, mesh(counted[i], into));
  const bytes = new Bytes(into.size);
  for (let i = 0, at = 0; i < into.blob.length; at += lengthOf(into.blob[i]), i++) setAll(bytes, into.blob[i], at);
  const { nodes, meshes, materials, textures } = into;
  return `${stringify({ __proto__: null, nodes, meshes, materials, textures })}\n${toBase64(bytes)}`;
}

/** Every mesh that is drawn, and the objects above it; counted before anything is copied. */
function collect(root, into) {
  const meshes = list(), counts = { __proto__: null, vertices: 0, draws: 0, instances: 0, drawn: 0, textures: 0 }, textures = new Sets(), seen = new Sets();
  const waiting = list([{ __proto__: null, object: root, parent: -1, depth: 1 }]);
  while (waiting.length) {
    const { object, parent, depth } = waiting[waiting.length - 1];
    waiting.length -= 1;
    if (depth > LIMITS.depth) refuse("MODULE_DEPTH", { limit: LIMITS.depth });
    if (!isBehind(OBJECT, object)) odd("a child that is no Object3D");
    if (seenBefore(seen, object)) odd("an object that is its own parent, or has two");
    remember(seen, object);
    if (into.nodes.length > LIMITS.objects) odd(`a tree of more than ${LIMITS.objects} objects`);
    if (!own(object, "visible")) continue;
    push(into.nodes, node(object, parent));
    for (let i = 0; i < KINDS.length; i++) if (own(object, KINDS[i])) odd(`a ${cut(KINDS[i], 2)}`);
    const at = into.nodes.length - 1;
    if (own(object, "isMesh")) push(meshes, count(object, at, counts, textures));
    const children = own(object, "children");
    for (let i = isArray(children) ? children.length - 1 : -1; i >= 0; i--) push(waiting, { __proto__: null, object: own(children, i), parent: at, depth: depth + 1 });
  }
  if (!meshes.length) refuse("NO_GEOMETRY", {});
  return meshes;
}

function node(object, parent) {
  if (own(object, "matrixAutoUpdate")) {
    const place = point(own(object, "position"), XYZ), turn = point(own(object, "quaternion"), TURN), scale = point(own(object, "scale"), XYZ);
    return { __proto__: null, parent, place, turn, scale };
  }
  const elements = own(own(object, "matrix"), "elements"), matrix = list();
  for (let i = 0; i < 16; i++) push(matrix, number(elements, i));
  return { __proto__: null, parent, matrix };
}

/** How many items an attribute holds: never more than its array does, whatever it says. */
function items(attribute) {
  const array = own(attribute, "array"), size = own(attribute, "itemSize"), stated = own(attribute, "count");
  if (array === null || typeof array !== "object" || SCALES[kindOf(array)] === undefined || !isInteger(size) || size < 1 || size > 16) return 0;
  const most = floor(lengthOf(array) / size);
  return isInteger(stated) && stated >= 0 && stated < most ? stated : most;
}

function count(object, at, counts, textures) {
  const geometry = own(object, "geometry"), material = own(object, "material"), attributes = own(geometry, "attributes");
  const vertices = items(own(attributes, "position")), instanced = own(object, "isInstancedMesh") === true, many = isArray(material), groups = own(geometry, "groups");
  if (!vertices) refuse("NO_GEOMETRY", {});
  const morphs = own(geometry, "morphAttributes");
  if (morphs !== null && typeof morphs === "object" && keys(morphs).length) odd("a morph target");
  const matrices = items(own(object, "instanceMatrix")), stated = own(object, "count");
  const instances = instanced ? (isInteger(stated) && stated >= 0 && stated < matrices ? stated : matrices) : 1;
  counts.vertices += vertices;
  counts.draws += many ? (isArray(groups) ? groups.length : 0) : 1;
  counts.instances += instanced ? instances : 0;
  counts.drawn += vertices * instances;
  if (counts.vertices > LIMITS.vertices) refuse("MODULE_VERTICES", { count: counts.vertices, limit: LIMITS.vertices });
  if (counts.draws > LIMITS.draws) refuse("MODULE_DRAWS", { count: counts.draws, limit: LIMITS.draws });
  if (counts.instances > LIMITS.instances) refuse("MODULE_INSTANCES", { count: counts.instances, limit: LIMITS.instances });
  if (counts.drawn > LIMITS.drawn) refuse("MODULE_VERTICES", { count: counts.drawn, limit: LIMITS.drawn });
  const corners = items(own(geometry, "index")) || vertices;
  if (corners * instances > 3 * LIMITS.drawn) refuse("MODULE_VERTICES", { count: corners * instances, limit: 3 * LIMITS.drawn });
  const paints = many ? material : [material];
  for (let i = 0; i < paints.length; i++) countMaterial(own(paints, i), counts, textures);
  return { __proto__: null, object, at, vertices, instances, instanced, many };
}

function countMaterial(material, counts, textures) {
  let known = false;
  for (let i = 0; i < MATERIALS.length; i++) known ||= own(material, MATERIALS[i]) === true;
  const type = own(material, "type");
  if (!known) odd(`a material of type ${typeof type === "string" ? cut(type, 0, 40) : typeof type}`);
  for (let i = 0; i < OTHER_MAPS.length; i++) if (own(material, OTHER_MAPS[i])) odd(`the texture ${OTHER_MAPS[i]}`);
  countTexture(own(material, "map"), "map", counts, textures);
  countTexture(own(material, "emissiveMap"), "emissiveMap", counts, textures);
}

function countTexture(texture, name, counts, textures) {
  if (!texture || (typeof texture === "object" && seenBefore(textures, texture))) return;
  const image = own(own(texture, "source"), "data"), data = own(image, "data"), width = own(image, "width"), height = own(image, "height");
  const kind = data !== null && typeof data === "object" ? kindOf(data) : "";
  if (own(texture, "isDataTexture") !== true || (kind !== "Uint8Array" && kind !== "Uint8ClampedArray") || own(texture, "format") !== RGBA)
    odd(`a ${name} that is no DataTexture of RGBA bytes`);
  if (!isInteger(width) || !isInteger(height) || width < 1 || height < 1) odd(`a ${name} without pixels`);
  counts.textures += 4 * width * height;
  if (counts.textures > LIMITS.textures) refuse("MODULE_TEXTURES", { bytes: counts.textures, limit: LIMITS.textures });
  if (4 * width * height !== lengthOf(data)) odd(`a ${name} of ${width} x ${height} pixels that holds ${lengthOf(data)} bytes`);
  remember(textures, texture);
}

/** Where an array of ours lies in the answer: first byte, and how many numbers. */
function put(array, into) {
  const bytes = kindOf(array) === "Uint8Array" ? array : new Bytes(bufferOf(array)), at = into.size;
  push(into.blob, bytes);
  into.size += lengthOf(bytes);
  return list([at, lengthOf(array)]);
}

/** `wide` floats of each of the first `most` items. */
function floats(attribute, wide, most, into) {
  const array = own(attribute, "array"), size = own(attribute, "itemSize"), made = new Floats(wide * most);
  if (items(attribute) < most || size < wide) odd("an attribute with fewer numbers than its vertices need");
  const scale = own(attribute, "normalized") ? SCALES[kindOf(array)] : 1;
  for (let i = 0; i < most; i++)
    for (let k = 0; k < wide; k++) {
      const value = array[i * size + k] / scale;
      made[i * wide + k] = scale > 1 && value < -1 ? -1 : value;
    }
  return put(made, into);
}

function wholes(attribute, most, into) {
  const array = own(attribute, "array"), size = own(attribute, "itemSize"), made = new Wholes(most);
  for (let i = 0; i < most; i++) made[i] = array[i * size];
  return put(made, into);
}

function mesh({ object, at, vertices, instances, instanced, many }, into) {
  const geometry = own(object, "geometry"), attributes = own(geometry, "attributes"), material = own(object, "material"), index = own(geometry, "index");
  const made = { __proto__: null, node: at, vertices, instances, position: floats(own(attributes, "position"), 3, vertices, into) };
  const optional = (name, attribute, wide, most) => { if (attribute) made[name] = floats(attribute, wide, most, into); };
  optional("normal", own(attributes, "normal"), 3, vertices);
  optional("uv", own(attributes, "uv"), 2, vertices);
  optional("color", own(attributes, "color"), 3, vertices);
  if (instanced) made.matrices = floats(own(object, "instanceMatrix"), 16, instances, into);
  if (instanced) optional("tints", own(object, "instanceColor"), 3, instances);
  if (index) made.index = wholes(index, items(index), into);
  const range = own(geometry, "drawRange"), groups = own(geometry, "groups"), paints = many ? material : [material];
  made.range = list([whole(own(range, "start")), whole(own(range, "count"))]);
  made.paints = list();
  for (let i = 0; i < paints.length; i++) push(made.paints, paint(own(paints, i), into));
  if (!many) return made;
  made.groups = list();
  for (let i = 0; isArray(groups) && i < groups.length; i++) {
    const group = own(groups, i);
    push(made.groups, list([whole(own(group, "start")), whole(own(group, "count")), whole(own(group, "materialIndex"))]));
  }
  return made;
}

/** The place of a material or texture among those that were met; each is read once. */
function once(thing, among, into, reading) {
  const before = lookup(into.known, thing);
  if (before !== undefined) return before;
  push(among, reading(thing, into));
  keep(into.known, thing, among.length - 1);
  return among.length - 1;
}
const paint = (material, into) => once(material, into.materials, into, readMaterial);
const texture = (map, into) => map ? once(map, into.textures, into, readTexture) : -1;

function readMaterial(material, into) {
  return { __proto__: null, basic: own(material, "isMeshBasicMaterial") === true, color: point(own(material, "color"), RGB), map: texture(own(material, "map"), into),
    opacity: number(material, "opacity"), transparent: !!(own(material, "transparent")), alphaTest: number(material, "_alphaTest"), side: whole(own(material, "side")),
    vertexColors: !!(own(material, "vertexColors")), flatShading: !!(own(material, "flatShading")),
    emissive: own(material, "emissive") ? point(own(material, "emissive"), RGB) : list([0, 0, 0]), emissiveMap: texture(own(material, "emissiveMap"), into),
    emissiveIntensity: own(material, "emissiveIntensity") === undefined ? 1 : number(material, "emissiveIntensity"),
    roughness: own(material, "roughness") === undefined ? 1 : number(material, "roughness"), metalness: own(material, "metalness") === undefined ? 0 : number(material, "metalness") };
}

function readTexture(map, into) {
  const image = own(own(map, "source"), "data"), data = own(image, "data"), bytes = new Bytes(lengthOf(data)), space = own(map, "colorSpace");
  setAll(bytes, data);
  return { __proto__: null, data: put(bytes, into), width: own(image, "width"), height: own(image, "height"), wrapS: whole(own(map, "wrapS")),
    wrapT: whole(own(map, "wrapT")), magFilter: whole(own(map, "magFilter")), minFilter: whole(own(map, "minFilter")), flipY: !!(own(map, "flipY")),
    colorSpace: space === "srgb" || space === "srgb-linear" ? space : "", rotation: number(map, "rotation"), repeat: point(own(map, "repeat"), XY),
    offset: point(own(map, "offset"), XY), center: point(own(map, "center"), XY) };
}
globalThis.ready = true;
