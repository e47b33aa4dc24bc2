// What does a module build?  It runs once, in a page that shares nothing with any other, and what it built is read out as
// numbers and bytes.  formats/threejs/baking.py drives this page; baking.js makes a glb of the answer in another one.
//
// No code of the module runs after `generate` has returned.  Reading therefore calls only what was taken before the module
// was loaded, reads only own data properties (a getter is no data), and keeps what it collects in objects without a
// prototype: no iterator, no array method, no `then`, no toJSON that the module may have replaced is ever looked up.
import { THREE } from "/three-core.js";

const LIMITS = { __proto__: null, vertices: 250_000, draws: 200, depth: 32, instances: 50_000, textures: 4 << 20, texels: 4 << 20, drawn: 2_900_000, pieces: 2_000,
  objects: 100_000 };
const { getOwnPropertyDescriptor, hasOwn, setPrototypeOf, getPrototypeOf } = Object, { isArray } = Array, { floor } = Math, { stringify } = JSON;
const { isInteger } = Number, Guard = Proxy, Fault = TypeError;
const free = (method) => Function.prototype.bind.call(Function.prototype.call, method);
const typed = getPrototypeOf(Uint8Array.prototype), getter = (name) => free(getOwnPropertyDescriptor(typed, name).get);
const kindOf = getter(Symbol.toStringTag), lengthOf = getter("length"), sizeOf = getter("byteLength"), bufferOf = getter("buffer");
const setAll = free(typed.set), toBase64 = free(Uint8Array.prototype.toBase64), isBehind = free(Object.prototype.isPrototypeOf);
const seenBefore = free(Set.prototype.has), remember = free(Set.prototype.add), lookup = free(Map.prototype.get), keep = free(Map.prototype.set);
const cut = free(String.prototype.slice), [Floats, Wholes, Bytes, Maps, Sets] = [Float32Array, Uint32Array, Uint8Array, Map, Set];
const OBJECT = THREE.Object3D.prototype, PROMISE = Promise.prototype, CHANNELS = { __proto__: null, [THREE.RGBAFormat]: 4, [THREE.RGBFormat]: 3, [THREE.RGFormat]: 2, [THREE.RedFormat]: 1 };
const FAULTS = list([TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError, Error].map((kind) => ({ __proto__: null, name: kind.name, above: kind.prototype })));
const SCALES = { __proto__: null, Float16Array: 1, Float32Array: 1, Float64Array: 1, Int8Array: 127, Uint8Array: 255, Uint8ClampedArray: 255, Int16Array: 32767,
  Uint16Array: 65535, Int32Array: 2147483647, Uint32Array: 4294967295 };
const KINDS = list(["isSkinnedMesh", "isBatchedMesh", "isSprite", "isLOD"]);
const SHOWN_MAPS = list(["map", "emissiveMap"]);  // these must be textures; others that are none are left out
const OTHER_MAPS = list(["normalMap", "roughnessMap", "metalnessMap", "alphaMap", "aoMap", "lightMap", "bumpMap", "displacementMap", "envMap", "gradientMap",
  "specularMap", "specularIntensityMap", "specularColorMap", "transmissionMap", "thicknessMap", "clearcoatMap", "clearcoatNormalMap", "clearcoatRoughnessMap",
  "sheenColorMap", "sheenRoughnessMap", "iridescenceMap", "iridescenceThicknessMap", "anisotropyMap"]);
// What is read of a material of each class, and what kind each value is: MATERIALS of formats/threejs/scene_parameters.py.
const TABLES = list();
// Lines are one pixel wide, and points as large as their material says, as the subnet's camera sees the origin: 17.5 degrees, 3.5 away, 1024 pixels.
const SLOPE = Math.tan(17.5 / 2 * Math.PI / 180), PIXEL = 7 * SLOPE / 1024;
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
const SHARED = ["Iterator", "AggregateError", "EvalError", "URIError", "BigInt64Array", "BigUint64Array", "Float16Array", "Object", "Function", "Array", "String", "Number", "Boolean", "Symbol", "BigInt", "Math", "JSON", "Map", "Set", "WeakMap", "WeakSet", "Promise",
  "RegExp", "Error", "TypeError", "RangeError", "ReferenceError", "SyntaxError", "ArrayBuffer", "DataView", "Float32Array", "Float64Array", "Int8Array",
  "Int16Array", "Int32Array", "Uint8Array", "Uint8ClampedArray", "Uint16Array", "Uint32Array"];
const ownKeys = Reflect.ownKeys, same = Object.is, before = list();
function recall() {
  const shared = SHARED.filter((name) => name in globalThis).map((name) => [name, globalThis[name]]).concat([["TypedArray", typed.constructor]]);
  const iterators = [[].values(), new Map().values(), new Set().values(), ""[Symbol.iterator](), "".matchAll(/x/g), [].values().map?.((each) => each) ?? [].values()]
    .map((each) => ["an iterator", getPrototypeOf(each)]);
  const generator = getPrototypeOf(function* () {});
  iterators.push(["a generator", generator], ["a generator", generator.prototype], ["an iterator", getPrototypeOf(generator.prototype)]);
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
    "WebAssembly", "Intl", "WeakRef", "FinalizationRegistry", "RTCPeerConnection", "EventSource", "SharedArrayBuffer", "Atomics", "localStorage", "sessionStorage", "alert", "confirm", "prompt", "print"])
    Object.defineProperty(globalThis, name, { get: never(name), configurable: false });
  Error.stackTraceLimit = 0;
}

/** Nothing but the listed names, in an object that nobody can change; asking for another throws, however it is asked for. */
const guarded = (whole, names, called) => new Guard(Object.freeze(Object.assign(Object.create(null), Object.fromEntries(names.map((name) => [name, whole[name]])))), {
  __proto__: null,
  get(listed, name) {
    if (typeof name === "symbol") return undefined;
    if (hasOwn(listed, name)) return listed[name];
    throw new Fault(`${called}.${name} is not offered`);
  },
});
const offered = (names, chance) => {
  const reckoning = guarded(THREE.MathUtils, Object.keys(THREE.MathUtils).filter((name) => !chance.includes(name)), "THREE.MathUtils");
  return guarded({ ...THREE, MathUtils: reckoning }, names, "THREE");
};

let handed, outcome = "";
const fixed = (name, descriptor) => Object.defineProperty(globalThis, name, { configurable: false, ...descriptor });
fixed("outcome", { get: () => outcome });
fixed("finish", { value: (generate) => { outcome = answer(generate); } });
fixed("start", { value: (names, chance, materials) => {
  handed = offered(names, chance);
  for (const [type, names] of Object.entries(materials))
    push(TABLES, { __proto__: null, type, flag: `is${type}`, names: list(Object.entries(names).map((row) => list(row))) });
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
  if (own(root, "isLine") && !own(root, "isLineSegments")) refuse("MODULE_RETURNED", { what: "a Line" });
  const into = { __proto__: null, nodes: list(), meshes: list(), materials: list(), textures: list(), blob: list(), size: 0, known: new Maps() };
  const counted = collect(root, into);
  for (let i = 0; i < counted.length; i++) push(into.meshes, mesh(counted[i], into));
  const bytes = new Bytes(into.size);
  for (let i = 0, at = 0; i < into.blob.length; at += filled(lengthOf(into.blob[i])), i++) setAll(bytes, into.blob[i], at);
  const { nodes, meshes, materials, textures } = into;
  return `${stringify({ __proto__: null, nodes, meshes, materials, textures })}\n${toBase64(bytes)}`;
}

/** Everything that is drawn, and the objects above it; counted before anything is copied, what is hidden too: the subnet counts by node, the root's depth is 0. */
function collect(root, into) {
  const drawn = list(), counts = { __proto__: null, vertices: 0, draws: 0, instances: 0, drawn: 0, pieces: 0, textures: 0, texels: 0 };
  const textures = new Sets(), seen = new Sets();
  const waiting = list([{ __proto__: null, object: root, parent: -1, depth: own(root, "isGroup") === true ? 0 : 1, shown: true }]);
  let objects = 0;
  while (waiting.length) {
    const { object, parent, depth, shown } = waiting[waiting.length - 1];
    waiting.length -= 1;
    if (depth > LIMITS.depth) refuse("MODULE_DEPTH", { limit: LIMITS.depth });
    if (!isBehind(OBJECT, object)) odd("a child that is no Object3D");
    if (seenBefore(seen, object)) odd("an object that is its own parent, or has two");
    remember(seen, object);
    if (++objects > LIMITS.objects) odd(`a tree of more than ${LIMITS.objects} objects`);
    for (let i = 0; i < KINDS.length; i++) if (own(object, KINDS[i])) odd(`a ${cut(KINDS[i], 2)}`);
    const visible = shown && !!own(object, "visible"), at = into.nodes.length;
    if (visible) push(into.nodes, node(object, parent));
    const counted = shapeOf(object) && count(object, at, counts, textures);
    const mask = own(own(object, "layers"), "mask"), inView = typeof mask !== "number" || mask & 1;  // the camera's layer is the first
    if (visible && inView && counted && counted.vertices) push(drawn, counted);
    const children = own(object, "children");
    for (let i = isArray(children) ? children.length - 1 : -1; i >= 0; i--)
      push(waiting, { __proto__: null, object: own(children, i), parent: at, depth: depth + 1, shown: visible });
  }
  if (!drawn.length) refuse("NO_GEOMETRY", {});
  return drawn;
}

function shapeOf(object) {
  if (own(object, "isMesh")) return "mesh";
  if (own(object, "isLine")) return own(object, "isLineSegments") ? "pairs" : "strip";
  return own(object, "isPoints") ? "points" : "";
}

function node(object, parent) {
  const made = { __proto__: null, parent, id: idOf(object), group: own(object, "isGroup") === true, renderOrder: number(object, "renderOrder") };
  if (own(object, "matrixAutoUpdate"))
    return { __proto__: null, ...made, place: point(own(object, "position"), XYZ), turn: point(own(object, "quaternion"), TURN), scale: point(own(object, "scale"), XYZ) };
  return { __proto__: null, ...made, matrix: elements(own(object, "matrix"), 16) };
}

/** Three.js numbers objects and materials as they are made, and draws by that where nothing else decides. */
const idOf = (thing) => { const id = own(thing, "id"); return isInteger(id) && id >= 0 && id < FAR ? id : 0; };

function elements(matrix, count) {
  const held = own(matrix, "elements"), made = list();
  for (let i = 0; i < count; i++) push(made, number(held, i));
  return made;
}

/** Where an attribute's numbers lie: in an array of its own, or with others' in one that is shared. */
function numbersOf(attribute) {
  const shared = own(attribute, "isInterleavedBufferAttribute") === true ? own(attribute, "data") : undefined, size = own(attribute, "itemSize");
  const array = own(shared ?? attribute, "array"), step = shared ? own(shared, "stride") : size, first = shared ? own(attribute, "offset") : 0;
  const fits = isInteger(size) && size >= 1 && size <= 16 && isInteger(step) && step >= 1 && step <= 4096 && isInteger(first) && first >= 0 && first <= 4096;
  if (array === null || typeof array !== "object" || SCALES[kindOf(array)] === undefined || !fits) return { __proto__: null, count: 0 };
  const most = lengthOf(array) < first + size ? 0 : floor((lengthOf(array) - first - size) / step) + 1, stated = own(shared ?? attribute, "count");
  return { __proto__: null, array, size, step, first, count: isInteger(stated) && stated >= 0 && stated < most ? stated : most };
}
/** How many items an attribute holds: never more than its array does, whatever it says. */
const items = (attribute) => numbersOf(attribute).count;

function count(object, at, counts, textures) {
  const geometry = own(object, "geometry"), material = own(object, "material"), attributes = own(geometry, "attributes"), shape = shapeOf(object);
  const vertices = items(own(attributes, "position")), instanced = own(object, "isInstancedMesh") === true, many = isArray(material), groups = own(geometry, "groups");
  const turned = own(object, "morphTargetInfluences");
  for (let i = 0; isArray(turned) && i < turned.length; i++) if (own(turned, i)) odd("a morph target that is turned up");
  const matrices = items(own(object, "instanceMatrix")), stated = own(object, "count");
  const instances = instanced ? (isInteger(stated) && stated >= 0 && stated < matrices ? stated : matrices) : 1;
  const corners = items(own(geometry, "index")) || vertices, paints = many ? material : list([material]), pieces = many ? isArray(groups) ? groups.length : 0 : 1;
  if (paints.length > LIMITS.pieces) odd(`a list of ${paints.length} materials`);
  counts.vertices += vertices;
  counts.draws += 1;
  counts.instances += instanced ? instances : 0;
  counts.drawn += shape === "mesh" ? vertices * instances : 6 * corners;
  counts.pieces += pieces < paints.length ? pieces : paints.length;
  most("MODULE_VERTICES", counts.vertices, LIMITS.vertices);
  most("MODULE_DRAWS", counts.draws, LIMITS.draws, "meshes, lines and clouds of points");
  most("MODULE_INSTANCES", counts.instances, LIMITS.instances);
  most("MODULE_VERTICES", counts.drawn, LIMITS.drawn);
  most("MODULE_DRAWS", counts.pieces, LIMITS.pieces, "groups with a material of their own");
  most("MODULE_VERTICES", corners * instances, 3 * LIMITS.drawn);
  if (vertices) for (let i = 0; i < paints.length; i++) countMaterial(own(paints, i), counts, textures);
  return { __proto__: null, object, at, vertices, instances, instanced, many, shape };
}

function most(code, count, limit, what = "") {
  if (count > limit) refuse(code, { count, limit, what });
}

/** The table of a material's class, or undefined. */
const tableOf = (material) => { for (let i = 0; i < TABLES.length; i++) if (own(material, TABLES[i].flag) === true) return TABLES[i]; return undefined; };

function countMaterial(material, counts, textures) {
  const type = own(material, "type");
  if (tableOf(material) === undefined) odd(`a material of type ${typeof type === "string" ? cut(type, 0, 40) : typeof type}`);
  for (let i = 0; i < OTHER_MAPS.length; i++) countTexture(own(material, OTHER_MAPS[i]), counts, textures);
  for (let i = 0; i < SHOWN_MAPS.length; i++) {
    const texture = own(material, SHOWN_MAPS[i]);
    if (texture && own(texture, "isDataTexture") !== true) odd(`a ${SHOWN_MAPS[i]} that is no DataTexture`);
    countTexture(texture, counts, textures);
  }
}

function countTexture(texture, counts, textures) {
  if (own(texture, "isDataTexture") !== true || seenBefore(textures, texture)) return;
  const image = own(own(texture, "source"), "data"), data = own(image, "data"), width = own(image, "width"), height = own(image, "height");
  if (!isInteger(width) || !isInteger(height) || width < 1 || height < 1) odd("a texture without pixels");
  if (CHANNELS[number(texture, "format")] === undefined) odd("a texture that is not RGBA, RGB, RG or Red");
  counts.textures += data !== null && typeof data === "object" && kindOf(data) ? sizeOf(data) : 0;
  counts.texels += width * height;
  if (counts.textures > LIMITS.textures) refuse("MODULE_TEXTURES", { bytes: counts.textures, limit: LIMITS.textures });
  if (counts.texels > LIMITS.texels) refuse("MODULE_TEXTURES", { bytes: 4 * counts.texels, limit: 4 * LIMITS.texels });
  remember(textures, texture);
}

const filled = (length) => 4 * floor((length + 3) / 4);  // so that numbers of four bytes lie where they may be read

/** Where an array of ours lies in the answer: first byte, and how many numbers. */
function put(array, into) {
  const bytes = kindOf(array) === "Uint8Array" ? array : new Bytes(bufferOf(array)), at = into.size;
  push(into.blob, bytes);
  into.size += filled(lengthOf(bytes));
  return list([at, lengthOf(array)]);
}

/** `wide` floats of each of the first `most` items; what is missing is 0, as it is to a graphics card. */
function floats(attribute, wide, most, into, skipped = 0) {
  const { array, size, step, first, count } = numbersOf(attribute), made = new Floats(wide * most);
  const scale = own(attribute, "normalized") ? SCALES[kindOf(array)] : 1, held = count < most ? count : most, each = size - skipped < wide ? size - skipped : wide;
  for (let i = 0; i < held; i++)
    for (let k = 0; k < each; k++) {
      const value = array[first + i * step + skipped + k] / scale;
      made[i * wide + k] = scale > 1 && value < -1 ? -1 : value;
    }
  return put(made, into);
}

function wholes(attribute, into) {
  const { array, step, first, count } = numbersOf(attribute), made = new Wholes(count);
  for (let i = 0; i < count; i++) made[i] = array[first + i * step];
  return put(made, into);
}

function mesh({ object, at, vertices, instances, instanced, many, shape }, into) {
  const geometry = own(object, "geometry"), attributes = own(geometry, "attributes"), material = own(object, "material"), index = own(geometry, "index");
  const made = { __proto__: null, node: at, shape, vertices, instances, position: floats(own(attributes, "position"), 3, vertices, into) };
  const optional = (name, attribute, wide, most) => { if (items(attribute)) made[name] = floats(attribute, wide, most, into); };
  optional("normal", own(attributes, "normal"), 3, vertices);
  optional("uv", own(attributes, "uv"), 2, vertices);
  for (let i = 1; i < 4; i++) optional(`uv${i}`, own(attributes, `uv${i}`), 2, vertices);
  optional("tangent", own(attributes, "tangent"), 4, vertices);
  optional("lineDistance", own(attributes, "lineDistance"), 1, vertices);
  const color = own(attributes, "color");
  optional("color", color, 3, vertices);
  if (items(color) && numbersOf(color).size === 4) made.alpha = floats(color, 1, vertices, into, 3);
  if (instanced) made.matrices = floats(own(object, "instanceMatrix"), 16, instances, into);
  if (instanced) optional("tints", own(object, "instanceColor"), 3, instances);
  if (items(index)) made.index = wholes(index, into);
  if (shape !== "mesh") made.wide = thickness(many ? own(material, 0) : material);
  const range = own(geometry, "drawRange"), groups = own(geometry, "groups"), paints = many ? material : list([material]);
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

/** How wide a line or a point is, in units of the world: at least a pixel, at most the whole cube. */
function thickness(material) {
  const size = own(material, "isPointsMaterial") === true ? number(material, "size") * (own(material, "sizeAttenuation") ? SLOPE : PIXEL) : PIXEL;
  return size > PIXEL ? size < 1 ? size : 1 : PIXEL;
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
  const { type, names } = tableOf(material), made = { __proto__: null, type, id: idOf(material) };
  for (let i = 0; i < names.length; i++) made[names[i][0]] = parameter(material, names[i][0], names[i][1], into);
  return made;
}

/** A value of the kind that the table says, or null where it is none; what three.js keeps behind a setter has an underscore. */
function parameter(material, name, kind, into) {
  const value = own(material, `_${name}`) ?? own(material, name), held = value !== null && typeof value === "object";
  if (kind === "flag") return value === undefined ? null : !!value;
  if (kind === "texture") return own(value, "isDataTexture") === true ? texture(value, into) : -1;
  if (kind === "colour") return held ? point(value, RGB) : null;
  if (kind === "point") return held ? point(value, XY) : null;
  if (kind === "pair") return held ? list([number(value, 0), number(value, 1)]) : null;
  return typeof value === "number" ? value : null;
}

/** The texels as they are, and how three.js is told to show them; what is not there is 0, as it is to a graphics card. */
function readTexture(map, into) {
  const image = own(own(map, "source"), "data"), data = own(image, "data"), width = own(image, "width"), height = own(image, "height");
  const format = number(map, "format"), told = number(map, "type"), kind = data !== null && typeof data === "object" ? kindOf(data) : undefined;
  const type = TEXELS[told] === undefined ? THREE_BYTES : told, Kind = TEXELS[type], texels = new Kind(CHANNELS[format] * width * height);
  const fits = kind !== undefined && (kind === FITTING[type] || kind === ALSO_FITTING[type]);
  if (fits && lengthOf(data) >= lengthOf(texels)) for (let i = 0; i < lengthOf(texels); i++) texels[i] = data[i];
  const made = { __proto__: null, data: put(texels, into), width, height, type, format, wrapS: whole(own(map, "wrapS")), wrapT: whole(own(map, "wrapT")),
    magFilter: whole(own(map, "magFilter")), minFilter: whole(own(map, "minFilter")), colorSpace: own(map, "colorSpace"), channel: whole(own(map, "channel")),
    anisotropy: whole(own(map, "anisotropy")), flipY: !!own(map, "flipY"), generateMipmaps: !!own(map, "generateMipmaps"),
    premultiplyAlpha: !!own(map, "premultiplyAlpha"), uploaded: number(map, "version") > 0, rotation: number(map, "rotation"),
    repeat: point(own(map, "repeat"), XY), offset: point(own(map, "offset"), XY), center: point(own(map, "center"), XY) };
  if (typeof made.colorSpace !== "string") made.colorSpace = "";
  if (own(map, "matrixAutoUpdate") === false) made.matrix = elements(own(map, "matrix"), 9);
  return made;
}

// Texels by three.js's number of their type: what holds them, and what a graphics card takes for it.
const THREE_BYTES = THREE.UnsignedByteType, TEXELS = { __proto__: null, [THREE_BYTES]: Bytes, [THREE.HalfFloatType]: Uint16Array, [THREE.FloatType]: Floats };
const FITTING = { __proto__: null, [THREE_BYTES]: "Uint8Array", [THREE.HalfFloatType]: "Uint16Array", [THREE.FloatType]: "Float32Array" };
const ALSO_FITTING = { __proto__: null, [THREE_BYTES]: "Uint8ClampedArray" };
globalThis.ready = true;
