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
  addEventListener("hashchange", () => (readAddress(), show(), scrollToPart()));
}

start();
