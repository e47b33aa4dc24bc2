// How does what a module built become a glb?  From the numbers and bytes that building.js read out of its page, here in a
// fresh one: no code of the module was ever loaded.  formats/threejs/baking.py drives this page and has counted before.
import { GLTFExporter, THREE } from "/three-core.js";

const { BufferAttribute, BufferGeometry, Color, Matrix3, Matrix4, Mesh, MeshBasicMaterial, MeshStandardMaterial, Quaternion, Scene, Vector3, DataUtils } = THREE;

/** The glb of `built`, in base64; its arrays lie in the bytes of the `parts` that the host answers with. */
globalThis.bake = async (built, parts) => {
  const pieces = await Promise.all(Array.from({ length: parts }, async (_, i) => (await fetch(`/built/${i}`)).arrayBuffer()));
  const bytes = await new Blob(pieces).arrayBuffer();
  const array = (kind, where) => where && new kind(bytes, ...where);
  const textures = built.textures.map((row) => texture(row, texels(row, array(TEXELS[row.type], row.data)))), worlds = placed(built.nodes), scene = new Scene();
  const materials = built.materials.map((row) => ({ ...USUAL, ...row, basic: UNLIT.includes(row.type) }));
  const numbers = { index: Uint32Array, position: Float32Array, normal: Float32Array, uv: Float32Array, color: Float32Array, matrices: Float32Array, tints: Float32Array };
  for (const row of built.meshes) {
    const arrays = Object.fromEntries(Object.entries(numbers).map(([name, kind]) => [name, array(kind, row[name])]));
    const whole = { ...row, ...arrays, world: worlds[row.node] };
    for (const mesh of plain(row.shape === "mesh" ? whole : solid(whole), materials, textures)) scene.add(mesh);
  }
  return new Uint8Array(await new GLTFExporter().parseAsync(scene, { binary: true, onlyVisible: false })).toBase64();
};

const UNLIT = ["MeshBasicMaterial", "LineBasicMaterial", "LineDashedMaterial", "PointsMaterial"];
/** What three.js has where a material says nothing. */
const USUAL = { visible: true, color: [1, 1, 1], opacity: 1, transparent: false, alphaTest: 0, side: THREE.FrontSide, vertexColors: false, flatShading: false,
  emissive: [0, 0, 0], emissiveIntensity: 1, roughness: 1, metalness: 0 };
const TEXELS = { [THREE.UnsignedByteType]: Uint8Array, [THREE.HalfFloatType]: Uint16Array, [THREE.FloatType]: Float32Array };
const CHANNELS = { [THREE.RGBAFormat]: 4, [THREE.RGBFormat]: 3, [THREE.RGFormat]: 2, [THREE.RedFormat]: 1 };

/** A texture's texels as bytes of red, green, blue and alpha, as a shader would read them; one that was not handed over is black. */
function texels({ width, height, type, format, uploaded }, data) {
  const bytes = new Uint8Array(4 * width * height), channels = CHANNELS[format];
  const byte = (value) => type === THREE.UnsignedByteType ? value : 255 * within(type === THREE.HalfFloatType ? DataUtils.fromHalfFloat(value) : value) + 0.5;
  for (let i = 0; i < width * height; i++)
    for (let k = 0; k < 4; k++) bytes[4 * i + k] = k === 3 && (channels < 4 || !uploaded) ? 255 : k < channels && uploaded ? byte(data[channels * i + k]) : 0;
  return bytes;
}

/** Where every object stands in the world; parents come first. */
function placed(nodes) {
  const worlds = [];
  for (const { parent, place, turn, scale, matrix } of nodes) {
    const own = matrix ? new Matrix4().fromArray(matrix) : new Matrix4().compose(new Vector3(...place), new Quaternion(...turn), new Vector3(...scale));
    worlds.push(parent < 0 ? own : worlds[parent].clone().multiply(own));
  }
  return worlds;
}

/** What a line or a cloud of points becomes, as a glb draws nothing but triangles that all renderers show alike: three-sided rods and octahedra, in world space. */
function solid(row) {
  const { position: places, index, color: paints, range, wide, world, shape: kind } = row, total = index ? index.length : row.vertices;
  const from = Math.min(total, range[0]), to = Math.min(total, range[0] + range[1]), made = { position: [], color: [], index: [] }, half = wide / 2;
  const corner = (i) => index ? index[i] : i, at = (vertex) => new Vector3().fromArray(places, 3 * vertex).applyMatrix4(world);
  const add = (centre, offset, vertex) => {
    made.position.push(inside(centre.x, offset.x), inside(centre.y, offset.y), inside(centre.z, offset.z));
    if (paints) made.color.push(paints[3 * vertex], paints[3 * vertex + 1], paints[3 * vertex + 2]);
  };
  const shown = (vertex) => vertex < row.vertices;  // a graphics card draws nothing where no vertex is
  if (kind === "points")
    for (let i = from; i < to; i++) {
      if (!shown(corner(i))) continue;
      const first = made.position.length / 3, centre = at(corner(i));
      for (const offset of SIDES) add(centre, offset.clone().multiplyScalar(half), corner(i));
      for (const each of FACES) made.index.push(first + each);
    }
  else
    for (let i = from; i + 1 < to; i += kind === "pairs" ? 2 : 1) {
      if (!shown(corner(i)) || !shown(corner(i + 1))) continue;
      const first = made.position.length / 3, start = at(corner(i)), end = at(corner(i + 1)), along = end.clone().sub(start).normalize();
      const across = new Vector3(Math.abs(along.x) < 0.9 ? 1 : 0, Math.abs(along.x) < 0.9 ? 0 : 1, 0).cross(along).normalize(), third = along.clone().cross(across);
      for (let k = 0; k < 3; k++) {
        const turn = 2 * Math.PI * k / 3, offset = across.clone().multiplyScalar(half * Math.cos(turn)).addScaledVector(third, half * Math.sin(turn));
        add(start, offset, corner(i));
        add(end, offset, corner(i + 1));
      }
      for (let k = 0; k < 3; k++) for (const each of [0, 2, 1, 1, 2, 3]) made.index.push(first + (2 * k + each) % 6);
    }
  const index32 = new Uint32Array(made.index), position = new Float32Array(made.position), color = paints && new Float32Array(made.color);
  return { paints: row.paints, instances: 1, vertices: position.length / 3, range: [0, index32.length], index: index32, position, color, world: new Matrix4() };
}

const SIDES = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]].map((each) => new Vector3(...each));
const FACES = [0, 2, 4, 2, 1, 4, 1, 3, 4, 3, 0, 4, 2, 0, 5, 1, 2, 5, 3, 1, 5, 0, 3, 5];

/** Thickness alone takes nothing out of the unit cube. */
const inside = (value, offset) => Math.abs(value) <= 0.5 ? Math.min(0.5, Math.max(-0.5, value + offset)) : value + offset;

/** New meshes of our own making, one per material, in world space. */
function* plain(row, materials, textures) {
  const total = row.index ? row.index.length : row.vertices, [start, count] = row.range, from = Math.max(0, start), to = Math.min(total, from + count);
  const groups = row.groups ?? [[from, to - from, 0]], ranges = new Map();
  for (const [first, wide, which] of groups) {
    const begin = Math.max(from, first), corners = Math.max(0, Math.floor((Math.min(to, first + wide) - begin) / 3) * 3);
    if (!corners || !materials[row.paints[which]]?.visible) continue;
    if (!ranges.has(which)) ranges.set(which, []);
    ranges.get(which).push([begin, corners]);
  }
  for (const [which, places] of ranges) {
    const taken = places.flatMap(([begin, corners]) => Array.from({ length: corners }, (_, i) => row.index ? row.index[begin + i] : begin + i));
    yield new Mesh(shape(row, taken, materials[row.paints[which]]), finish(materials[row.paints[which]], row, textures));
  }
}

function shape(row, taken, paint) {
  const { position: places, normal: normals, uv: flat2, color: paints, matrices, tints, world, instances } = row;
  const used = [...new Set(taken)], place = new Map(used.map((vertex, i) => [vertex, i]));
  const each = used.length, position = new Float32Array(3 * each * instances), normal = new Float32Array(3 * each * instances);
  const own = paint.vertexColors && paints, coloured = own || tints;
  const colour = new Float32Array(coloured ? 3 * each * instances : 0), uv = new Float32Array(flat2 ? 2 * each * instances : 0);
  const faces = new Uint32Array(taken.length * instances), flat = paint.flatShading || !normals, behind = paint.side === THREE.BackSide;
  const matrix = new Matrix4(), turn = new Matrix3(), v = new Vector3(), c = new Color();
  for (let k = 0; k < instances; k++) {
    matrix.copy(world);
    if (matrices) matrix.multiply(new Matrix4().fromArray(matrices, 16 * k));
    turn.getNormalMatrix(matrix);
    const turned = (matrix.determinant() < 0) !== behind, inward = behind ? -1 : 1;
    if (tints) c.fromArray(tints, 3 * k); else c.setRGB(1, 1, 1);
    used.forEach((vertex, i) => {
      const at = k * each + i;
      v.fromArray(places, 3 * vertex).applyMatrix4(matrix).toArray(position, 3 * at);
      if (!flat) v.fromArray(normals, 3 * vertex).applyMatrix3(turn).normalize().multiplyScalar(inward).toArray(normal, 3 * at);
      if (flat2) uv.set(flat2.subarray(2 * vertex, 2 * vertex + 2), 2 * at);
      if (!coloured) return;
      const mine = own ? own.subarray(3 * vertex, 3 * vertex + 3) : [1, 1, 1];
      colour.set([mine[0] * c.r, mine[1] * c.g, mine[2] * c.b].map((value) => Math.min(1, Math.max(0, value))), 3 * at);
    });
    for (let i = 0; i < taken.length; i += 3)
      (turned ? [0, 2, 1] : [0, 1, 2]).forEach((corner, j) => { faces[k * taken.length + i + j] = k * each + place.get(taken[i + corner]); });
  }
  const made = new BufferGeometry().setIndex(new BufferAttribute(faces, 1)).setAttribute("position", new BufferAttribute(position, 3));
  if (!flat) made.setAttribute("normal", new BufferAttribute(normal, 3));
  if (flat2) made.setAttribute("uv", new BufferAttribute(uv, 2));
  if (coloured) made.setAttribute("color", new BufferAttribute(colour, 3));
  return made;
}

const finished = new Map();

/** Paints that look alike are one material of the glb. */
function finish(paint, row, textures) {
  const coloured = Boolean((paint.vertexColors && row.color) || row.tints), key = JSON.stringify([paint, coloured]);
  if (!finished.has(key)) finished.set(key, surface(paint, coloured, textures));
  return finished.get(key);
}

function surface(paint, coloured, textures) {
  const map = textures[paint.map] ?? null;
  const made = { color: new Color(...paint.color), map, opacity: within(paint.opacity), transparent: paint.transparent, alphaTest: within(paint.alphaTest),
    side: paint.side === THREE.DoubleSide ? THREE.DoubleSide : THREE.FrontSide, vertexColors: coloured };
  if (paint.basic) return new MeshBasicMaterial(made);
  const glow = new Color(...paint.emissive).multiplyScalar(Math.max(0, paint.emissiveIntensity)), most = Math.max(1, glow.r, glow.g, glow.b);
  return new MeshStandardMaterial({ ...made, emissive: glow.multiplyScalar(1 / most), emissiveMap: textures[paint.emissiveMap] ?? null,
    roughness: within(paint.roughness), metalness: within(paint.metalness) });
}

const within = (value) => Math.min(1, Math.max(0, Number(value) || 0));

const WRAPPINGS = [THREE.RepeatWrapping, THREE.ClampToEdgeWrapping, THREE.MirroredRepeatWrapping];
const SMALLER = [THREE.NearestFilter, THREE.NearestMipmapNearestFilter, THREE.NearestMipmapLinearFilter, THREE.LinearFilter, THREE.LinearMipmapNearestFilter,
  THREE.LinearMipmapLinearFilter];

function texture(row, data) {
  const made = new THREE.DataTexture(new Uint8ClampedArray(data), row.width, row.height);
  for (const name of ["flipY", "rotation"]) made[name] = row[name];
  made.colorSpace = row.type === THREE.UnsignedByteType && row.format === THREE.RGBAFormat ? row.colorSpace : "";  // three.js reads no other texels as sRGB
  for (const name of ["wrapS", "wrapT"]) made[name] = WRAPPINGS.includes(row[name]) ? row[name] : THREE.ClampToEdgeWrapping;
  made.magFilter = row.magFilter === THREE.NearestFilter ? THREE.NearestFilter : THREE.LinearFilter;
  made.minFilter = SMALLER.includes(row.minFilter) ? row.minFilter : THREE.LinearFilter;
  for (const name of ["repeat", "offset", "center"]) made[name].fromArray(row[name]);
  return made;
}
globalThis.ready = true;
