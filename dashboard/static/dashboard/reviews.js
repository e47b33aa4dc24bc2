// d leads to the decision: its first field, or the button that signs.  Never while somebody writes.
document.addEventListener("keydown", (event) => {
  if (event.key !== "d" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  if (document.querySelector("#keys [name=off]")?.checked) return;
  const decide = document.getElementById("decide");
  const target = decide?.querySelector("[data-sign]") ?? decide?.querySelector("select, textarea");
  if (!target) return;
  target.scrollIntoView({ block: "center" });
  target.focus();
  event.preventDefault();
});
