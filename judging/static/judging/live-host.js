// The frame in which a miner's module runs for a visitor who asked for it: an opaque origin that may load our scripts and nothing
// else.  The module runs in a worker with a canvas of its own; whatever stands still for five seconds is ended.
const query = new URLSearchParams(location.search), here = new URL(".", import.meta.url).href;
const report = (message) => parent.postMessage({ live: query.get("module"), ...message }, "*");
const canvas = document.querySelector("canvas"), patience = 5000, loading = 60000;
canvas.width = canvas.height = 512;
const bytes = `const early = []; onmessage = (event) => early.push(event);
  import(${JSON.stringify(`${here}live-worker.js`)}).then(() => { for (const event of early) onmessage(event); }, (fault) => postMessage({ state: "error", why: String(fault) }));`;
const worker = new Worker(URL.createObjectURL(new Blob([bytes], { type: "text/javascript" })));
let heard = performance.now() + loading - patience;  // our own scripts may take a while to come

const end = (why) => {
  clearInterval(watch);
  worker.terminate();
  report({ state: "error", why: String(why).slice(0, 200) });
};
worker.onmessage = ({ data }) => {
  heard = performance.now();
  if (data.state === "ready") report({ state: "ready" });  // "loaded" and "alive" only tell that it moves
  if (data.state === "error") end(data.why);
};
worker.onerror = (event) => end(event.message || "it could not be started");
const watch = setInterval(() => {
  worker.postMessage({ ping: 1 });
  if (performance.now() - heard > patience) end("it stood still for 5 seconds");
}, 500);

const surface = canvas.transferControlToOffscreen();
const at = (name) => new URL(query.get(name), location.href).href;
worker.postMessage({ canvas: surface, module: at("module"), three: at("three"), core: at("core"), rig: JSON.parse(query.get("rig")) }, [surface]);

let turn = 30, raised = 0;
canvas.addEventListener("pointermove", (event) => {
  if (!event.buttons) return;
  turn -= event.movementX * 0.5;
  raised = Math.max(-89, Math.min(89, raised - event.movementY * 0.5));
  worker.postMessage({ look: { theta: turn, phi: raised } });
});
document.addEventListener("visibilitychange", () => document.hidden && end("the page was left"));
