// Draws the charts: first those in sight, the others when the browser has nothing else to do.
"use strict";

const charts = new Map();
const waiting = new Set();
const SHEET_PX = 680;
const NEAR_PX = 400;

const CONFIG = {
  responsive: true,
  displaylogo: false,
  // Nothing of the page is to leave it: by itself plotly.js offers to upload a chart.
  showSendToCloud: false,
  plotlyServerURL: "",
  // Without a pointer that hovers, the buttons would cover the chart for good.
  displayModeBar: window.matchMedia("(hover: hover)").matches ? "hover" : false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "toImage"],
};

function connectCharts() {
  for (const place of document.querySelectorAll("figure[data-figure]")) {
    const name = place.dataset.figure;
    const plot = place.querySelector(".plot");
    charts.set(name, { name, place, plot, ...data.figures[name] });
    for (const button of place.querySelectorAll("[data-save]"))
      button.addEventListener("click", () => save(charts.get(name), button.dataset.save));
  }
  addEventListener("scroll", drawInSight, { passive: true });
}

/** Have every chart drawn anew that has a point left, and hide the others that are about one label
 * or setting. */
function refreshCharts() {
  delete document.documentElement.dataset.drawn;
  for (const chart of charts.values()) {
    const about = chart.layout.meta?.rows;
    chart.place.hidden = about !== undefined && !about.some(passes);
    if (chart.place.hidden) waiting.delete(chart);
    else waiting.add(chart);
  }
  for (const group of document.querySelectorAll("[data-figures]"))
    group.hidden = !group.querySelector("figure:not([hidden])");
  requestAnimationFrame(drawInSight);
  whenIdle();
}

function drawInSight() {
  for (const chart of waiting) {
    const { top, bottom } = chart.place.getBoundingClientRect();
    if (bottom > -NEAR_PX && top < innerHeight + NEAR_PX) draw(chart);
  }
}

const idle = window.requestIdleCallback ?? ((callback) => setTimeout(callback, 1));

function whenIdle() {
  idle(() => {
    const [next] = waiting;
    if (next) draw(next);
    if (waiting.size) return whenIdle();
    document.documentElement.dataset.drawn = "all";
    performance.mark("drawn");
  }, { timeout: 200 });
}

function draw(chart) {
  waiting.delete(chart);
  const { data: traces, layout } = seen(chart);
  Plotly.react(chart.plot, traces, { ...layout, template: look(), uirevision: "kept" }, CONFIG);
}

/** A chart's traces and layout as the filters leave them. */
function seen({ traces, layout }) {
  // Plotly would work through hidden traces all the same; by its uid it knows one again.
  const named = traces.map((trace, i) => ({ ...filtered(trace), uid: String(i) }));
  const left = named.filter((trace) => trace.visible !== false);
  return { data: left, layout: { ...layout, ...ranges(layout, traces, left) } };
}

/** A chart as a file of its own: with its title, in light colours on white. */
function save(chart, format) {
  const { data: traces, layout } = seen(chart);
  const whole = {
    ...layout,
    template: template((name) => ON_PAPER[name]),
    ...chart.head,
    paper_bgcolor: "#ffffff",
  };
  const filename = `${data.name}-${chart.name}`;
  const size = { width: 1000, height: 680, scale: format === "png" ? 2 : 1 };
  return Plotly.downloadImage({ data: traces, layout: whole }, { format, filename, ...size });
}

function printCharts(isOnPaper) {
  for (const chart of charts.values())
    if (!chart.place.hidden)
      if (isOnPaper) {
        draw(chart);
        Plotly.relayout(chart.plot, { width: Math.min(SHEET_PX, chart.plot.clientWidth), template: template((name) => ON_PAPER[name]) });
      } else {
        Plotly.relayout(chart.plot, { width: null, template: look() });
        Plotly.Plots.resize(chart.plot);
      }
}
