// The rows that are shown as CSV: the same text as `hatrick report --csv` writes of them.
"use strict";

/** A float as Python writes it: both write the fewest digits that read back equal. */
function pythonFloat(value) {
  if (!Number.isFinite(value)) return general(value);
  const text = String(Math.abs(value));
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa, exponent = "0"] = text.split("e");
  const [whole, fraction = ""] = mantissa.split(".");
  // Digits d, and the power of ten of the first of them.
  const all = whole + fraction;
  const digits = all.replace(/^0+/, "").replace(/0+$/, "") || "0";
  const power = digits === "0" ? 0 : Number(exponent) + whole.length - 1 - all.search(/[1-9]/);
  if (power < -4 || power >= 16) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const padded = String(Math.abs(power)).padStart(2, "0");
    return `${sign}${digits[0]}${rest}e${power < 0 ? "-" : "+"}${padded}`;
  }
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${digits}`;
  const padded = digits.padEnd(power + 2, "0");
  return `${sign}${padded.slice(0, power + 1)}.${padded.slice(power + 1)}`;
}

function csvCell(value, kind) {
  if (value === null) return "";
  if (kind === "float") return typeof value === "number" ? pythonFloat(value) : value;
  if (kind === "bool") return value ? "True" : "False";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(rows) {
  const names = Object.keys(data.columns);
  const lines = [names.map((name) => csvCell(name, "text")).join(",")];
  for (const row of rows)
    lines.push(names.map((name) => csvCell(data.columns[name][row], data.kinds[name])).join(","));
  return `${lines.join("\n")}\n`;
}

function download(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
