// One click takes a hotkey along.  Without a script, or where the browser keeps its clipboard to itself, it is selected.
for (const button of document.querySelectorAll("[data-copy]")) {
  const status = button.nextElementSibling;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      status.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.of));
      status.textContent = "Selected: copy it with your keys.";
    }
  });
}
