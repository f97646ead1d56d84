// Draws every chart of the page in the colours of the reader's theme, again when it changes.
"use strict";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function template() {
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(name).trim();
  const axis = { gridcolor: colour("--grid"), linecolor: colour("--line"), zeroline: false };
  return {
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("--text"), family: getComputedStyle(document.body).fontFamily, size: 12 },
      xaxis: axis,
      yaxis: axis,
      shapedefaults: { line: { color: colour("--quiet") } },
      annotationdefaults: { font: { color: colour("--quiet") } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--quiet"), activecolor: colour("--text") },
      hoverlabel: { align: "left", font: { size: 12 } },
    },
  };
}

// Without a pointer that hovers, the buttons would cover the chart for good.
const buttons = window.matchMedia("(hover: hover)").matches ? "hover" : false;

function draw() {
  const look = template();
  for (const plot of document.querySelectorAll(".plot")) {
    const chart = JSON.parse(document.getElementById(plot.dataset.chart).textContent);
    chart.layout.template = look;
    Plotly.react(plot, chart.data, chart.layout, {
      responsive: true,
      displaylogo: false,
      displayModeBar: buttons,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    });
  }
}

draw();
dark.addEventListener("change", draw);
