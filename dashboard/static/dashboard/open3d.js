// Loads the viewer when it is asked for, and not before; light copies first, where there are some.
const box = document.getElementById("turn");
const button = box.querySelector("button"), originals = box.querySelector("[data-originals]");
button.addEventListener("click", () => start(false));
originals?.addEventListener("click", () => start(true));

async function start(whole) {
  const report = (state, words) => { box.dataset.state = state; box.querySelector("[role=status]").textContent = words; };
  report("loading", "Loading…");
  button.disabled = true;
  try {
    const wanted = [box.dataset.viewer, box.dataset.three, box.dataset.scene];
    const [{ open }, three, look] = await Promise.all(wanted.map((each) => import(each)));
    box.querySelector(".tools:not([hidden]) [data-close]")?.click();
    await open(box, three, look, report, { whole });
    if (originals) originals.hidden = whole;
  } catch (fault) {
    report("error", `${fault.message} The pictures stay.`);
    button.disabled = false;
    button.textContent = "Try again";
  }
}
