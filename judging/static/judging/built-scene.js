// How does a built scene become objects to draw?  From plain arrays and parameters, as formats/threejs/scene_file.py has checked and
// written them; nothing of a module's own code is in it.  What is not as that file writes it is not read.
const MAGIC = "GNTSCENE", VERSION = 1, HEADER = 20;
const WIDTHS = { position: 3, normal: 3, uv: 2, uv1: 2, uv2: 2, uv3: 2, tangent: 4, lineDistance: 1 };
const TEXELS = { 1009: Uint8Array, 1015: Float32Array, 1016: Uint16Array };
/** The piece of each kind of object: the corners that it takes, and those that each further one does. */
const PIECES = { isMesh: [3, 3], isLineSegments: [2, 2], isLine: [2, 1], isPoints: [1, 1] };

/** The objects of the scene in `bytes`, under one that is nothing itself. */
export function fromScene(three, bytes) {
  const { tree, data } = opened(bytes), array = (Kind, [at, length]) => new Kind(data.buffer, data.byteOffset + at, length);
  const textures = tree.textures.map((row) => texture(three, row, array(TEXELS[row.type], row.data)));
  const materials = inTurn(tree.materials, (row) => material(three, row, textures));
  const meshes = new Map(tree.meshes.map((row) => [row.node, row]));
  const objects = inTurn(tree.nodes, (row, i) => meshes.has(i) ? shape(three, meshes.get(i), materials, array) : row.group ? new three.Group() : new three.Object3D());
  const whole = new three.Object3D();
  whole.isBuiltScene = true;
  whole.countPieces = (reach) => countPieces(three, whole, reach);
  objects.forEach((object, i) => {
    const { parent, renderOrder, matrix, place, turn, scale } = tree.nodes[i];
    object.renderOrder = renderOrder;
    if (matrix) Object.assign(object, { matrixAutoUpdate: false, matrix: new three.Matrix4().fromArray(matrix) });
    else object.position.fromArray(place), object.quaternion.fromArray(turn), object.scale.fromArray(scale);
    (parent < 0 ? whole : objects[parent]).add(object);
  });
  return whole;
}

/** Does it begin as one? */
export const isScene = (bytes) => bytes.byteLength >= HEADER && new TextDecoder("latin1").decode(new Uint8Array(bytes, 0, 8)) === MAGIC;

function opened(bytes) {
  const head = new DataView(bytes), word = (at) => head.getUint32(at, true), wrong = () => { throw new Error("This file is not a whole scene."); };
  if (!isScene(bytes) || word(8) !== VERSION) wrong();
  const text = word(12), start = HEADER + text;
  if (text % 4 || start + word(16) !== bytes.byteLength) wrong();
  return { tree: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(bytes, HEADER, text))), data: new Uint8Array(bytes, start) };
}

/** `made` of all rows, in their order; three.js draws by the order in which things were made where nothing else decides. */
function inTurn(rows, made) {
  const done = [];
  rows.map((row, i) => [row.id, i]).sort(([one, i], [other, k]) => one - other || i - k).forEach(([, i]) => { done[i] = made(rows[i], i); });
  return done;
}

function texture(three, row, texels) {
  const made = new three.DataTexture(texels, row.width, row.height, row.format, row.type);
  for (const name of ["wrapS", "wrapT", "magFilter", "minFilter", "colorSpace", "channel", "anisotropy", "flipY", "generateMipmaps", "premultiplyAlpha", "rotation"])
    made[name] = row[name];
  for (const name of ["repeat", "offset", "center"]) made[name].fromArray(row[name]);
  if (row.matrix) {
    made.matrixAutoUpdate = false;
    made.matrix.fromArray(row.matrix);
  }
  made.needsUpdate = row.uploaded;
  return made;
}

function material(three, { type, id, ...row }, textures) {
  const made = new three[type]();
  for (const [name, value] of Object.entries(row)) {
    if (made[name]?.isColor) made[name].setRGB(...value);
    else if (made[name]?.isVector2) made[name].fromArray(value);
    else made[name] = /map$/i.test(name) ? textures[value] : value;
  }
  return made;
}

function shape(three, row, materials, array) {
  const geometry = new three.BufferGeometry(), paints = row.paints.map((i) => materials[i]), paint = row.groups ? paints : paints[0];
  for (const [name, wide] of Object.entries(WIDTHS))
    if (row[name]) geometry.setAttribute(name, new three.BufferAttribute(array(Float32Array, row[name]), wide));
  if (row.color) geometry.setAttribute("color", colours(three, array(Float32Array, row.color), row.alpha && array(Float32Array, row.alpha)));
  if (row.index) geometry.setIndex(new three.BufferAttribute(array(Uint32Array, row.index), 1));
  geometry.setDrawRange(...row.range);
  for (const group of row.groups ?? []) geometry.addGroup(...group);
  if (row.shape === "points") return new three.Points(geometry, paint);
  if (row.shape !== "mesh") return new three[row.shape === "pairs" ? "LineSegments" : "Line"](geometry, paint);
  if (!row.matrices) return new three.Mesh(geometry, paint);
  const made = new three.InstancedMesh(geometry, paint, 0);
  made.instanceMatrix = new three.InstancedBufferAttribute(array(Float32Array, row.matrices), 16);
  if (row.tints) made.instanceColor = new three.InstancedBufferAttribute(array(Float32Array, row.tints), 3);
  made.count = row.instances;
  return made;
}

function colours(three, paints, alpha) {
  if (!alpha) return new three.BufferAttribute(paints, 3);
  const both = new Float32Array(4 * alpha.length);
  for (let i = 0; i < alpha.length; i++) both.set([paints[3 * i], paints[3 * i + 1], paints[3 * i + 2], alpha[i]], 4 * i);
  return new three.BufferAttribute(both, 4);
}

/** What is drawn: how many triangles, pieces of lines and points, and each corner's place, given to `reach`. */
function countPieces(three, scene, reach) {
  const placed = new three.Matrix4(), one = new three.Matrix4();
  let count = 0;
  scene.updateMatrixWorld(true);
  scene.traverse((part) => {
    const piece = Object.entries(PIECES).find(([name]) => part[name])?.[1];
    if (!piece) return;
    const { pieces, corners } = drawnOf(part, piece), { array } = part.geometry.attributes.position;
    const instances = part.isInstancedMesh ? part.count : 1;
    count += pieces * instances;
    for (let k = 0; k < instances && corners.length; k++) {
      placed.copy(part.matrixWorld);
      if (part.isInstancedMesh) placed.multiply(one.fromArray(part.instanceMatrix.array, 16 * k));
      const m = placed.elements;
      for (const corner of corners) {
        const x = array[3 * corner], y = array[3 * corner + 1], z = array[3 * corner + 2];
        for (let i = 0; i < 3; i++) reach(i, m[i] * x + m[i + 4] * y + m[i + 8] * z + m[i + 12]);
      }
    }
  });
  return count;
}

/** How many pieces of one object are drawn, and which vertices they name, each once. */
function drawnOf({ geometry, material: paint }, [least, step]) {
  const { index, drawRange, groups, attributes: { position } } = geometry, total = index ? index.count : position.count;
  const first = Math.min(total, drawRange.start), last = Math.min(total, drawRange.start + drawRange.count), named = new Uint8Array(position.count);
  const shown = Array.isArray(paint) ? groups : [{ start: first, count: last - first, materialIndex: 0 }];
  let pieces = 0;
  for (const { start, count, materialIndex } of shown) {
    if (![paint].flat()[materialIndex]?.visible) continue;
    const begin = Math.max(first, start), corners = Math.min(last, start + count) - begin, whole = Math.max(0, Math.floor((corners - least) / step) + 1);
    pieces += whole;
    for (let i = begin; whole && i < begin + least + step * (whole - 1); i++) named[index ? index.getX(i) : i] = 1;
  }
  const corners = [];
  named.forEach((is, vertex) => { if (is) corners.push(vertex); });
  return { pieces, corners };
}
