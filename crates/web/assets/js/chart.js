// A figure with data-chart is drawn by the server. Here: the cursor with the values of all lines (mouse, touch, arrow keys),
// the zoom (drag, Shift and arrows, + and -), which asks the server for the narrower range, and renewing what ends now.
import { all, enhance, one, typing } from "./dom.js";
import { fetchPart, swap, swapIn } from "./fragment.js";
import { instantText, nearest, readable, valueAt } from "./chart-scale.js";

/** @typedef {import("./chart-scale.js").ChartData} ChartData */
/**
 * @typedef {{ figure: HTMLElement, field: Element, zone: string, from: number, to: number, low: number, high: number,
 *   numbers: Promise<ChartData | null> | null, data: ChartData | null, cursor: number | null, start: number | null, latest: string[] }} Figure
 */

/** @type {Map<Element, Figure>} */
const figures = new Map();
/** Lines that were taken out of the picture, by figure and name, so that they stay out when it is renewed. @type {Set<string>} */
const linesOff = new Set();

/** @param {string} name @param {Record<string, string | number>} attributes @param {Element} [into] */
function drawn(name, attributes, into) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, String(value));
  into?.append(el);
  return el;
}

/** The numbers of a figure, fetched once. @param {Figure} chart */
export function numbersOf(chart) {
  chart.numbers ??= (async () => {
    const url = new URL(chart.figure.dataset.src ?? "", location.href);
    url.searchParams.set("from", String(chart.from));
    url.searchParams.set("to", String(chart.to));
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
      const data = await response.json();
      if (!Array.isArray(data?.series)) throw new Error("The numbers could not be read.");
      chart.data = data;
      return data;
    } catch (error) {
      chart.numbers = null;
      const why = error instanceof TypeError || !(error instanceof Error) ? "The server did not answer." : error.message;
      const box = one(".read", chart.figure);
      if (box) box.textContent = `${why} The values are not shown.`;
      return null;
    }
  })();
  return chart.numbers;
}

/** @param {Figure} chart @param {number} at */
const percentOf = (chart, at) => `${(((at - chart.from) / (chart.to - chart.from)) * 100).toFixed(3)}%`;

/** Lines as the picture shows them: those of the first one's unit, without those that were taken out. @param {Figure} chart */
function shownLines(chart) {
  const series = chart.data?.series ?? [];
  const boxes = all("[data-line]", chart.figure);
  const drawnOnes = series.filter(({ unit }) => unit === series[0]?.unit).slice(0, boxes.length);
  return drawnOnes.map((line, at) => {
    const box = boxes[at];
    return { line, at, off: box instanceof HTMLInputElement && !box.checked };
  });
}

/** What is under the cursor is read out as far as points are usually apart. @param {Figure} chart */
const reachOf = (chart) => Math.max((chart.to - chart.from) / 60, 1);

/** @param {Figure} chart */
function drawCursor(chart) {
  one(".cursor", chart.field)?.remove();
  const box = one(".read", chart.figure);
  const at = chart.cursor;
  if (at === null) {
    box?.replaceChildren();
    legendBolds(chart).forEach((el, line) => (el.textContent = chart.latest[line] ?? ""));
    return;
  }
  const layer = drawn("g", { class: "cursor" }, chart.field);
  const x = percentOf(chart, at);
  if (chart.start !== null) {
    const [a, b] = [Math.min(chart.start, at), Math.max(chart.start, at)];
    drawn("rect", { x: percentOf(chart, a), width: `${((b - a) / (chart.to - chart.from)) * 100}%`, height: "100%" }, layer);
  }
  drawn("line", { x1: x, x2: x, y2: "100%" }, layer);
  const words = [];
  for (const { line, at: nth, off } of shownLines(chart)) {
    const value = valueAt(line.points, at, reachOf(chart));
    const text = readable(value, line.unit);
    const bold = legendBolds(chart)[nth];
    if (bold) bold.textContent = text;
    if (off) continue;
    words.push(`${line.name} ${text}`);
    if (value !== null) drawn("circle", { class: `s${(nth % 8) + 1}`, cx: x, cy: `${(1 - (value - chart.low) / (chart.high - chart.low)) * 100}%`, r: 3.5 }, layer);
  }
  const told = toldAt(chart, at);
  box?.replaceChildren(told.join(" · "));
  chart.field.setAttribute("aria-valuenow", String(Math.round(at)));
  chart.field.setAttribute("aria-valuetext", [told[0], ...words, ...told.slice(1)].join(", "));
}

/** @param {Figure} chart */
const legendBolds = (chart) => all(".legend b", chart.figure);

/** The instant, and what happened then. @param {Figure} chart @param {number} at @returns {string[]} */
function toldAt(chart, at) {
  const near = (chart.to - chart.from) / 60;
  const marks = (chart.data?.marks ?? []).filter((mark) => Math.abs(mark.at - at) < near);
  const bands = (chart.data?.bands ?? []).filter((band) => band.from <= at && at <= band.to);
  const titles = [...new Set([...marks, ...bands].map(({ title }) => title ?? "").filter(Boolean))];
  const more = titles.length > 4 ? [`and ${titles.length - 4} more`] : [];
  return [instantText(at, chart.zone, chart.to - chart.from > 80_000_000), ...titles.slice(0, 4), ...more];
}

/** Moves the cursor of this figure, and of those beside it that show the same time. @param {Figure} chart @param {number | null} at */
function point(chart, at) {
  for (const other of figures.values()) {
    const beside = other !== chart && other.figure.parentElement?.closest("[data-charts]") === chart.figure.closest("[data-charts]");
    if (other !== chart && !(beside && chart.figure.closest("[data-charts]"))) continue;
    other.cursor = at === null ? null : Math.min(other.to, Math.max(other.from, at));
    if (other !== chart || at === null) other.start = null;
    drawCursor(other);
  }
  if (at !== null && !chart.data) void numbersOf(chart).then((data) => data && chart.cursor !== null && drawCursor(chart));
}

/** Asks the server for a part of the time. @param {Figure} chart @param {number} from @param {number} to */
function zoomTo(chart, from, to) {
  const set = chart.figure.closest("[data-charts]");
  if (!(set instanceof HTMLElement) || !set.dataset.page || to - from < 1) return;
  const url = new URL(set.dataset.page, location.href);
  if (set.dataset.range) url.searchParams.set("range", set.dataset.range);
  url.searchParams.set("from", String(Math.round(from)));
  url.searchParams.set("to", String(Math.round(to)));
  void swap(url.href, `#${set.id}`);
}

/** Takes back what is under way: the selection, then the cursor, then the zoom. @param {Figure} chart @returns {boolean} whether there was anything */
function takeBack(chart) {
  if (chart.start !== null || chart.cursor !== null) {
    chart.start === null ? point(chart, null) : ((chart.start = null), drawCursor(chart));
    return true;
  }
  const back = one("[data-unzoom]", chart.figure.closest("[data-charts]") ?? chart.figure);
  back?.click();
  return back !== null;
}

/** @param {Figure} chart @param {PointerEvent} event */
function instantUnder(chart, event) {
  const box = chart.field.getBoundingClientRect();
  return chart.from + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (chart.to - chart.from);
}

/** @param {Figure} chart */
function listenToPointer(chart) {
  const { field } = chart;
  /** @type {number | null} */
  let down = null;
  const on = (/** @type {string} */ name, /** @type {(event: PointerEvent) => void} */ fn) =>
    field.addEventListener(name, (event) => event instanceof PointerEvent && fn(event));
  on("pointermove", (event) => {
    if (down !== null && Math.abs(event.clientX - down) > 8 && chart.start === null && event.pointerType === "mouse") chart.start = chart.cursor;
    point(chart, instantUnder(chart, event));
  });
  on("pointerleave", () => down === null && point(chart, null));
  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    point(chart, instantUnder(chart, event));
    if (event.pointerType !== "mouse") return;
    field.setPointerCapture(event.pointerId);
    down = event.clientX;
  });
  on("pointerup", (event) => {
    const { start } = chart;
    if (down !== null && start !== null) {
      const at = instantUnder(chart, event);
      chart.start = null;
      zoomTo(chart, Math.min(start, at), Math.max(start, at));
    }
    down = null;
  });
  on("pointercancel", () => (down = chart.start = null));
}

/** The instant one step further: from point to point, or from event to event. @param {Figure} chart @param {KeyboardEvent} event @returns {number | null} */
function stepped(chart, { key }) {
  const marks = (chart.data?.marks ?? []).map(({ at }) => at).sort((a, b) => a - b);
  const at = chart.cursor ?? chart.to;
  if (key === "ArrowUp") return marks.find((mark) => mark > at + 1) ?? null;
  if (key === "ArrowDown") return marks.findLast((mark) => mark < at - 1) ?? null;
  if (key === "Home") return chart.from;
  if (key === "End") return chart.to;
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[key];
  if (!steps) return null;
  const points = shownLines(chart).find(({ off }) => !off)?.line.points ?? [];
  const next = chart.cursor === null ? points.length - 1 : nearest(points, at) + steps;
  return points[Math.min(points.length - 1, Math.max(0, next))]?.[0] ?? null;
}

/** @param {Figure} chart @param {KeyboardEvent} event */
async function onChartKey(chart, event) {
  const { key, shiftKey } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === "Escape") {
    if (takeBack(chart)) event.stopPropagation();
    return;
  }
  const span = chart.to - chart.from;
  const middle = chart.cursor ?? (chart.from + chart.to) / 2;
  if (key === "Enter" && chart.start !== null && chart.cursor !== null) zoomTo(chart, Math.min(chart.start, chart.cursor), Math.max(chart.start, chart.cursor));
  else if (key === "+" || key === "=") zoomTo(chart, middle - span / 4, middle + span / 4);
  else if (key === "-") zoomTo(chart, middle - span, middle + span);
  else if (/^(Arrow|Page|Home|End)/.test(key)) {
    event.preventDefault();
    event.stopPropagation();
    await numbersOf(chart);
    const before = chart.cursor;
    const at = stepped(chart, event);
    if (at === null) return;
    chart.start = shiftKey ? (chart.start ?? before ?? at) : null;
    point(chart, at);
  }
}

/** @param {HTMLElement} figure */
function begin(figure) {
  const field = one(".field", figure);
  const { from, to, low, high, zone } = figure.dataset;
  if (!field || figures.has(figure)) return;
  const chart = { figure, field, zone: zone ?? "UTC", from: Number(from), to: Number(to), low: Number(low), high: Number(high), numbers: null, data: null, cursor: null, start: null, latest: /** @type {string[]} */ ([]) };
  chart.latest = legendBolds(chart).map((el) => el.textContent ?? "");
  figures.set(figure, chart);
  const attributes = { tabindex: "0", role: "slider", "aria-valuemin": from, "aria-valuemax": to, "aria-valuenow": to, "aria-valuetext": field.getAttribute("aria-label") ?? "" };
  for (const [name, value] of Object.entries(attributes)) field.setAttribute(name, value ?? "");
  field.setAttribute("aria-label", `${figure.getAttribute("aria-label") ?? "Chart"}, cursor`);
  listenToPointer(chart);
  field.addEventListener("keydown", (event) => event instanceof KeyboardEvent && void onChartKey(chart, event));
  field.addEventListener("blur", () => point(chart, null));
  for (const box of all("[data-line]", figure)) {
    const name = `${figure.id} ${box.parentElement?.title}`;
    if (box instanceof HTMLInputElement && linesOff.has(name)) box.checked = false;
    box.addEventListener("change", () => (box instanceof HTMLInputElement && box.checked ? linesOff.delete(name) : linesOff.add(name)));
  }
}

/** The figure of an element in it. @param {Element} el @returns {Figure | undefined} */
export function chartOf(el) {
  const figure = el.closest("[data-chart]");
  return figure ? figures.get(figure) : undefined;
}

/** Whether somebody reads there just now. @param {Element} set */
function chartInUse(set) {
  const active = document.activeElement;
  const busy = active && set.contains(active) && !typing(active) && active.matches(".field:focus-visible");
  return Boolean(busy || set.querySelector(".chart details[open]") || [...figures.values()].some(({ figure, cursor }) => cursor !== null && set.contains(figure)));
}

/** @param {HTMLElement} set */
async function renewCharts(set) {
  const box = set.getBoundingClientRect();
  if (document.hidden || box.bottom < 0 || box.top > innerHeight || set.hasAttribute("data-zoomed") || chartInUse(set)) return;
  try {
    const { part, response } = await fetchPart(set.dataset.src ?? "", set.id);
    if (response.ok && part && set.isConnected && !chartInUse(set)) swapIn(set, part);
  } catch {
    // The page says by itself when the link is lost.
  }
}

setInterval(() => {
  for (const figure of figures.keys()) if (!figure.isConnected) figures.delete(figure);
  for (const set of all("[data-charts]")) void renewCharts(set);
}, 15_000);

addEventListener("changed", (event) => {
  const refs = event instanceof CustomEvent ? event.detail : [];
  for (const set of all("[data-charts][data-refs]")) if ((set.dataset.refs ?? "").split(" ").some((ref) => refs.includes(ref))) void renewCharts(set);
});

enhance((root) => all("[data-chart]", root).forEach(begin));
