// The check boxes of the filters, and everything in the page's text that follows them.
"use strict";

function connectFilters(changed) {
  for (const box of document.querySelectorAll("input[data-field]"))
    box.addEventListener("change", () => {
      const chosen = state.chosen.get(box.dataset.field);
      if (box.checked) chosen.add(box.value);
      else chosen.delete(box.value);
      state.page = 1;
      changed();
    });
  const all = () => (showAll(), changed());
  for (const button of document.querySelectorAll("[data-all]")) button.addEventListener("click", all);
  document.getElementById("reset")?.addEventListener("click", () => (reset(), changed()));
}

function showFilters() {
  for (const box of document.querySelectorAll("input[data-field]"))
    box.checked = state.chosen.get(box.dataset.field).has(box.value);
  const count = passing.filter(Boolean).length;
  const words = data.filters.map(({ field, title, values, words: of }) => {
    const chosen = state.chosen.get(field);
    const named = values.filter((value) => chosen.has(value)).map((value) => of[values.indexOf(value)]);
    return `${title}: ${chosen.size === values.length ? "all" : named.join(", ") || "none"}`;
  });
  const points = `${count} of ${passing.length} points`;
  document.getElementById("shown").textContent = [`Shown: ${points}`, ...words].join(" · ");
  document.getElementById("nothing").hidden = count > 0 || passing.length === 0;
}

/** Hide rows of tables that were computed from points which the filters hide, and what is about one
 * setting of which no point is left. */
function filterText() {
  for (const part of document.querySelectorAll("[data-any]"))
    part.hidden = !data.rowsets[part.dataset.any].some(passes);
  for (const note of document.querySelectorAll("[data-note]")) {
    const rows = [...document.getElementById(note.dataset.note).querySelectorAll("tr[data-rows]")];
    for (const row of rows) row.hidden = !data.rowsets[row.dataset.rows].every(passes);
    const left = rows.filter((row) => row.hidden).length;
    note.textContent = left
      ? `${left} of ${rows.length} rows hidden: they are computed from points that the filters hide.`
      : "";
  }
}
