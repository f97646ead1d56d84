// The table of all points: sorts, finds and turns its pages.
"use strict";

const PAGE_ROWS = 50;

/** A cell's text from a formatter of one figure; empty where it is missing. */
function formatted(name, format) {
  return (row) => {
    const value = figure(name, row);
    return Number.isNaN(value) ? "" : format(value);
  };
}

function plain(name) {
  return (row) => String(data.columns[name][row] ?? "");
}

function latencyText(row) {
  const [median, low, high] = ["latency_ms", "latency_low_ms", "latency_high_ms"].map((name) =>
    figure(name, row),
  );
  return Number.isNaN(median) ? "" : measured(median, low, high);
}

function statusText(row) {
  const status = data.columns.status[row];
  const predicted = data.columns.predicted[row] && status !== "ok" && status !== "left_out";
  return `${data.statuses[status]}${predicted ? " (predicted)" : ""}`;
}

/** Columns: the one it sorts by, its header, its text, and how it is set. Fields of the settings are
 * columns where they differ. */
function tableColumns() {
  const own = ["variant", "backend_used", "chunk_size"];
  const fields = data.filters.filter(({ field }) => !own.includes(field));
  return [
    ["seq_len", "T", formatted("seq_len", tokens), "number"],
    ["label", "attention", plain("label"), ""],
    ["chunk_size", "chunk", formatted("chunk_size", String), "number"],
    ...fields.map((filter) => [
      filter.field,
      filter.title,
      (row) => filter.words[filter.codes[row]] ?? "",
      "",
    ]),
    ["latency_ms", "latency (95% interval)", latencyText, "number"],
    ["samples", "samples", formatted("samples", String), "number"],
    ["workspace_bytes", "workspace", formatted("workspace_bytes", size), "number"],
    ["distance_to_full", "distance", formatted("distance_to_full", distance), "number"],
    ["cosine_to_full", "cosine", formatted("cosine_to_full", cosine), "number"],
    ["oracle_error", "oracle error", formatted("oracle_error", scientific), "number"],
    ["backend_used", "backend", plain("backend_used"), ""],
    ["status", "status", statusText, ""],
    ["reason", "reason", plain("reason"), "prose"],
  ];
}

/** Rows in the order of a column; missing ones last, either way. */
function sorted(rows, sort) {
  if (!sort) return rows;
  const name = sort.replace(/^-/, "");
  const sign = sort.startsWith("-") ? -1 : 1;
  const isText = data.kinds[name] === "text";
  const keys = new Map(
    rows.map((row) => [row, isText ? data.columns[name][row] : figure(name, row)]),
  );
  const isMissing = (key) => key === null || Number.isNaN(key);
  return rows.toSorted((a, b) => {
    const [one, other] = [keys.get(a), keys.get(b)];
    if (isMissing(one) || isMissing(other)) return isMissing(one) - isMissing(other);
    return one < other ? -sign : one > other ? sign : 0;
  });
}

/** The rows of the table: they pass the filters and hold the text that is looked for. */
function shownRows() {
  const columns = tableColumns();
  const wanted = state.find.trim().toLowerCase();
  // A length is shown as 12k, and yet found as 12288 or 12,288.
  const number = wanted ? Number(wanted.replaceAll(",", "")) : NaN;
  const holds = (row) =>
    columns.some(
      ([name, , text]) =>
        text(row).toLowerCase().includes(wanted) || data.columns[name][row] === number,
    );
  const rows = everyRow().filter((row) => passes(row) && (!wanted || holds(row)));
  return sorted(rows, state.sort);
}

function showTable(changed) {
  const rows = shownRows();
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
  state.page = Math.min(state.page, pages);
  const start = (state.page - 1) * PAGE_ROWS;
  const body = document.querySelector("#points-table tbody");
  body.replaceChildren(...rows.slice(start, start + PAGE_ROWS).map(bodyRow));
  const end = Math.min(start + PAGE_ROWS, rows.length);
  const range = rows.length ? `${start + 1} to ${end} of ${rows.length} points` : "no point";
  const found = state.find ? ` found with “${state.find}”` : "";
  document.getElementById("range").textContent = range + found;
  document.getElementById("before").disabled = state.page === 1;
  document.getElementById("after").disabled = state.page === pages;
  document.getElementById("find").value = state.find;
  showHeaders(changed);
}

function bodyRow(row) {
  const line = document.createElement("tr");
  const status = data.columns.status[row];
  line.className = status === "ok" ? "" : status === "left_out" ? "quiet" : "failed";
  for (const [, , text, look] of tableColumns()) {
    const cell = line.insertCell();
    cell.className = look;
    cell.textContent = text(row);
  }
  return line;
}

function showHeaders(changed) {
  const columns = tableColumns();
  const head = document.querySelector("#points-table thead tr");
  if (!head.cells.length) head.append(...columns.map((column) => headerCell(column, changed)));
  columns.forEach(([name], i) => {
    const order = { [name]: "ascending", [`-${name}`]: "descending" }[state.sort];
    if (order) head.cells[i].setAttribute("aria-sort", order);
    else head.cells[i].removeAttribute("aria-sort");
  });
}

/** A header whose button sorts upwards, then downwards, then not. */
function headerCell([name, title, , look], changed) {
  const cell = document.createElement("th");
  const button = document.createElement("button");
  cell.scope = "col";
  cell.className = look;
  button.type = "button";
  button.textContent = title;
  button.addEventListener("click", () => {
    state.sort = { "": name, [name]: `-${name}` }[state.sort] ?? (state.sort === `-${name}` ? "" : name);
    state.page = 1;
    changed();
  });
  cell.append(button);
  return cell;
}

function connectTable(changed) {
  const turn = (by) => () => ((state.page += by), changed());
  document.getElementById("before").addEventListener("click", turn(-1));
  document.getElementById("after").addEventListener("click", turn(1));
  document.getElementById("find").addEventListener("input", (event) => {
    Object.assign(state, { find: event.target.value, page: 1 });
    changed();
  });
  document.getElementById("csv").addEventListener("click", () => download(csv(shownRows()), `${data.name}.csv`));
}
