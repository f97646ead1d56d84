// What the page carries, inflated: the measured points as columns, and what is drawn of them.
"use strict";

let data = null;

/** Text of a script element that holds gzip in base64. */
async function inflated(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  // Millions of bytes: Uint8Array.from with a function takes ten times as long.
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** Run the plotly.js that the page carries; in a folder of pages it is a script of its own. */
async function loadPlotly() {
  if (!document.getElementById("plotly")) return;
  const script = document.createElement("script");
  script.textContent = await inflated("plotly");
  document.head.append(script);
}

async function loadData() {
  data = JSON.parse(await inflated("data"));
}

/** A figure of a row as a number; NaN where it is missing. JSON has no infinity and no integer
 * beyond 2^53, so those come as text. */
function figure(name, row) {
  const value = data.columns[name][row];
  if (value === null) return NaN;
  return value === "inf" ? Infinity : value === "-inf" ? -Infinity : Number(value);
}

/** The row numbers of the whole frame. */
function everyRow() {
  return Array.from({ length: data.hover.length }, (_, row) => row);
}
