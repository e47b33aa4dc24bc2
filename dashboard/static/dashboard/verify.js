// Is the margin on this page the one that the published, hashed record gives?  Counted by the visitor's own browser.
const box = document.getElementById("recount");
const button = box.querySelector("button");
button.addEventListener("click", async () => {
  button.disabled = true;
  report("checking", "Fetching the record…");
  try {
    report("agrees", await check(box.dataset));
  } catch (fault) {
    report("differs", fault.message);
  }
  button.disabled = false;
});

function report(state, words) {
  box.dataset.state = state;
  box.querySelector("[role=status]").textContent = words;
}

async function check({ manifest, hash, kind, defender, challenger, tally }) {
  if (!globalThis.crypto?.subtle) throw new Error("This browser counts hashes over https only. Use python -m verify.");
  const index = JSON.parse(await fetched(manifest, hash, "manifest.json"));
  const entry = index.files.find((file) => file.path === "matches.json");
  const matches = JSON.parse(await fetched(manifest.replace("manifest.json", "matches.json"), entry.sha256, "matches.json"));
  const match = matches.find((each) => each.kind === kind && each.defender === defender && each.challenger === challenger);
  if (!match) throw new Error("The published record has no such match.");
  const mine = counted(match), shown = JSON.parse(tally);
  const wrong = Object.keys(shown).filter((name) => shown[name] !== mine[name]);
  if (wrong.length) throw new Error(`It does not agree: ${wrong.map((name) => `${name} ${mine[name]}, the page says ${shown[name]}`).join("; ")}.`);
  const net = mine.won + mine.forfeits_defender - mine.lost - mine.forfeits_challenger;
  const of = mine.won + mine.drawn + mine.lost + mine.forfeits_defender + mine.forfeits_challenger;
  return `It agrees: ${net} of ${of} duels, a margin of ${(100 * net / of).toFixed(2)} %. Both files have the SHA-256 that was published.`;
}

async function fetched(url, sha256, name) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${name} answered ${answer.status}.`);
  const bytes = await answer.arrayBuffer();
  const digest = [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))];
  const hex = digest.map((each) => each.toString(16).padStart(2, "0")).join("");
  if (hex !== sha256) throw new Error(`${name} has the SHA-256 ${hex}, not the published ${sha256}.`);
  return new TextDecoder().decode(bytes);
}

// As the rules count: up to where the match was certain; a void duel never; a forfeit for the other side.
function counted(match) {
  const names = { judged: { challenger: "won", defender: "lost", draw: "drawn" },
    forfeited: { challenger: "forfeits_defender", defender: "forfeits_challenger", draw: "drawn" } };
  const tally = { won: 0, drawn: 0, lost: 0, void: 0, forfeits_challenger: 0, forfeits_defender: 0 };
  for (const duel of match.duels) {
    if (match.stopped_after !== null && duel.position >= match.stopped_after) continue;
    const name = duel.state === "void" ? "void" : names[duel.state]?.[duel.outcome];
    if (name) tally[name] += 1;
  }
  return tally;
}
