// How does an asset look?  One answer for the judge's pictures and for the site's viewer: cameras, light, materials, splats.
// `three` is handed in, so that this file names no bundle; `rig` is Rig.to_json() of judging/renderers/rig.py.
import { oneReading } from "./reading.js";
import { Splats, fromRows, fromSpz } from "./splats.js";

const AMBIENT = 0.42, LAMP = 0.58, LAMP_AT = [0.3, 0.45, 1];  // judging/renderers/shading.py
// As the subnet's render service lights since June 2026: a lamp beside the camera for its views, three fixed ones for its grid of four.
// The grid's service has an environment, too, which holds nothing and gives no light.
const SUBNET = { ambient: 0.4, besideCamera: 1.5, beside: [1, 1, 0], lamps: [] };
const SUBNET_GRID = { ambient: 0.12, besideCamera: 0, beside: [0, 0, 0], lamps: [[1.2, [2, 3, 2]], [0.4, [-2, 1, 1]], [0.3, [0, 2, -3]]] };
const LIKE_THE_SUBNET = { "subnet-2026-06": SUBNET, "subnet-2026-06-grid": SUBNET_GRID };
const MATT_FIELDS = ["map", "color", "side", "transparent", "opacity", "alphaTest", "vertexColors", "emissive", "emissiveMap",
  "emissiveIntensity", "flatShading"];
const MATT_SCENE_FIELDS = [...MATT_FIELDS, "alphaMap", "wireframe", "blending", "depthTest", "depthWrite", "depthFunc", "colorWrite", "visible"];

/** Where a camera of the rig stands and which way is up in its picture; see View in rig.py. */
export function place(rig, { theta, phi }) {
  const turn = theta * Math.PI / 180, raised = -phi * Math.PI / 180;
  const far = Math.cos(raised), high = Math.sin(raised);
  return {
    position: [far * Math.sin(turn), high, far * Math.cos(turn)].map((each) => each * rig.radius),
    up: [-high * Math.sin(turn), far, -high * Math.cos(turn)],
  };
}

export function drawer(three, rig, canvas, { antialias = true } = {}) {
  const renderer = new three.WebGLRenderer({ canvas, antialias, preserveDrawingBuffer: true });
  if (rig.light in LIKE_THE_SUBNET) renderer.toneMapping = three.ACESFilmicToneMapping;
  else renderer.toneMapping = rig.light === "studio" ? three.NeutralToneMapping : three.NoToneMapping;
  return renderer;
}

/** A scene with the rig's light and a camera; the lamp of "matt" travels with the camera, and `moveLamp` puts another beside it. */
export function stage(three, rig, renderer) {
  const scene = new three.Scene(), camera = new three.PerspectiveCamera(rig.fov, 1, 0.01, 100);
  let moveLamp = () => {};
  scene.add(camera);
  if (rig.light in LIKE_THE_SUBNET) {
    const { ambient, besideCamera, beside, lamps } = LIKE_THE_SUBNET[rig.light];
    const add = (strength, place) => {
      const lamp = new three.DirectionalLight(0xffffff, strength);
      lamp.position.set(...place);
      scene.add(lamp);
      return lamp;
    };
    scene.add(new three.AmbientLight(0xffffff, ambient));
    lamps.forEach(([strength, place]) => add(strength, place));
    if (besideCamera) {
      const lamp = add(besideCamera, beside);
      moveLamp = () => lamp.position.set(...beside).add(camera.position);
    }
  } else if (rig.light === "studio") {
    const softened = new three.PMREMGenerator(renderer), room = new three.RoomEnvironment();
    scene.environment = softened.fromScene(room, 0.04, 0.1, 100, { size: 64 }).texture;
    softened.dispose();
  } else {
    const lamp = new three.DirectionalLight(0xffffff, LAMP * Math.PI);
    lamp.position.set(...LAMP_AT);
    camera.add(lamp, lamp.target);
    scene.add(new three.AmbientLight(0xffffff, AMBIENT * Math.PI));
  }
  return { scene, camera, moveLamp };
}

export function ground(three, scene, colour) {
  scene.background = new three.Color(colour);
}

/** The asset in `bytes` as an object for the scene.  `kind`: glb, scene (once a glb, too), spz, or rows of splats whose `layout` is told. */
export async function read(three, kind, bytes, layout) {
  if (kind === "rows") return new Splats(three, fromRows(bytes, layout));
  if (kind === "scene") {
    const { fromScene, isScene } = await import("./built-scene.js");  // only who looks at a module pays for it
    if (isScene(bytes)) return fromScene(three, bytes);
  }
  if (kind === "spz") return new Splats(three, await fromSpz(bytes));
  if (kind !== "glb" && kind !== "scene") throw new Error(`A browser is given no ${kind} file to read.`);
  const { scene } = await new three.GLTFLoader().parseAsync(oneReading(bytes), "");
  // three.js would leave out of the picture what lies elsewhere by the bounds that a file says: they follow from its vertices.
  scene.traverse(({ geometry }) => { if (geometry) geometry.boundingBox = geometry.boundingSphere = null; });
  return scene;
}

/** What is drawn: how many triangles or splats (of a built scene pieces of lines and points, too), and the corners of their box; the check must have found the same. */
export function measure(three, model) {
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  let count = model.isSplats ? model.count : 0;
  const reach = (k, each) => { low[k] = Math.min(low[k], each); high[k] = Math.max(high[k], each); };
  if (model.isSplats) model.centers.forEach((each, i) => reach(i % 3, each));
  if (model.isBuiltScene) return { count: model.countPieces(reach), low, high };
  model.updateMatrixWorld(true);
  model.traverse((part) => {
    if (!part.isMesh || part.isSplats) return;
    const { index, attributes: { position } } = part.geometry, times = part.isInstancedMesh ? part.count : 1;
    count += times * Math.floor((index ? index.count : position.count) / 3);
    const m = part.matrixWorld.elements;
    for (let i = 0; i < position.count; i++) {
      const x = position.getX(i), y = position.getY(i), z = position.getZ(i);
      for (let k = 0; k < 3; k++) reach(k, m[k] * x + m[k + 4] * y + m[k + 8] * z + m[k + 12]);
    }
  });
  return { count, low, high };
}

/** The file's own lights go out and, under "matt", its materials become matt paint.  Returns the number of triangles, or of what `measure` counts of a built scene. */
export function dress(three, rig, model) {
  let triangles = 0;
  model.traverse((part) => {
    if (part.isLight) part.visible = false;
    if (!part.isMesh || part.isSplats) return;
    const { index, attributes } = part.geometry;
    triangles += (index ? index.count : attributes.position.count) / 3;
    if ((rig.light ?? "matt") !== "matt") return;
    const paint = (each) => matt(three, each, model.isBuiltScene ? MATT_SCENE_FIELDS : MATT_FIELDS);
    part.material = Array.isArray(part.material) ? part.material.map(paint) : paint(part.material);
  });
  return model.isBuiltScene ? measure(three, model).count : triangles;
}

function matt(three, material, fields) {
  if (material.isMeshBasicMaterial) return material;  // unlit
  return new three.MeshLambertMaterial(Object.fromEntries(fields.filter((name) => material[name] != null).map((name) => [name, material[name]])));
}

/** Draws one picture; splats are sorted and coloured for this camera first. */
export function draw(renderer, { scene, camera, moveLamp }, model) {
  moveLamp();
  if (model.isSplats) model.see(camera, renderer);
  renderer.render(scene, camera);
}
