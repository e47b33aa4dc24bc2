// Loads the viewer when it is asked for, and not before.
const box = document.getElementById("turn");
const button = box.querySelector("button");
button.addEventListener("click", async () => {
  const say = (state, words) => { box.dataset.state = state; box.querySelector("[role=status]").textContent = words; };
  say("loading", "Loading…");
  button.disabled = true;
  try {
    const [{ open }, three] = await Promise.all([import(box.dataset.viewer), import(box.dataset.three)]);
    await open(box, three, say);
  } catch (fault) {
    say("error", `${fault.message} The pictures stay.`);
    button.disabled = false;
    button.textContent = "Try again";
  }
});
