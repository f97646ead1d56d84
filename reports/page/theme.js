// The charts' colours: those of the reader's theme, on paper and in saved images the light ones.
"use strict";

const darkness = window.matchMedia("(prefers-color-scheme: dark)");
const paper = window.matchMedia("print");

/** A Plotly template in the page's own colours. */
function look() {
  const css = getComputedStyle(document.documentElement);
  return template((name) => css.getPropertyValue(name).trim());
}

const ON_PAPER = { "--text": "#1b1f24", "--quiet": "#57606a", "--line": "#d5dae0", "--grid": "#e4e8ec" };

function template(colour) {
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

/** Any colour but the page's, and as wide as a sheet is, while it is printed. */
function connectTheme(changed, print) {
  darkness.addEventListener("change", changed);
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
}
