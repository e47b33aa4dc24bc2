// Puts a module's frame over its picture when a visitor asks for that, and takes it away again.
for (const button of document.querySelectorAll("[data-live]")) {
  const report = (words) => { button.nextElementSibling.textContent = words; };
  let frame = null;
  button.addEventListener("click", () => {
    if (frame) return close("");
    frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");  // never allow-same-origin
    Object.assign(frame, { title: "The miner's module, running", referrerPolicy: "no-referrer", allow: "", className: "live", src: button.dataset.live });
    button.closest(".card").append(frame);
    button.textContent = "Stop the module";
    report("Starting…");
  });
  const close = (words) => {
    frame.remove();
    frame = null;
    button.textContent = "Run the module itself";
    report(words);
  };
  addEventListener("message", ({ source, data }) => {
    if (!frame || source !== frame.contentWindow) return;
    if (data?.state === "ready") report("Running in a closed frame. Drag to turn.");
    if (data?.state === "error") close(`It was ended: ${String(data.why).slice(0, 200)}`);
  });
}
