// What of a figure passes the filters. A trace's `meta` says which rows of the frame are behind it:
// each: one at every point; best: several, the best first; made: those that it was computed from, of
// which all have to pass, or with `any` one;
// cells: one in every cell of a heat map.
"use strict";

function filtered(trace) {
  const { meta } = trace;
  if (!meta) return trace;
  const seen = meta.alone && !oneChunkSize() ? null : KINDS[meta.kind](trace, meta);
  if (seen === null) return { ...trace, visible: false };
  // What is for one chunk size alone is hidden in the figure as it comes.
  return { ...trace, ...seen, ...(meta.alone && { visible: true }) };
}

/** For every kind what replaces the trace's own; null where nothing of it is left. */
const KINDS = {
  each(trace) {
    const isShown = trace.customdata.map((row) => row === null || passes(row));
    if (!trace.customdata.some((row) => row !== null && passes(row))) return null;
    return {
      y: trace.y.map((value, i) => (isShown[i] ? value : null)),
      hovertext: trace.customdata.map(hoverOf),
    };
  },

  best(trace, meta) {
    const rows = trace.customdata.map((candidates) => candidates?.find(passes) ?? null);
    if (rows.every((row) => row === null)) return null;
    const of = (name) => rows.map((row) => (row === null ? null : orNull(figure(name, row))));
    const y = of(meta.value);
    const seen = { y, hovertext: rows.map(hoverOf) };
    if (meta.low && meta.high) {
      const apart = (one, other) => (one === null || other === null ? 0 : one - other);
      const [low, high] = [of(meta.low), of(meta.high)];
      seen.error_y = {
        ...trace.error_y,
        array: high.map((end, i) => apart(end, y[i])),
        arrayminus: low.map((end, i) => apart(y[i], end)),
      };
    }
    return seen;
  },

  made(_, meta) {
    const isShown = meta.any ? meta.rows.some(passes) : meta.rows.every(passes);
    return isShown ? {} : null;
  },

  cells(trace) {
    const isShown = trace.customdata.map((line) => line.map((row) => row !== null && passes(row)));
    if (!isShown.flat().includes(true)) return null;
    const kept = (grid, otherwise) =>
      grid?.map((line, i) => line.map((value, j) => (isShown[i][j] ? value : otherwise)));
    return {
      z: kept(trace.z, null),
      text: kept(trace.text, ""),
      hovertext: trace.customdata.map((line) => line.map(hoverOf)),
    };
  },
};

function hoverOf(row) {
  return row === null ? "" : data.hover[row];
}

function orNull(value) {
  return Number.isFinite(value) ? value : null;
}

/** The ranges of a figure's axes, drawn in around what is left of its points, margins kept. */
function ranges(layout, all, left) {
  const found = {};
  for (const axis of ["xaxis", "yaxis"]) {
    const { range, type } = layout[axis] ?? {};
    const place = type === "log" ? Math.log10 : (value) => value;
    const [whole, part] = [extent(all, axis[0], place), extent(left, axis[0], place)];
    if (!range || !whole || !part || !["log", "linear", undefined].includes(type)) continue;
    let [low, high] = [range[0] + part[0] - whole[0], range[1] + part[1] - whole[1]];
    // Ticks are at fixed values: a narrower range might have none. A range that is narrow as it
    // comes has its own.
    const least = Math.min(LEAST_DECADES, range[1] - range[0]);
    const missing = type === "log" ? least - (high - low) : 0;
    if (missing > 0) [low, high] = [low - missing / 2, high + missing / 2];
    if (range[0] <= range[1]) found[axis] = { ...layout[axis], range: [low, high] };
  }
  return found;
}

const LEAST_DECADES = 1.25;

/** The smallest and the largest coordinate of measured points on the main axes. */
function extent(traces, name, place) {
  let [low, high] = [Infinity, -Infinity];
  for (const trace of traces) {
    const isMeasured = trace.meta?.kind === "each" || trace.meta?.kind === "best";
    if (!isMeasured || trace.visible === false || trace.yaxis || trace.xaxis) continue;
    trace[name].forEach((value, i) => {
      const at = value === null || trace.y[i] === null ? NaN : place(value);
      if (!Number.isFinite(at)) return;
      low = Math.min(low, at);
      high = Math.max(high, at);
    });
  }
  return low <= high ? [low, high] : null;
}
