// The numbers of a figure as a table, written when it is opened, and as CSV for the clipboard.
import { make, one, say } from "./dom.js";
import { chartOf, numbersOf } from "./chart.js";
import { csvOf, instantText, momentsOf } from "./chart-scale.js";

/** @typedef {import("./chart-scale.js").Series} Series */

/** More rows would make the page slow; the copy has all of them. */
const tableRowsMax = 200;

/** As many digits as a reader wants; the copy has all of them. @param {number | null | undefined} value */
function shown(value) {
  if (value === null || value === undefined) return "";
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  return String(Number(Math.abs(value) < 1e4 ? value.toPrecision(6) : value.toFixed(2)));
}

/** @param {Series[]} series @param {string} zone @param {string} name */
function tableOf(series, zone, name) {
  const heads = series.map(({ name: line, unit }) => make("th", { class: "num", scope: "col", dir: "auto" }, unit ? `${line}, ${unit}` : line));
  const rows = momentsOf(series);
  const body = rows.slice(-tableRowsMax).reverse().map(([at, values]) => {
    const cells = series.map((_, line) => make("td", { class: "num" }, values[line] === null ? "gap" : shown(values[line])));
    return make("tr", {}, make("th", { scope: "row" }, instantText(at, zone, true)), ...cells);
  });
  const caption = make("caption", {}, rows.length > tableRowsMax ? `${name}: the newest ${tableRowsMax} of ${rows.length} moments` : `${name}: ${rows.length} moments`);
  return make("table", { class: "tbl" }, caption, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Time"), ...heads)), make("tbody", {}, ...body));
}

/** @param {string} text @param {string} name */
async function copyText(text, name) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied as CSV.");
  } catch {
    // Without TLS browsers give no clipboard: it becomes a file.
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: `${name}.csv` });
    link.click();
    say("This browser gives no access to the clipboard here, so the numbers were saved as a file.");
  }
}

/** @param {HTMLDetailsElement} details */
async function fillTwin(details) {
  const chart = chartOf(details);
  const box = one(".twin", details);
  if (!chart || !box || one(".rows", box)) return;
  const data = await numbersOf(chart);
  if (!data || one(".rows", box)) return;
  const name = chart.figure.getAttribute("aria-label") ?? "Chart";
  const button = make("button", { class: "btn small", type: "button" }, "Copy as CSV");
  button.addEventListener("click", () => void copyText(csvOf(data.series), name));
  box.append(button, make("div", { class: "rows", tabindex: "0", role: "region", "aria-label": `${name}, numbers` }, tableOf(data.series, chart.zone, name)));
}

document.addEventListener("toggle", (event) => {
  const details = event.target;
  if (details instanceof HTMLDetailsElement && details.open && details.closest("[data-chart]")) void fillTwin(details);
}, true);
