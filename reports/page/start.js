// Starts the page: what it carries is inflated, the address is read, and all is shown.
"use strict";

function show() {
  applyFilters();
  showFilters();
  filterText();
  showTable(change);
  refreshCharts();
}

function change() {
  show();
  writeAddress();
}

/** Follow a link to a part of the page. By itself a link to the address that is open already does
 * nothing, so one that is clicked again would not lead back. */
function follow(event) {
  const to = event.target.closest('a[href^="#"]')?.getAttribute("href");
  if (!to || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  // A link to a part keeps what is chosen; one with filters of its own does not.
  if (to.includes("=")) {
    if (to !== location.hash) history.pushState(null, "", to);
    readAddress();
    show();
  } else {
    state.at = decoded(to.slice(1));
    writeAddress();
  }
  scrollToPart();
}

async function start() {
  if (!("DecompressionStream" in window)) {
    document.getElementById("too-old").hidden = false;
    return;
  }
  await Promise.all([loadData(), loadPlotly()]);
  if (!data.hover.length) return; // Nothing was measured: there is nothing to choose from.
  readAddress();
  connectFilters(change);
  connectTable(change);
  connectCharts();
  connectTheme(refreshCharts, printCharts);
  show();
  scrollToPart();
  addEventListener("click", follow);
  addEventListener("hashchange", () => (readAddress(), show(), scrollToPart()));
}

start();
