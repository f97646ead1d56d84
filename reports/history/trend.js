// The trend page: fills the charts with the series that is chosen, which the address names.
"use strict";

const MOST_MARKED_CHANGES = 8;
const FEW_RUNS = 120;
const FOOT = 0.03; // Of the chart's height.
const TICKS = { wide: 9, narrow: 4 };
const UNITS = [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]];

// What charts.js asks of a figure that follows filters: here there are none.
function filtered(trace) {
  return trace;
}
function ranges() {
  return {};
}
function passes() {
  return true;
}

/** Names of a series' runs on the axis, no two alike. */
function runNames(series) {
  const seen = new Map();
  return series.runs.map((run) => {
    const [commit, time] = data.runs[run];
    const name = `${commit}<br>${time.slice(0, 10)}`;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times > 1 ? `${name} (${times})` : name;
  });
}

/** What else than the code changed at each run against the run before: lists of words. */
function changesOf(series) {
  return series.runs.map((_, i) => data.changes[series.changed[i]] ?? []);
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function hoverText(series, i, changed) {
  const [commit, time] = data.runs[series.runs[i]];
  const of = (name) => series.figures[name][i];
  const lines = [`<b>${escaped(commit)}</b>, ${time} UTC`];
  if (of("latency_ms") !== null) {
    const [low, high] = [of("latency_low_ms") ?? NaN, of("latency_high_ms") ?? NaN];
    lines.push(`latency ${measured(of("latency_ms"), low, high)}`);
  }
  if (of("workspace_bytes") !== null) lines.push(`workspace ${size(of("workspace_bytes"))}`);
  if (of("distance_to_full") !== null) lines.push(`distance to full ${distance(of("distance_to_full"))}`);
  if (of("oracle_error") !== null) lines.push(`oracle error ${scientific(of("oracle_error"))}`);
  if (series.failed[i]) lines.push(`<b>${data.statuses[series.failed[i]] ?? series.failed[i]}</b>`);
  for (const words of changed[i]) lines.push(`changed: ${escaped(words)}`);
  for (const shift of series.shifts) if (shift.index === i) lines.push(`<b>${escaped(shift.brief)}</b>`);
  return lines.join("<br>");
}

/** The unit that an axis of bytes is in: the largest that leaves a whole digit. */
function unitOf(name, values) {
  if (name !== "workspace_bytes") return ["", 1];
  const most = Math.max(...values.filter((value) => value !== null), 1);
  return UNITS.find(([, bytes]) => most >= bytes);
}

function tracesOf(series, name, names, texts, scale) {
  const scaled = (values) => values.map((value) => (value === null ? null : value / scale));
  const y = scaled(series.figures[name]);
  const few = names.length <= FEW_RUNS;
  const runs = {
    x: names,
    y,
    mode: few ? "lines+markers" : "markers",
    marker: { color: series.colour, size: few ? 7 : 4 },
    line: { color: series.colour, width: 1 },
    hovertext: texts,
    hovertemplate: "%{hovertext}<extra></extra>",
  };
  if (name === "latency_ms") {
    const [low, high] = ["latency_low_ms", "latency_high_ms"].map((end) => series.figures[end]);
    const apart = (one, other) => (one === null || other === null ? 0 : one - other);
    runs.error_y = {
      type: "data",
      array: high.map((end, i) => apart(end, y[i])),
      arrayminus: low.map((end, i) => apart(y[i], end)),
      width: few ? 3 : 0,
      thickness: 1,
    };
  }
  const levels = { x: [], y: [], mode: "lines", line: { color: "#808790", width: 3 }, hoverinfo: "skip" };
  for (const [from, to, height] of series.levels[name]) {
    levels.x.push(names[from], names[to], names[to]);
    levels.y.push(height / scale, height / scale, null);
  }
  return [runs, levels, failuresOf(series, y, names, texts)];
}

/** A cross at the foot of the chart for every run that failed and has no figure to be seen by. */
function failuresOf(series, y, names, texts) {
  const at = Object.keys(series.failed).map(Number).filter((i) => y[i] === null);
  return {
    x: at.map((i) => names[i]),
    y: at.map(() => FOOT),
    yaxis: "y2",
    mode: "markers",
    marker: { color: series.colour, symbol: "x", size: 8 },
    cliponaxis: false,
    hovertext: at.map((i) => texts[i]),
    hovertemplate: "%{hovertext}<extra></extra>",
  };
}

/** Lines at shifts of this figure, with their words, and dotted ones where more than the code
 * changed. */
function marksOf(series, name, changed, isWide) {
  const shapes = [];
  const annotations = [];
  const line = (i, look) => shapes.push({ type: "line", x0: i - 0.5, x1: i - 0.5, y0: 0, y1: 1, yref: "paper", line: look });
  const shifts = series.shifts.filter(({ figure: of }) => of === name || (isWide && of === "status"));
  for (const { index, mark } of shifts) {
    line(index, { width: 2, dash: "dash" });
    const text = `<b>${escaped(mark)}</b>`;
    annotations.push({ x: index - 0.5, y: 1, yref: "paper", yanchor: "bottom", text, showarrow: false });
  }
  const at = changed.flatMap((words, i) => (words.length ? [i] : []));
  if (at.length <= MOST_MARKED_CHANGES)
    for (const i of at) {
      line(i, { width: 1, dash: "dot" });
      if (!isWide) continue; // The words are in the wide chart, and in every hover.
      const more = changed[i].length > 1 ? ` and ${changed[i].length - 1} more` : "";
      const text = escaped(changed[i][0].slice(0, 40)) + more;
      annotations.push({ x: i - 0.5, y: 0, yref: "paper", yanchor: "bottom", xanchor: "right", textangle: -90, text, showarrow: false, font: { size: 10 } });
    }
  return { shapes, annotations };
}

/** From 0 where a figure never changed: by itself plotly.js would go below. */
function rangeOf(values, scale) {
  const different = new Set(values.filter((value) => value !== null));
  if (different.size !== 1) return {};
  const [value] = different;
  return { range: [0, value > 0 ? (2 * value) / scale : 1] };
}

function choose(series) {
  const names = runNames(series);
  const changed = changesOf(series);
  const texts = names.map((_, i) => hoverText(series, i, changed));
  for (const chart of charts.values()) {
    const values = series.figures[chart.name];
    const [unit, scale] = unitOf(chart.name, values);
    const { layout } = data.figures[chart.name];
    const isWide = chart.place.closest(".wide") !== null;
    const title = chart.name === "latency_ms" ? "latency (ms)" : unit ? `workspace (${unit})` : layout.yaxis.title.text;
    chart.traces = tracesOf(series, chart.name, names, texts, scale);
    chart.layout = {
      ...layout,
      margin: { ...layout.margin, t: 28 },
      xaxis: { ...layout.xaxis, categoryorder: "array", categoryarray: names, range: [-0.7, names.length - 0.3], tickangle: 0, nticks: isWide ? TICKS.wide : TICKS.narrow },
      yaxis: { ...layout.yaxis, title: { ...layout.yaxis.title, text: title }, exponentformat: "e", ...rangeOf(values, scale) },
      yaxis2: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },
      ...marksOf(series, chart.name, changed, isWide),
    };
    if (values.every((value) => value === null)) {
      const text = "No run has this figure.";
      chart.layout.annotations = [{ x: 0.5, y: 0.5, xref: "paper", yref: "paper", text, showarrow: false }];
    }
  }
  showWords(series);
  refreshCharts();
}

function showWords(series) {
  document.getElementById("chosen").textContent = series.title;
  const said = series.shifts.map(({ text }) => text);
  if (series.remark) said.push(`${series.remark}.`);
  if (!said.length) said.push("No figure shifted.");
  const list = document.getElementById("chosen-shifts");
  list.replaceChildren(...said.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  document.getElementById("series").value = series.key;
  document.querySelectorAll("#series-table tbody tr").forEach((row, i) => {
    row.classList.toggle("chosen", data.series[i] === series);
  });
}

function addressed() {
  const key = new URLSearchParams(location.hash.slice(1)).get("series");
  return data.series.find((series) => series.key === key);
}

/** The first cell of every row leads to its series. */
function linkTable() {
  document.querySelectorAll("#series-table tbody tr").forEach((row, i) => {
    const link = document.createElement("a");
    link.href = `#series=${data.series[i].key}`;
    link.textContent = row.cells[0].textContent;
    row.cells[0].replaceChildren(link);
  });
}

async function start() {
  if (!("DecompressionStream" in window)) {
    document.getElementById("too-old").hidden = false;
    return;
  }
  await Promise.all([loadData(), loadPlotly()]);
  connectCharts();
  connectTheme(refreshCharts, printCharts);
  linkTable();
  choose(addressed() ?? data.series[data.first]);
  document.getElementById("series").addEventListener("change", ({ target }) => {
    location.hash = `series=${target.value}`;
  });
  addEventListener("hashchange", () => {
    const series = addressed();
    if (!series) return; // A link to a part of the page.
    choose(series);
    document.getElementById("trend").scrollIntoView();
  });
}

start();
