// Numbers as people read them, digit for digit as reports/units.py writes them.
"use strict";

const BEYOND = 24; // Digits beyond the last: a number so near to a tie, and not one, does not exist.

/** Digits as written, or cut off where a tie is to be rounded to the even digit, as Python does. */
function even(written, exact) {
  const kept = exact.slice(0, -BEYOND).replace(/\.$/, "");
  return /^50*$/.test(exact.slice(-BEYOND)) && /[02468]$/.test(kept) ? kept : written;
}

function fixed(value, places) {
  return even(value.toFixed(places), value.toFixed(places + BEYOND));
}

function scientific(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return general(value);
  const [written, exponent] = value.toExponential(1).split("e");
  const mantissa = even(written, value.toExponential(1 + BEYOND).split("e")[0]);
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

function general(value) {
  return Number.isNaN(value) ? "nan" : String(value).replace("Infinity", "inf");
}

/** Three significant digits, without an exponent: 0.0123, 1.23, 12.3, 1234. */
function three(value) {
  if (value === 0 || !Number.isFinite(value)) return general(value);
  const exponent = Number(value.toExponential(2).split("e")[1]);
  return fixed(value, Math.max(0, 2 - exponent));
}

/** The value as three significant digits show it. */
function rounded(value) {
  return value < 1000 ? Number(value.toPrecision(3)) : Number(fixed(value, 0));
}

function tokens(count) {
  return count >= 1024 && count % 512 === 0 ? `${count / 1024}k` : String(count);
}

function duration(milliseconds) {
  if (rounded(milliseconds) >= 1000) return `${three(milliseconds / 1000)} s`;
  return `${three(milliseconds)} ms`;
}

function measured(median, low, high) {
  if (Number.isNaN(low) || Number.isNaN(high)) return duration(median);
  const scale = rounded(median) >= 1000 ? 1000 : 1;
  return `${duration(median)} (${three(low / scale)}–${three(high / scale)})`;
}

function size(count) {
  let value = count;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (rounded(value) < 1024) return unit === "B" ? `${count} B` : `${three(value)} ${unit}`;
    value /= 1024;
  }
  return `${three(value)} TiB`;
}

function distance(value) {
  return value >= 0.001 ? (Number.isFinite(value) ? fixed(value, 3) : general(value)) : scientific(value);
}

function cosine(value) {
  return fixed(value, 3);
}
