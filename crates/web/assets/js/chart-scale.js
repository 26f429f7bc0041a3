// Arithmetic of charts: units and the points under a cursor. Pure functions. The server draws; this reads out.

/** @typedef {[number, number | null]} Point */
/** @typedef {{ name: string, unit?: string, points: Point[] }} Series */
/** @typedef {{ from: number, to: number, title?: string, tone?: string }} Band */
/** @typedef {{ at: number, title?: string, tone?: string }} Mark */
/** @typedef {{ from: number, to: number, series: Series[], bands?: Band[], marks?: Mark[] }} ChartData */

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
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) return value.toExponential(2);
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 5)));
}

const siPrefixes = ["", "k", "M", "G", "T", "P", "E"];

/** A value with its unit as people read it: bytes IEC, rates SI, times in the unit that fits. @param {number | null | undefined} value @param {string} [unit] */
export function readable(value, unit = "") {
  if (value === null || value === undefined) return "no value";
  return measured(value, unit).join(" ").trim();
}

/** @param {number} value @param {string} unit @returns {[string, string]} */
function measured(value, unit) {
  const size = Math.abs(value);
  if (unit === "B" || unit === "bytes") return prefixed(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]);
  if (unit === "B/s" || unit === "b/s" || unit === "bit/s") {
    const [number, prefix] = prefixed(value, 1000, siPrefixes);
    return [number, `${prefix}${unit === "B/s" ? "B/s" : "b/s"}`];
  }
  if (unit === "s" || unit === "seconds") {
    /** @type {[number, number, string][]} */
    const units = [[1e-3, 1e-6, "µs"], [1, 1e-3, "ms"], [120, 1, "s"], [7200, 60, "min"], [172_800, 3600, "h"]];
    const [, by, word] = (size === 0 ? undefined : units.find(([below]) => size < below)) ?? (size === 0 ? [0, 1, "s"] : [0, 86_400, "d"]);
    return [plain(value / by), word];
  }
  if (unit === "ms" && size >= 1000) return [plain(value / 1000), "s"];
  if (unit === "%" || unit === "ms" || size < 10_000) return [plain(value), unit];
  const [number, prefix] = prefixed(value, 1000, siPrefixes);
  return [number, `${prefix} ${unit}`.trim()];
}

/** The place of the point nearest to an instant, by halving; -1 where there is none. @param {Point[]} points @param {number} at */
export function nearest(points, at) {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.[0] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  const [right, left] = [points[low], points[low - 1]];
  return left && right && at - left[0] <= right[0] - at ? low - 1 : points.length ? low : -1;
}

/** The value at an instant: of the nearest point, unless that is further away than points usually are. @param {Point[]} points @param {number} at @param {number} reach */
export function valueAt(points, at, reach) {
  const point = points[nearest(points, at)];
  return point && Math.abs(point[0] - at) <= reach ? point[1] : null;
}

/** An instant as the clock of a zone shows it. @param {number} at @param {string} zone @param {boolean} day */
export function instantText(at, zone, day) {
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone };
  if (day) Object.assign(options, { day: "numeric", month: "short" });
  return new Date(at).toLocaleString("en-GB", options);
}

/** All points as rows: the instant, then what each line has at it. @param {Series[]} series @returns {[number, (number | null | undefined)[]][]} */
export function momentsOf(series) {
  /** @type {Map<number, (number | null | undefined)[]>} */
  const rows = new Map();
  series.forEach(({ points }, line) => {
    for (const [at, value] of points) {
      const row = rows.get(at) ?? [];
      row[line] = value;
      rows.set(at, row);
    }
  });
  return [...rows].sort(([a], [b]) => a - b);
}

/** @param {Series[]} series @returns {string} */
export function csvOf(series) {
  const quoted = (/** @type {string} */ text) => `"${(/^[=+@\-\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const head = ["time", ...series.map(({ name, unit }) => quoted(unit ? `${name}, ${unit}` : name))].join(",");
  const lines = momentsOf(series).map(([at, values]) => [new Date(at).toISOString(), ...series.map((_, line) => values[line] ?? "")].join(","));
  return [head, ...lines, ""].join("\n");
}
