// What runs in the renderer's browser: one asset, drawn for one camera after the other; judging/renderers/threejs.py takes the pictures.
import * as three from "/three.js";
import { draw, drawer, dress, ground, measure, place, read, stage } from "/scene.js";

let shown;

globalThis.load = async (kind, parts, rig, layout) => {
  const pieces = await Promise.all(Array.from({ length: parts }, async (_, i) => (await fetch(`/asset/${i}`)).arrayBuffer()));
  const bytes = pieces.length === 1 ? pieces[0] : await new Blob(pieces).arrayBuffer();
  const canvas = document.querySelector("canvas");
  canvas.width = canvas.height = rig.pixels;
  const renderer = drawer(three, rig, canvas, { antialias: kind !== "rows" && rig.samples > 1 });
  renderer.setSize(rig.pixels, rig.pixels, false);
  const set = stage(three, rig, renderer), model = await read(three, kind, bytes, layout);
  const measured = measure(three, model);
  dress(three, rig, model);
  set.scene.add(model);
  shown = { rig, renderer, set, model };
  return measured;
};

/** From now on under another light, and as large as `pixels`. */
globalThis.relight = (light, pixels) => {
  const { rig, renderer, model } = shown, relit = { ...rig, light }, set = stage(three, relit, renderer);
  renderer.setSize(pixels, pixels, false);
  set.scene.add(model);
  shown = { rig: relit, renderer, set, model };
};

globalThis.show = (view, colour) => {
  const { rig, renderer, set, model } = shown, { position, up } = place(rig, view);
  set.camera.position.set(...position);
  set.camera.up.set(...up);
  set.camera.lookAt(0, 0, 0);
  ground(three, set.scene, colour);
  draw(renderer, set, model);
  const gl = renderer.getContext();
  gl.finish();
  return gl.isContextLost() ? 0 : 1;
};
globalThis.ready = true;
