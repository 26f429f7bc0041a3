// Arithmetic of charts: round steps, units, thinning of points. Pure functions.

/** @typedef {[number, number | null]} Point */
/** @typedef {{ name: string, unit?: string, points: Point[] }} Series */
/** @typedef {{ from: number, to: number, title?: string, tone?: string }} Band */
/** @typedef {{ at: number, title?: string, tone?: string }} Mark */
/** @typedef {{ value: number, title?: string, tone?: string }} Threshold */
/** @typedef {{ from: number, to: number, series: Series[], bands?: Band[], marks?: Mark[], thresholds?: Threshold[], notes?: string[] }} ChartData */

/** Most lines of a figure; more would be a thicket. */
export const linesMax = 16;

/** Colour and dash of a line, from 1: four colours, then the same with the next dash. @param {number} index @returns {[number, number]} */
export function lookOf(index) {
  return [(index % 4) + 1, ((index + Math.floor(index / 4)) % 4) + 1];
}

/** Every instant at which a line has a point, in order. @param {Series[]} series @returns {number[]} */
export function instants(series) {
  const found = new Set(series.flatMap(({ points }) => points.filter(([, value]) => value !== null).map(([at]) => at)));
  return [...found].sort((a, b) => a - b);
}

/** The value at an instant, if there is a point as near as points usually are. @param {Series} series @param {number} at @returns {number | null} */
export function valueAt(series, at) {
  const point = nearest(series.points, at);
  const [first, last] = [series.points[0], series.points.at(-1)];
  if (!point || !first || !last) return null;
  const usual = (last[0] - first[0]) / Math.max(1, series.points.length - 1);
  return Math.abs(point[0] - at) <= Math.max(usual, 1) ? point[1] : null;
}

/** A step of 1, 2 or 5 times a power of `base` such that about `count` of them span `range`. @param {number} range @param {number} count @param {number} base */
export function roundStep(range, count, base) {
  const rough = range / count;
  const power = base ** Math.floor(Math.log(rough) / Math.log(base));
  const choices = base === 1024 ? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] : [1, 2, 2.5, 5, 10];
  return power * (choices.find((choice) => choice * power >= rough) ?? base);
}

/** Steps of time that people read. */
const timeSteps = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000];

/** @param {number} ms @param {number} count */
export function timeStep(ms, count) {
  const rough = ms / 1000 / count;
  return 1000 * (timeSteps.find((step) => step >= rough) ?? Math.ceil(rough / 2592000) * 2592000);
}

/** Instants on round local times. @param {number} from @param {number} to @param {number} step @returns {number[]} */
export function timeTicks(from, to, step) {
  const shift = new Date(from).getTimezoneOffset() * 60_000;
  const marks = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) marks.push(at);
  return marks;
}

/** @param {number} at @param {number} step */
export function timeLabel(at, step) {
  const date = new Date(at);
  if (step >= 86_400_000) return date.toLocaleDateString([], { day: "numeric", month: "short" });
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (step < 60_000) options.second = "2-digit";
  return date.toLocaleTimeString([], options);
}

/** @param {number} value @param {number} step @param {string[]} prefixes @returns {[string, string]} */
function prefixed(value, step, prefixes) {
  let power = 0;
  let scaled = Math.abs(value);
  while (scaled >= step && power < prefixes.length - 1) {
    scaled /= step;
    power += 1;
  }
  return [plain(scaled * Math.sign(value)), prefixes[power] ?? ""];
}

/** Three digits or so, without a tail of zeros. @param {number} value */
function plain(value) {
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
  return String(Number(value.toFixed(digits)));
}

const siPrefixes = ["", "k", "M", "G", "T", "P"];

/** A value and its unit as people read them: bytes IEC, rates SI. @param {number} value @param {string} [unit] @returns {[string, string]} */
export function readable(value, unit = "") {
  if (unit === "B" || unit === "bytes") return prefixed(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
  if (unit === "B/s" || unit === "b/s" || unit === "bit/s") {
    const [number, prefix] = prefixed(value, 1000, siPrefixes);
    return [number, `${prefix}${unit === "B/s" ? "B/s" : "b/s"}`];
  }
  if (unit === "s" && value !== 0) {
    const size = Math.abs(value);
    if (size < 0.001) return [plain(value * 1e6), "µs"];
    if (size < 1) return [plain(value * 1000), "ms"];
    if (size >= 172_800) return [plain(value / 86_400), "d"];
    if (size >= 7200) return [plain(value / 3600), "h"];
    return size >= 120 ? [plain(value / 60), "min"] : [plain(value), "s"];
  }
  if (unit === "%" || unit === "ms" || Math.abs(value) < 10_000) return [plain(value), unit];
  const [number, prefix] = prefixed(value, 1000, siPrefixes);
  return [number, prefix && unit ? `${prefix} ${unit}` : prefix || unit];
}

/** At most four points a pixel column: first, lowest, highest, last. Gaps stay. @param {Point[]} points @param {number} from @param {number} to @param {number} columns @returns {Point[]} */
export function thinned(points, from, to, columns) {
  if (points.length <= columns * 4) return points;
  /** @type {Point[]} */
  const kept = [];
  const width = (to - from) / columns;
  let at = 0;
  while (at < points.length) {
    const column = Math.floor(((points[at]?.[0] ?? 0) - from) / width);
    const first = at;
    let low = at;
    let high = at;
    let gap = -1;
    for (; at < points.length; at += 1) {
      const [t, value] = points[at] ?? [0, null];
      if (Math.floor((t - from) / width) !== column) break;
      if (value === null) gap = at;
      else {
        if (value < (points[low]?.[1] ?? Infinity)) low = at;
        if (value > (points[high]?.[1] ?? -Infinity)) high = at;
      }
    }
    const wanted = new Set([first, low, high, gap, at - 1].filter((i) => i >= 0));
    for (const i of [...wanted].sort((a, b) => a - b)) {
      const point = points[i];
      if (point) kept.push(point);
    }
  }
  return kept;
}

/** The point nearest to an instant, by halving. @param {Point[]} points @param {number} at @returns {Point | undefined} */
export function nearest(points, at) {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.[0] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  const right = points[low];
  const left = points[low - 1];
  if (!left || !right) return right ?? left;
  return at - left[0] <= right[0] - at ? left : right;
}
