// What the reader chose. It is in the page's address, so that a link shows what was seen:
// #direction=forward&chunk_size=64,128&sort=-latency_ms&at=scaling
"use strict";

const state = { chosen: new Map(), sort: "", find: "", page: 1, at: "" };
let passing = [];

/** For every row, whether it passes the filters. */
function applyFilters() {
  passing = everyRow().map((row) =>
    data.filters.every(({ field, values, codes }) => {
      const code = codes[row];
      // A point without chunk sizes is no point of another chunk size.
      return code === null || state.chosen.get(field).has(values[code]);
    }),
  );
}

function passes(row) {
  return passing[row];
}

/** Whether exactly one chunk size can be seen. */
function oneChunkSize() {
  const chunks = data.filters.find(({ field }) => field === "chunk_size");
  return chunks === undefined || state.chosen.get("chunk_size").size === 1;
}

function reset() {
  for (const { field, start } of data.filters) state.chosen.set(field, new Set(start));
  Object.assign(state, { sort: "", find: "", page: 1 });
}

function showAll() {
  for (const { field, values } of data.filters) state.chosen.set(field, new Set(values));
  state.page = 1;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return ""; // A stray % in a link that was cut: the rest of it still counts.
  }
}

/** Take the state from the address. What it does not name is as at the start. */
function readAddress() {
  reset();
  state.at = "";
  for (const part of location.hash.slice(1).split("&").filter(Boolean)) {
    const [name, text] = part.includes("=") ? part.split("=", 2) : ["at", part];
    const filter = data.filters.find(({ field }) => field === name);
    if (filter) {
      const wanted = text.split(",").map(decoded);
      const known = filter.values.filter((value) => wanted.includes(value));
      if (known.length || text === "") state.chosen.set(name, new Set(known));
    } else if (name === "page") {
      state.page = Math.max(1, Number.parseInt(text, 10) || 1);
    } else if (name === "sort" && text.replace(/^-/, "") in data.columns) {
      state.sort = text;
    } else if (name === "find" || name === "at") {
      state[name] = decoded(text);
    }
  }
}

function address() {
  const parts = [];
  for (const { field, values, start } of data.filters) {
    const chosen = values.filter((value) => state.chosen.get(field).has(value));
    if (chosen.join() !== values.filter((value) => start.includes(value)).join())
      parts.push(`${field}=${chosen.map(encodeURIComponent).join(",")}`);
  }
  if (state.sort) parts.push(`sort=${state.sort}`);
  if (state.find) parts.push(`find=${encodeURIComponent(state.find)}`);
  if (state.page > 1) parts.push(`page=${state.page}`);
  if (state.at) parts.push(`at=${encodeURIComponent(state.at)}`);
  return `#${parts.join("&")}`;
}

function writeAddress() {
  history.replaceState(null, "", address());
}

function scrollToPart() {
  document.getElementById(state.at)?.scrollIntoView();
}
