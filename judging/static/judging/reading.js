// What may a reader find in a glb?  One JSON chunk, at most one BIN chunk, and of the JSON only what the judge's check reads
// (formats/glb/check.py): one scene, its triangles and its materials.  three.js reads more, so it is given no more.
const MAGIC = 0x46546c67, JSON_CHUNK = 0x4e4f534a, BIN_CHUNK = 0x004e4942;
/** EXTENSIONS of formats/rules.py; a test compares them. */
export const EXTENSIONS = ["EXT_texture_webp", "KHR_materials_anisotropy", "KHR_materials_clearcoat", "KHR_materials_dispersion",
  "KHR_materials_emissive_strength", "KHR_materials_ior", "KHR_materials_iridescence", "KHR_materials_sheen", "KHR_materials_specular",
  "KHR_materials_transmission", "KHR_materials_unlit", "KHR_materials_volume", "KHR_mesh_quantization", "KHR_texture_transform"];
const ATTRIBUTES = ["POSITION", "NORMAL", "TANGENT", "TEXCOORD_0", "TEXCOORD_1", "TEXCOORD_2", "TEXCOORD_3", "COLOR_0"];
const LISTS = ["accessors", "asset", "bufferViews", "materials", "samplers", "textures"];

/** The same asset as a glb that holds nothing else.  Throws what is shown to a visitor. */
export function oneReading(bytes) {
  const { text, body } = chunks(bytes);
  const tree = reduced(JSON.parse(text));
  for (const image of tree.images) image.mimeType = kindOf(body, tree.bufferViews?.[image.bufferView]);
  const made = packed(new TextEncoder().encode(JSON.stringify(tree)), body), written = made.subarray(made.length - (body.length + 3 & ~3));
  for (const { bufferView } of tree.images) upright(written, tree.bufferViews?.[bufferView]);
  return made.buffer;
}

function chunks(bytes) {
  const head = new DataView(bytes), total = bytes.byteLength;
  if (total < 20 || head.getUint32(0, true) !== MAGIC || head.getUint32(4, true) !== 2 || head.getUint32(8, true) !== total) throw new Error("This file is not a whole glb.");
  const length = head.getUint32(12, true), next = 20 + length;
  if (head.getUint32(16, true) !== JSON_CHUNK || next > total) throw new Error("This glb does not begin with its JSON.");
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes, 20, length));
  if (next === total) return { text, body: new Uint8Array(0) };
  if (next + 8 > total || head.getUint32(next + 4, true) !== BIN_CHUNK || next + 8 + head.getUint32(next, true) !== total)
    throw new Error("This glb holds more than one JSON and one BIN chunk.");
  return { text, body: new Uint8Array(bytes, next + 8) };
}

/** What a picture is follows from its first bytes, for every reader; the check compares what is said of it. */
function kindOf(body, view) {
  const [first, second] = body.subarray(view?.byteOffset ?? 0);
  return first === 0x89 ? "image/png" : first === 0xff && second === 0xd8 ? "image/jpeg" : "image/webp";
}

/** glTF shows pictures as they are stored, browsers turn them as their EXIF says: so it says nothing any more. */
function upright(body, view) {
  if (!view) return;
  const start = view.byteOffset ?? 0, end = start + view.byteLength, word = (at) => String.fromCharCode(...body.subarray(at, at + 4));
  const head = new DataView(body.buffer, body.byteOffset);
  if (word(start) === "\x89PNG") hide(start + 8, (at) => ["eXIf", at + 4, 12 + head.getUint32(at)]);
  else if (word(start) === "RIFF") hide(start + 12, (at) => ["EXIF", at, 8 + head.getUint32(at + 4, true) + 1 & ~1]);
  else if (body[start] === 0xff && body[start + 1] === 0xd8) hide(start + 2, (at) => ["Exif", at + 4, 2 + head.getUint16(at + 2)]);

  /** `piece` tells of the piece at a place: the name that marks EXIF, where names stand, and how long it is. */
  function hide(first, piece) {
    for (let at = first; at + 12 <= end;) {
      const [name, place, long] = piece(at);
      if (word(place) === name) body.fill(0x6a, place, place + 4);
      at += Math.max(long, 4);
    }
  }
}

const pick = (object, names) => Object.fromEntries(names.filter((name) => Object.hasOwn(object, name)).map((name) => [name, object[name]]));

function reduced(gltf) {
  const used = new Set(), tree = plain(pick(gltf, LISTS), used), chosen = gltf.scenes[gltf.scene ?? 0];
  tree.scene = 0;
  tree.scenes = [pick(chosen, ["nodes"])];
  tree.nodes = (gltf.nodes ?? []).map((node) => pick(node, ["children", "mesh", "matrix", "translation", "rotation", "scale"]));
  tree.meshes = (gltf.meshes ?? []).map(({ primitives = [] }) => ({ primitives: primitives.map(primitive) }));
  tree.buffers = (gltf.buffers ?? []).map(({ byteLength }) => ({ byteLength }));
  tree.images = (gltf.images ?? []).map((image) => pick(image, ["bufferView"]));
  if ((gltf.extensionsUsed ?? []).includes("KHR_mesh_quantization")) used.add("KHR_mesh_quantization");
  if (used.size) tree.extensionsUsed = [...used];
  return tree;
}

const primitive = (row) => ({ ...pick(row, ["indices", "material", "mode"]), attributes: pick(row.attributes, ATTRIBUTES) });

/** Without extras, and without the extensions that nobody here reads. */
function plain(source, used) {
  if (Array.isArray(source)) return source.map((each) => plain(each, used));
  if (source === null || typeof source !== "object") return source;
  const copy = {};
  for (const [name, value] of Object.entries(source)) {
    if (name === "extensions") copy.extensions = plain(pick(value, EXTENSIONS.filter((each) => Object.hasOwn(value, each) && used.add(each))), used);
    else if (!["extras", "__proto__"].includes(name)) copy[name] = plain(value, used);
  }
  return copy;
}

function packed(text, body) {
  const long = text.length + 3 & ~3, wide = body.length + 3 & ~3, made = new Uint8Array(28 + long + wide), head = new DataView(made.buffer);
  [MAGIC, 2, made.length, long, JSON_CHUNK].forEach((value, i) => head.setUint32(4 * i, value, true));
  made.fill(32, 20, 20 + long);
  made.set(text, 20);
  head.setUint32(20 + long, wide, true);
  head.setUint32(24 + long, BIN_CHUNK, true);
  made.set(body, 28 + long);
  return made;
}
