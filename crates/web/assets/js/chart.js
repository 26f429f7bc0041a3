// A figure with data-chart: fetches its numbers, draws them, reads out under the cursor, zooms by dragging, renews itself.
import { actions, ageOf, all, enhance, make, one, say } from "./dom.js";
import { instants, linesMax, lookOf, readable, timeLabel, valueAt } from "./chart-scale.js";
import { drawChart, paletteOf } from "./chart-draw.js";

/** @typedef {import("./chart-scale.js").ChartData} ChartData */
/**
 * @typedef {{ figure: HTMLElement, canvas: HTMLCanvasElement, data: ChartData | null, frame: ReturnType<typeof drawChart>,
 *   cursor: number | null, drag: [number, number] | null, zoom: [number, number] | null, only: number | null, loadedAt: number, seen: boolean, loading: boolean }} Figure
 */

/** @type {Set<Figure>} */
const figures = new Set();

/** @param {Figure} chart @param {string} words @param {boolean} [retry] */
function sayInChart(chart, words, retry = false) {
  const box = one(".say", chart.figure);
  if (!box) return;
  box.replaceChildren(words);
  if (!retry) return;
  const button = make("button", { class: "btn small", type: "button" }, "Try again");
  button.addEventListener("click", () => void loadChart(chart));
  box.append(button);
}

/** @param {Figure} chart @param {string} state @param {string} words */
function setChartState(chart, state, words) {
  const el = chart.figure.parentElement && one("[data-chart-state]", chart.figure.parentElement);
  if (!el) return;
  el.dataset.state = state;
  el.textContent = words;
}

/** @param {Figure} chart */
async function loadChart(chart) {
  if (chart.loading) return;
  chart.loading = true;
  const url = new URL(chart.figure.dataset.src ?? "", location.href);
  if (chart.zoom) {
    url.searchParams.set("from", String(Math.round(chart.zoom[0])));
    url.searchParams.set("to", String(Math.round(chart.zoom[1])));
  }
  if (!chart.data) sayInChart(chart, "Loading the numbers …");
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    chart.data = checked(await response.json());
    chart.loadedAt = Date.now();
    const empty = chart.data.series.every(({ points }) => points.every(([, value]) => value === null));
    sayInChart(chart, empty ? "No numbers in this time. They appear as soon as the first ones arrive." : "");
    setChartState(chart, "live", chart.zoom ? "Zoomed" : "Live");
    if (empty && !chart.zoom) setTimeout(() => chart.seen && !document.hidden && chart.figure.isConnected && void loadChart(chart), 3000);
    render(chart);
    renderNotes(chart);
    fillTable(chart);
  } catch (error) {
    const why = error instanceof TypeError || !(error instanceof Error) ? "The server did not answer." : error.message;
    if (chart.data) setChartState(chart, "lost", `Numbers from ${ageOf(Date.now() - chart.loadedAt)} ago`);
    else {
      setChartState(chart, "lost", "Not loaded");
      sayInChart(chart, `${why} The chart is not shown.`, true);
    }
  } finally {
    chart.loading = false;
  }
}

/** @param {unknown} body @returns {ChartData} */
function checked(body) {
  const data = /** @type {ChartData} */ (body);
  if (!data || !Array.isArray(data.series) || !(data.to > data.from)) throw new Error("The numbers could not be read.");
  return data;
}

/** @param {Figure} chart */
function render(chart) {
  if (!chart.data || !chart.seen) return;
  chart.frame = drawChart(chart.canvas, chart.data, paletteOf(chart.canvas, chart.figure), chart.cursor, chart.drag, chart.only);
  renderLegend(chart);
}

/** @param {number | null} value @param {string} [unit] */
function inWords(value, unit) {
  return value === null ? "no value" : readable(value, unit).filter(Boolean).join(" ");
}

/** The lines with their newest values; one can be chosen, to see it alone. @param {Figure} chart */
function renderLegend(chart) {
  const legend = one(".legend", chart.figure);
  if (!legend || !chart.data) return;
  const { series } = chart.data;
  const last = (/** @type {import("./chart-scale.js").Series} */ { points }) => points.findLast(([, value]) => value !== null)?.[1] ?? null;
  const shown = series.slice(0, linesMax);
  if (legend.dataset.names !== JSON.stringify(shown.map(({ name }) => name))) {
    legend.dataset.names = JSON.stringify(shown.map(({ name }) => name));
    legend.classList.toggle("many", shown.length > 4);
    legend.replaceChildren(
      ...shown.map(({ name }, index) => {
        const item = make("button", { type: "button", title: name, "aria-pressed": "false" }, swatch(index), make("span", {}, name), make("b"));
        item.addEventListener("click", () => {
          chart.only = chart.only === index ? null : index;
          render(chart);
        });
        return item;
      }),
    );
    if (series.length > linesMax) legend.append(make("span", {}, `and ${series.length - linesMax} more in the table`));
  }
  shown.forEach((one_, index) => {
    const item = legend.children[index];
    const value = item && item.querySelector("b");
    if (value) value.textContent = inWords(last(one_), one_.unit);
    item?.setAttribute("aria-pressed", String(chart.only === index));
    item?.classList.toggle("off", chart.only !== null && chart.only !== index);
  });
  renderRead(chart);
  const words = shown.map((one_) => `${one_.name} ${inWords(last(one_), one_.unit)}`).join(", ");
  chart.canvas.setAttribute("aria-label", `${chart.figure.getAttribute("aria-label") ?? "Chart"}: ${words}`);
}

/** Most lines that the box under the cursor names; fewer where the plot is low. */
const readMax = 10;

/** What stands over the plot: the values under the cursor, or the way back from a zoom. @param {Figure} chart */
function renderRead(chart) {
  const box = one(".read", chart.figure);
  if (!box || !chart.data) return;
  box.classList.toggle("values", chart.cursor !== null);
  if (chart.cursor !== null) {
    const frame = chart.frame;
    const share = frame ? (chart.cursor - frame.from) / (frame.to - frame.from) : 0;
    box.classList.toggle("left", share > 0.5);
    box.replaceChildren(...readAt(chart, chart.cursor));
  } else if (chart.zoom && !one("button", box)) {
    const button = make("button", { class: "btn small", type: "button" }, "Reset zoom");
    button.addEventListener("click", () => zoomTo(chart, null));
    box.replaceChildren(button);
  } else if (!chart.zoom) box.replaceChildren();
}

/** The instant under the cursor, every value there, largest first, and what was marked. @param {Figure} chart @param {number} at @returns {HTMLElement[]} */
function readAt(chart, at) {
  const data = chart.data;
  if (!data) return [];
  const near = (data.to - data.from) / 80;
  const marked = (data.marks ?? []).filter((mark) => Math.abs(mark.at - at) < near).map((mark) => mark.title ?? "");
  const inside = (data.bands ?? []).filter((band) => band.from <= at && at <= band.to).map((band) => band.title ?? "");
  const day = data.to - data.from > 86_400_000 ? `${timeLabel(at, 86_400_000)} ` : "";
  const values = data.series.slice(0, linesMax).map((series, index) => ({ series, index, value: valueAt(series, at) }));
  const found = values.filter(({ value }) => value !== null);
  if (found.length > 4) found.sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  const most = Math.max(3, Math.min(readMax, Math.floor((chart.canvas.clientHeight - 70) / 20)));
  const rows = found.slice(0, most).map(({ series, index, value }) => make("div", {}, swatch(index), make("span", {}, series.name), make("b", {}, inWords(value, series.unit))));
  if (found.length > most) rows.push(make("p", {}, `and ${found.length - most} more`));
  const notes = [...marked, ...inside].filter(Boolean).map((title) => make("p", {}, title));
  return [make("p", { class: "when" }, day + timeLabel(at, 1000)), ...rows, ...notes];
}

/** @param {number} index */
function swatch(index) {
  const [colour, dash] = lookOf(index);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `s${colour}`);
  svg.setAttribute("viewBox", "0 0 16 8");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M0 4h16");
  path.setAttribute("class", `d${dash}`);
  svg.append(path);
  return svg;
}

/** The same numbers as a table, written when it is opened; the latest 200. @param {Figure} chart */
function fillTable(chart) {
  const details = one("details", chart.figure);
  const box = details && one("div", details);
  if (!box || !chart.data || !details.hasAttribute("open")) return;
  const series = chart.data.series;
  const head = make("tr", {}, make("th", {}, "Time"), ...series.map(({ name, unit }) => make("th", { class: "num" }, unit ? `${name}, ${unit}` : name)));
  const body = make("tbody");
  for (const at of instants(series).slice(-200).reverse()) {
    const cells = series.map((one_) => {
      const value = valueAt(one_, at);
      return make("td", { class: "num" }, value === null ? "" : String(value));
    });
    body.append(make("tr", {}, make("td", {}, new Date(at).toLocaleString()), ...cells));
  }
  box.replaceChildren(make("table", { class: "tbl" }, make("thead", {}, head), body));
}

/** What answered, and what is missing. @param {Figure} chart */
function renderNotes(chart) {
  const box = one(".notes", chart.figure);
  if (box) box.textContent = (chart.data?.notes ?? []).join(". ");
}

/** @param {Figure} chart @param {[number, number] | null} range */
function zoomTo(chart, range) {
  chart.zoom = range;
  chart.cursor = null;
  if (chart.figure.dataset.share !== undefined) {
    const url = new URL(location.href);
    for (const [name, at] of [["from", range?.[0]], ["to", range?.[1]]]) {
      if (at === undefined) url.searchParams.delete(String(name));
      else url.searchParams.set(String(name), String(Math.round(Number(at))));
    }
    history.replaceState(null, "", url);
  }
  void loadChart(chart);
}

actions["copy-link"] = () => {
  void navigator.clipboard.writeText(location.href).then(() => say("The link is copied: it shows this question for this time."));
};

/** @param {Figure} chart @param {number} x */
function timeAt(chart, x) {
  const frame = chart.frame;
  if (!frame) return null;
  const share = (Math.min(frame.right, Math.max(frame.left, x)) - frame.left) / (frame.right - frame.left);
  return frame.from + share * (frame.to - frame.from);
}

/** @param {Figure} chart */
function listenToPointer(chart) {
  const { canvas } = chart;
  canvas.addEventListener("pointermove", (event) => {
    chart.cursor = timeAt(chart, event.offsetX);
    if (chart.drag) chart.drag[1] = event.offsetX;
    requestAnimationFrame(() => render(chart));
  });
  canvas.addEventListener("pointerleave", () => {
    if (chart.drag) return;
    chart.cursor = null;
    render(chart);
  });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    chart.drag = [event.offsetX, event.offsetX];
  });
  canvas.addEventListener("pointerup", () => {
    const drag = chart.drag;
    chart.drag = null;
    if (!drag) return;
    const [a, b] = [timeAt(chart, Math.min(...drag)), timeAt(chart, Math.max(...drag))];
    if (a !== null && b !== null && Math.abs(drag[1] - drag[0]) > 8) zoomTo(chart, [a, b]);
    else render(chart);
  });
  canvas.addEventListener("dblclick", () => zoomTo(chart, null));
}

/** @param {Figure} chart */
function listenToKeys(chart) {
  chart.canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape" && (chart.cursor !== null || chart.zoom)) {
      chart.cursor = null;
      chart.zoom ? zoomTo(chart, null) : render(chart);
    } else if (step && chart.data) {
      const times = instants(chart.data.series);
      const at = chart.cursor === null ? times.length - 1 : times.findIndex((t) => t >= (chart.cursor ?? 0)) + step;
      chart.cursor = times[Math.min(times.length - 1, Math.max(0, at))] ?? null;
      render(chart);
      event.preventDefault();
    }
  });
}

const chartsInView = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    const chart = [...figures].find(({ figure }) => figure === target);
    if (!chart) continue;
    chart.seen = isIntersecting;
    if (isIntersecting && (!chart.data || Date.now() - chart.loadedAt > 15_000)) void loadChart(chart);
    else render(chart);
  }
});

const chartSizes = new ResizeObserver((entries) => {
  for (const { target } of entries) for (const chart of figures) if (chart.figure === target) render(chart);
});

/** @param {HTMLElement} figure */
function begin(figure) {
  const canvas = one("canvas", figure);
  if (!(canvas instanceof HTMLCanvasElement)) return;
  /** @type {Figure} */
  const chart = { figure, canvas, data: null, frame: null, cursor: null, drag: null, zoom: null, only: null, loadedAt: 0, seen: false, loading: false };
  figures.add(chart);
  listenToPointer(chart);
  listenToKeys(chart);
  one("details", figure)?.addEventListener("toggle", () => fillTable(chart));
  chartsInView.observe(figure);
  chartSizes.observe(figure);
}

function renewAll() {
  for (const chart of figures) {
    if (!chart.figure.isConnected) figures.delete(chart);
    else if (chart.seen && !chart.zoom && !document.hidden && chart.cursor === null) void loadChart(chart);
  }
}

setInterval(renewAll, 15_000);

addEventListener("changed", (event) => {
  const refs = event instanceof CustomEvent ? event.detail : [];
  for (const chart of figures) {
    const own = (chart.figure.dataset.refs ?? "").split(" ");
    if (chart.seen && !chart.zoom && own.some((ref) => ref && refs.includes(ref))) void loadChart(chart);
  }
});

const redrawAll = () => figures.forEach(render);
addEventListener("themechange", redrawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);

enhance((root) => all("[data-chart]", root).forEach(begin));
