// How does what a module built become a glb?  From the numbers and bytes that building.js read out of its page, here in a
// fresh one: no code of the module was ever loaded.  formats/threejs/baking.py drives this page and has counted before.
import { GLTFExporter, THREE } from "/three-core.js";

const { BufferAttribute, BufferGeometry, Color, Matrix3, Matrix4, Mesh, MeshBasicMaterial, MeshStandardMaterial, Quaternion, Scene, Vector3 } = THREE;

/** The glb of `built`, in base64; its arrays lie in the bytes of the `parts` that the host answers with. */
globalThis.bake = async (built, parts) => {
  const pieces = await Promise.all(Array.from({ length: parts }, async (_, i) => (await fetch(`/built/${i}`)).arrayBuffer()));
  const bytes = await new Blob(pieces).arrayBuffer();
  const array = (kind, where) => where && new kind(bytes, ...where);
  const textures = built.textures.map((row) => texture(row, array(Uint8Array, row.data))), worlds = placed(built.nodes), scene = new Scene();
  const numbers = { index: Uint32Array, position: Float32Array, normal: Float32Array, uv: Float32Array, color: Float32Array, matrices: Float32Array, tints: Float32Array };
  for (const row of built.meshes) {
    const arrays = Object.fromEntries(Object.entries(numbers).map(([name, kind]) => [name, array(kind, row[name])]));
    for (const mesh of plain({ ...row, ...arrays, world: worlds[row.node] }, built.materials, textures)) scene.add(mesh);
  }
  return new Uint8Array(await new GLTFExporter().parseAsync(scene, { binary: true, onlyVisible: false })).toBase64();
};

/** Where every object stands in the world; parents come first. */
function placed(nodes) {
  const worlds = [];
  for (const { parent, place, turn, scale, matrix } of nodes) {
    const own = matrix ? new Matrix4().fromArray(matrix) : new Matrix4().compose(new Vector3(...place), new Quaternion(...turn), new Vector3(...scale));
    worlds.push(parent < 0 ? own : worlds[parent].clone().multiply(own));
  }
  return worlds;
}

/** New meshes of our own making, one per material, in world space. */
function* plain(row, materials, textures) {
  const total = row.index ? row.index.length : row.vertices, [start, count] = row.range, from = Math.max(0, start), to = Math.min(total, from + count);
  const groups = row.groups ? row.groups.map(([first, wide, paint]) => [Math.max(from, first), Math.min(to, first + wide), row.paints[paint]])
    : [[from, to, row.paints[0]]];
  for (const [first, end, paint] of groups) {
    const corners = Math.max(0, Math.floor((end - first) / 3) * 3), material = materials[paint];
    if (!corners || !material) continue;
    const taken = Array.from({ length: corners }, (_, i) => row.index ? row.index[first + i] : first + i);
    yield new Mesh(shape(row, taken, material), finish(material, row, textures));
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

function finish(paint, row, textures) {
  const coloured = (paint.vertexColors && row.color) || row.tints, map = textures[paint.map] ?? null;
  const made = { color: new Color(...paint.color), map, opacity: within(paint.opacity), transparent: paint.transparent, alphaTest: within(paint.alphaTest),
    side: paint.side === THREE.DoubleSide ? THREE.DoubleSide : THREE.FrontSide, vertexColors: Boolean(coloured) };
  if (paint.basic) return new MeshBasicMaterial(made);
  const glow = new Color(...paint.emissive).multiplyScalar(Math.max(0, paint.emissiveIntensity)), most = Math.max(1, glow.r, glow.g, glow.b);
  return new MeshStandardMaterial({ ...made, emissive: glow.multiplyScalar(1 / most), emissiveMap: textures[paint.emissiveMap] ?? null,
    roughness: within(paint.roughness), metalness: within(paint.metalness) });
}

const within = (value) => Math.min(1, Math.max(0, Number(value) || 0));

function texture(row, data) {
  const made = new THREE.DataTexture(new Uint8ClampedArray(data), row.width, row.height);
  for (const name of ["wrapS", "wrapT", "magFilter", "minFilter", "colorSpace", "flipY", "rotation"]) made[name] = row[name];
  for (const name of ["repeat", "offset", "center"]) made[name].fromArray(row[name]);
  return made;
}
globalThis.ready = true;
