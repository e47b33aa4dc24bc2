// One key for what is done often.  Never while somebody writes, and not at all once it is switched off.
const pages = { j: "next", ArrowRight: "next", k: "prev", ArrowLeft: "prev" };
const remembered = (value) => {
  try {
    if (value !== undefined) localStorage.setItem("keys", value);
    return localStorage.getItem("keys");
  } catch { return null; }
};
const list = document.getElementById("keys");
const off = list.querySelector("[name=off]");
off.checked = remembered() === "off";
off.addEventListener("change", () => remembered(off.checked ? "off" : "on"));
document.querySelector("[data-keys]").addEventListener("click", () => list.showModal());

document.addEventListener("keydown", (event) => {
  if (off.checked || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || list.open) return;
  if (event.target.closest("input, select, textarea, canvas, [contenteditable]")) return;
  const done = event.key === "/" ? search() : event.key === "?" ? (list.showModal(), true)
    : /^[1-8]$/.test(event.key) ? view(event.key) : event.key in pages ? step(pages[event.key], event.key) : false;
  if (done) event.preventDefault();
});

function search() {
  document.getElementById("q").focus();
  return true;
}

// The judge's camera in 3D where it is open, else its picture.
function view(number) {
  const camera = document.querySelector(`.tools:not([hidden]) [data-key="${number}"]`);
  const picture = document.querySelectorAll("nav.views > *")[number - 1];
  (camera ?? picture)?.click();
  return Boolean(camera ?? picture);
}

// The page before or after, where there is one; on a list of duels, the duel before or after.
function step(where, key) {
  const link = document.querySelector(`a[rel=${where}]`);
  if (link) return link.click(), true;
  const duels = [...document.querySelectorAll(".trio > a")];
  if (!duels.length || key.startsWith("Arrow")) return false;
  const here = duels.indexOf(document.activeElement);
  duels[Math.max(0, Math.min(duels.length - 1, here + (where === "next" ? 1 : -1)))].focus();
  return true;
}
