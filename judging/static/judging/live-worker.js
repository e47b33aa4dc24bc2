// Runs one module and draws what it builds, for a visitor's eyes only; judged is the baked copy.  See live-host.js for its walls.
import { draw, drawer, ground, place, stage } from "./scene.js";

let shown;

onmessage = async ({ data }) => {
  try {
    if (data.ping) return postMessage({ state: "alive" });
    if (data.look) return shown && look(data.look);
    const [three, { THREE }, { default: generate }] = await Promise.all([data.three, data.core, data.module].map((each) => import(each)));
    postMessage({ state: "loaded" });
    data.canvas.style = {};  // three.js sizes pages' canvases by their style
    const renderer = drawer(three, data.rig, data.canvas);
    renderer.setSize(512, 512, false);
    const set = stage(three, data.rig, renderer);
    ground(three, set.scene, data.rig.background);
    const model = generate(THREE);
    set.scene.add(model);
    shown = { set, model, renderer, rig: data.rig };
    look({ theta: 30, phi: 0 });
    postMessage({ state: "ready" });
  } catch (fault) {
    postMessage({ state: "error", why: String(fault).slice(0, 200) });
  }
};

function look(view) {
  const { set, model, renderer, rig } = shown, { position, up } = place(rig, view);
  set.camera.position.set(...position);
  set.camera.up.set(...up);
  set.camera.lookAt(0, 0, 0);
  draw(renderer, set, model);
}
