// Draws a chart that can be explored once somebody asks for it: plotly comes with the first click, and only then.
// A figure says where its data are; colours in them are names of this site's own, such as "var(--blue)".
const CONFIG = { displaylogo: false, displayModeBar: false, responsive: true, showTips: false };
const probe = document.createElement("span");
let library;

const loaded = (address) => library ??= new Promise((done, failed) => {
  const script = document.createElement("script");
  script.src = address;
  script.addEventListener("load", () => done(window.Plotly));
  script.addEventListener("error", () => { library = undefined; failed(new Error("The chart library did not come.")); });
  document.head.append(script);
});

const colour = (name) => {
  probe.style.color = name;
  return getComputedStyle(probe).color;
};
const coloured = (value) => Array.isArray(value) ? value.map(coloured)
  : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, coloured(each)]))
  : typeof value === "string" && /^var\(--[a-z-]+\)$/.test(value) ? colour(value) : value;

function dressed(layout, place) {
  const axis = { gridcolor: "var(--line)", zerolinecolor: "var(--gray)", linecolor: "var(--gray)", automargin: true };
  const axes = Object.keys(layout).filter((name) => /^[xy]axis/.test(name)).concat("xaxis", "yaxis");
  return coloured({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 30, r: 10, t: 10, b: 30 },
    font: { color: "var(--ink)", family: getComputedStyle(place).fontFamily, size: 13 },
    hoverlabel: { bgcolor: "var(--card)", bordercolor: "var(--gray)", font: { color: "var(--ink)" }, align: "left" },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
    ...layout, ...Object.fromEntries(axes.map((name) => [name, { ...axis, ...layout[name] }])),
  });
}

async function explore(figure, report) {
  const [plotly, answer] = await Promise.all([loaded(figure.dataset.plotly), fetch(figure.dataset.plot)]);
  if (!answer.ok) throw new Error(`The data answered ${answer.status}.`);
  const chart = await answer.json(), place = figure.querySelector(".drawn");
  place.replaceChildren(probe);
  probe.hidden = true;
  place.classList.add("open");
  const draw = () => plotly.react(place, coloured(chart.data), dressed(chart.layout, place), CONFIG);
  await draw();
  place.on("plotly_click", ({ points }) => {
    const to = points[0]?.customdata;
    if (typeof to === "string" && /^\/(?!\/)/.test(to)) location.assign(to);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  report("ready", "Drag to come closer, double-click to go back, click a name to hide what it stands for.");
}

for (const figure of document.querySelectorAll("figure[data-plot]")) {
  const button = figure.querySelector("button"), words = figure.querySelector("[role=status]");
  const report = (state, text) => { figure.dataset.state = state; words.textContent = text; };
  button.addEventListener("click", async () => {
    report("loading", "Loading…");
    button.disabled = true;
    try {
      await explore(figure, report);
      button.hidden = true;
    } catch (fault) {
      report("error", `${fault.message} The table below has the same numbers.`);
      button.disabled = false;
    }
  });
}
