// How does a file look from any side?  Two panes over the judge's pictures.  Cameras, light and materials are those of the
// renderer's own scene module (`look`).  The pictures lie underneath all the time: whatever fails here, they are what remains.
const DOUBLE = 2;  // three.DoubleSide
const POLE = 89.99;  // straight above, the camera's own up would be lost

export async function open(box, three, look, report, { whole = false } = {}) {
  const rig = JSON.parse(box.dataset.rig);
  const shown = box.dataset.view.replace(/^gray_/, "");
  const first = rig.views.find((view) => view.name === shown) ?? rig.views[0];
  const figures = [...document.querySelectorAll("figure[data-file]")];
  const panes = [];
  try {
    for (const figure of figures) panes.push(new Pane(figure, rig, first, three, look, whole));
    await Promise.all(panes.map((pane) => pane.load((part) => report("loading", `Loading, ${part}…`))));
  } catch (fault) {
    panes.forEach((pane) => pane.close());
    throw fault;
  }
  const over = new AbortController();
  const back = (state, words) => {
    over.abort();
    panes.forEach((pane) => pane.close());
    box.querySelector(".tools").hidden = true;
    Object.assign(box.querySelector("button"), { disabled: false, hidden: false, textContent: "Turn in 3D again" });
    report(state, words);
  };
  const { signal } = over;
  const lost = () => back("lost", "The browser took its graphics away. The pictures stay.");
  panes.forEach((pane) => pane.canvas.addEventListener("webglcontextlost", lost, { signal }));
  box.querySelector("[data-close]").addEventListener("click", () => back("closed", ""), { signal });
  wire(box, panes, rig, signal);
  wireDefects(box, panes, signal, report);
  box.querySelector("button").hidden = true;
  const checked = panes.every((pane) => pane.checked);
  box.querySelector("[data-which]").textContent = panes.some((pane) => pane.light)
    ? lightWords(panes)
    : "These are the files that were judged, as they were delivered.";
  report("ready", `Drag to turn, scroll or pinch to come closer. ${checked ? "The bytes match their SHA-256." : "The bytes could not be compared with their SHA-256 here."}`);
}

function lightWords(panes) {
  const noun = panes.some((pane) => pane.model.isSplats) ? "splats" : "triangles";
  const counts = panes.map((pane) => Number(pane.figure.dataset.triangles).toLocaleString("en")).join(" and ");
  if (panes.every((pane) => pane.figure.dataset.runsCode === "true")) return `What the modules built, as data: ${counts} ${noun}. The judge saw the same.`;
  return `Light copies, simplified to ${counts} ${noun}. The judge saw the originals.`;
}

function wire(box, panes, rig, signal) {
  const tools = box.querySelector(".tools"), sync = tools.querySelector("[name=sync]");
  let leading = null;
  panes.forEach((pane) => pane.controls.addEventListener("change", () => {
    pane.draw();
    if (leading || !sync.checked) return;
    leading = pane;
    panes.filter((other) => other !== pane).forEach((other) => other.follow(pane));
    leading = null;
  }));
  tools.hidden = false;
  tools.querySelectorAll("[data-camera]").forEach((button) => button.addEventListener("click", () => {
    const view = rig.views.find((each) => each.name === button.dataset.camera);
    panes.forEach((pane) => pane.stand(view));
  }, { signal }));
  tools.querySelectorAll("[name=paint]").forEach((choice) =>
    choice.addEventListener("change", () => panes.forEach((pane) => pane.paint(choice.value)), { signal }));
  tools.querySelector("[name=gray]").addEventListener("change", (event) =>
    panes.forEach((pane) => pane.ground(event.target.checked ? rig.gray_background : rig.background)), { signal });
  tools.querySelectorAll("[data-zoom]").forEach((button) =>
    button.addEventListener("click", () => panes.forEach((pane) => pane.zoom(Number(button.dataset.zoom))), { signal }));
}

/** The defects of the judged files are loaded when they are first wanted, and drawn over whatever is shown. */
function wireDefects(box, panes, signal, report) {
  const choice = box.querySelector("[name=defects]"), legend = box.querySelector("[data-legend]");
  if (!choice) return;
  const marks = JSON.parse(box.dataset.marks);
  for (const { number, colour } of marks)
    legend.querySelector(`[data-mark=${number}]`)?.style.setProperty("background", `color(srgb-linear ${colour.join(" ")})`);
  const show = async () => {
    let fault = null;
    if (choice.checked) await Promise.all(panes.map((pane) => pane.loadDefects(box.dataset.overlay, marks))).catch((each) => { fault = each; });
    if (signal.aborted) return;
    if (fault) {
      choice.checked = false;
      report("ready", `The defects cannot be shown. ${fault.message}`);
    }
    legend.hidden = !choice.checked;
    panes.forEach((pane) => pane.showDefects(choice.checked));
  };
  choice.addEventListener("change", show, { signal });
  if (choice.checked) show();  // it stays ticked while originals take the place of light copies
}

class Pane {
  constructor(figure, rig, first, three, look, whole) {
    Object.assign(this, { figure, rig, three, look, checked: false, light: !whole && Boolean(figure.dataset.light) });
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${figure.dataset.role}'s output in 3D; the arrow keys turn it`);
    try {
      this.renderer = look.drawer(three, rig, this.canvas);
    } catch {
      throw new Error("This browser shows no 3D: it has no WebGL.");
    }
    Object.assign(this, look.stage(three, rig, this.renderer));
    this.ground(rig.background);
    this.controls = new three.OrbitControls(this.camera, this.canvas);
    Object.assign(this.controls, { enablePan: false, minDistance: 0.2, maxDistance: 4 * rig.radius, rotateSpeed: 0.8 });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.stand(first);
  }

  async load(progress) {
    const { file, kind, sha256, light, lightKind, lightSha256 } = this.figure.dataset;
    const bytes = await fetched(this.light ? light : file);
    this.checked = await same(bytes, this.light ? lightSha256 : sha256);
    progress(`${this.figure.dataset.role}'s file is here`);
    this.show(await this.look.read(this.three, this.light ? lightKind : kind, bytes));
  }

  async loadDefects(overlay, marks) {
    const { defects, defectsSha256 } = this.figure.dataset;
    if (!defects || this.overlay) return;
    const [{ Overlay, read }, bytes] = await Promise.all([import(overlay), fetched(defects)]);
    await same(bytes, defectsSha256);
    this.overlay = new Overlay(this.three, read(bytes, marks));
  }

  showDefects(wanted) {
    this.marked = wanted ? this.overlay : null;
    if (this.marked) this.figure.dataset.marked = this.marked.shown;
    else delete this.figure.dataset.marked;
    this.draw();
  }

  show(model) {
    this.figure.dataset.triangles = model.isSplats ? model.count : this.look.dress(this.three, this.rig, model);
    this.model = model;
    this.wired = new Set();  // what a module itself draws as wires
    model.traverse((part) => [part.material].flat().filter((each) => each?.wireframe).forEach((each) => this.wired.add(each)));
    this.scene.add(model);
    this.picture = this.figure.querySelector(".shot");
    this.picture.append(this.canvas);
    this.sized = new ResizeObserver(() => this.fit());
    this.sized.observe(this.picture);
    this.fit();
  }

  stand({ theta, phi }) {
    const { position } = this.look.place(this.rig, { theta, phi: Math.max(-POLE, Math.min(POLE, phi)) });
    this.camera.position.set(...position);
    this.controls.target.set(0, 0, 0);
    this.controls.update();
    this.draw();
  }

  follow(other) {
    this.camera.position.copy(other.camera.position);
    this.controls.update();
    this.draw();
  }

  zoom(by) {
    this.camera.position.multiplyScalar(by);
    this.controls.update();
  }

  key(event) {
    const step = { ArrowLeft: [-15, 0], ArrowRight: [15, 0], ArrowUp: [0, -15], ArrowDown: [0, 15] }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const { x, y, z } = this.camera.position, far = Math.hypot(x, y, z), degrees = 180 / Math.PI;
    const raised = Math.max(-POLE, Math.min(POLE, Math.asin(y / far) * degrees - step[1]));
    const turned = Math.atan2(x, z) + step[0] / degrees, up = raised / degrees;
    this.camera.position.set(far * Math.cos(up) * Math.sin(turned), far * Math.sin(up), far * Math.cos(up) * Math.cos(turned));
    this.controls.update();
  }

  paint(how) {
    this.scene.overrideMaterial = how === "normals" ? new this.three.MeshNormalMaterial({ side: DOUBLE }) : null;
    this.model.traverse((part) => [part.material].flat().filter(Boolean).forEach((each) => { each.wireframe = how === "wireframe" || this.wired.has(each); }));
    this.draw();
  }

  ground(colour) {
    this.look.ground(this.three, this.scene, colour);
    this.draw();
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.picture;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.draw();
  }

  draw() {
    if (!this.model) return;
    this.look.draw(this.renderer, this, this.model);
    this.marked?.draw(this.renderer, this.camera);
  }

  close() {
    delete this.figure.dataset.marked;
    this.sized?.disconnect();
    this.controls?.dispose();
    this.renderer?.dispose();
    this.renderer?.forceContextLoss();
    this.canvas.remove();
  }
}

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`The file answered ${answer.status}.`);
  return answer.arrayBuffer();
}

async function same(bytes, sha256) {
  if (!globalThis.crypto?.subtle) return false;  // only offered over https and on this machine
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = [...digest].map((each) => each.toString(16).padStart(2, "0")).join("");
  if (hex !== sha256) throw new Error("The file is not the one that is named here: its SHA-256 differs.");
  return true;
}
