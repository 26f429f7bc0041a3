// Draws one chart on its canvas: grid, bands, lines with their dashes, marks, cursor.
import { linesMax, lookOf, readable, roundStep, thinned, timeLabel, timeStep, timeTicks, valueAt } from "./chart-scale.js";

/** @typedef {import("./chart-scale.js").ChartData} ChartData */
/** @typedef {{ left: number, right: number, top: number, bottom: number, from: number, to: number, high: number, low: number }} Frame */
/** @typedef {{ lines: string[], dashes: number[][], grid: string, ink: string, tones: Record<string, string>, font: string }} Palette */

/** @param {string} name */
function dashOf(name) {
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return value === "none" || value === "" ? [] : value.split(/\s+/).map(Number);
}

/** The colour the style sheet gives a class. @param {HTMLElement} where @param {string} name */
function inkOf(where, name) {
  const probe = document.createElement("span");
  probe.className = name;
  probe.hidden = true;
  where.append(probe);
  const ink = getComputedStyle(probe).color;
  probe.remove();
  return ink;
}

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} figure @returns {Palette} */
export function paletteOf(canvas, figure) {
  const style = getComputedStyle(canvas);
  /** @type {Record<string, string>} */
  const tones = {};
  for (const tone of ["ok", "working", "warn", "critical", "info", "planned", "idle"]) tones[tone] = inkOf(figure, `t-${tone}`);
  return {
    lines: [1, 2, 3, 4].map((n) => inkOf(figure, `s${n}`)),
    dashes: [1, 2, 3, 4].map((n) => dashOf(`--dash-${n}`)),
    grid: style.borderTopColor,
    ink: style.color,
    tones,
    font: `11px ${style.fontFamily}`,
  };
}

/** Where things stand. Values start at zero unless they go below it; thresholds are in sight. @param {ChartData} data @param {number} width @param {number} height @returns {Frame & { step: number }} */
export function frameOf(data, width, height) {
  let low = 0;
  let high = 0;
  for (const { points } of data.series) {
    for (const [t, value] of points) {
      if (value === null || t < data.from || t > data.to) continue;
      if (value > high) high = value;
      if (value < low) low = value;
    }
  }
  for (const { value } of data.thresholds ?? []) {
    high = Math.max(high, value);
    low = Math.min(low, value);
  }
  const unit = data.series[0]?.unit ?? "";
  const percent = unit === "%" && high <= 100 && high > 60 && low >= 0;
  if (percent) high = 100;
  if (high === low) high = low + 1;
  const step = roundStep(high - low, 4, unit === "B" || unit === "bytes" ? 1024 : 10);
  high = Math.ceil(high / step - 1e-9) * step;
  low = Math.floor(low / step + 1e-9) * step;
  return { left: 44, right: width - 4, top: 8, bottom: height - 22, from: data.from, to: data.to, high, low, step };
}

/** @param {Frame} frame @param {number} at */
export function xOf(frame, at) {
  return frame.left + ((at - frame.from) / (frame.to - frame.from)) * (frame.right - frame.left);
}

/** @param {Frame} frame @param {number} value */
function yOf(frame, value) {
  return frame.bottom - ((value - frame.low) / (frame.high - frame.low)) * (frame.bottom - frame.top);
}

/** @param {CanvasRenderingContext2D} g @param {Frame & { step: number }} frame @param {Palette} palette @param {string} unit */
function drawGrid(g, frame, palette, unit) {
  g.font = palette.font;
  g.lineWidth = 1;
  g.setLineDash([]);
  g.textBaseline = "middle";
  g.textAlign = "end";
  const lines = Math.round((frame.high - frame.low) / frame.step);
  for (let i = 0; i <= lines; i += 1) {
    const value = frame.low + i * frame.step;
    const y = Math.round(yOf(frame, value)) + 0.5;
    g.strokeStyle = palette.grid;
    g.beginPath();
    g.moveTo(frame.left, y);
    g.lineTo(frame.right, y);
    g.stroke();
    g.fillStyle = palette.ink;
    const [number, word] = readable(value, unit);
    const scaled = unit !== "" && word !== unit && value !== 0;
    g.fillText(scaled ? `${number} ${word.replace(/i?[Bb](\/s)?$/, "").trim() || word}` : number, frame.left - 6, y);
  }
  g.textBaseline = "alphabetic";
  const step = timeStep(frame.to - frame.from, Math.max(2, Math.floor((frame.right - frame.left) / 90)));
  for (const at of timeTicks(frame.from, frame.to, step)) {
    const x = xOf(frame, at);
    const text = timeLabel(at, step);
    const half = g.measureText(text).width / 2;
    g.textAlign = x + half > frame.right ? "end" : x - half < frame.left ? "start" : "center";
    g.fillText(text, g.textAlign === "end" ? frame.right : Math.max(x, frame.left), frame.bottom + 15);
  }
}

/** @param {CanvasRenderingContext2D} g @param {ChartData} data @param {Frame} frame @param {Palette} palette */
function drawBands(g, data, frame, palette) {
  for (const band of data.bands ?? []) {
    const x = Math.max(frame.left, xOf(frame, band.from));
    const end = Math.min(frame.right, xOf(frame, band.to));
    if (end <= x) continue;
    g.fillStyle = palette.tones[band.tone ?? "idle"] ?? palette.ink;
    g.globalAlpha = 0.13;
    g.fillRect(x, frame.top, Math.max(2, end - x), frame.bottom - frame.top);
    g.globalAlpha = 1;
    g.fillRect(x, frame.bottom - 2, Math.max(2, end - x), 2);
  }
}

/** Where something begins to be wrong: a line across, and its words above it. @param {CanvasRenderingContext2D} g @param {ChartData} data @param {Frame} frame @param {Palette} palette */
function drawThresholds(g, data, frame, palette) {
  g.font = palette.font;
  g.textAlign = "end";
  for (const threshold of data.thresholds ?? []) {
    const y = Math.round(yOf(frame, threshold.value)) + 0.5;
    g.strokeStyle = palette.tones[threshold.tone ?? "critical"] ?? palette.ink;
    g.fillStyle = g.strokeStyle;
    g.globalAlpha = 0.06;
    g.fillRect(frame.left, frame.top, frame.right - frame.left, Math.max(0, y - frame.top));
    g.globalAlpha = 1;
    g.lineWidth = 1;
    g.setLineDash([6, 4]);
    g.beginPath();
    g.moveTo(frame.left, y);
    g.lineTo(frame.right, y);
    g.stroke();
    g.setLineDash([]);
    if (threshold.title) g.fillText(threshold.title, frame.right - 4, y - 4 < frame.top + 10 ? y + 12 : y - 4);
  }
}

/** @param {CanvasRenderingContext2D} g @param {ChartData} data @param {Frame} frame @param {Palette} palette @param {number | null} only */
function drawLines(g, data, frame, palette, only) {
  g.lineJoin = "round";
  const count = Math.min(data.series.length, linesMax);
  data.series.slice(0, linesMax).forEach((series, at) => {
    const [colour, dash] = lookOf(at);
    const points = thinned(series.points, frame.from, frame.to, Math.max(1, Math.floor(frame.right - frame.left)));
    g.strokeStyle = palette.lines[colour - 1] ?? palette.ink;
    g.fillStyle = g.strokeStyle;
    g.lineWidth = only === at ? 2.5 : 1.5;
    g.globalAlpha = only === null || only === at ? 1 : 0.2;
    g.setLineDash(palette.dashes[dash - 1] ?? []);
    /** @type {[number, number][]} */
    let run = [];
    const ground = (at === 0 && count <= 4 && only === null) || only === at ? yOf(frame, Math.max(0, frame.low)) : null;
    for (const [t, value] of points) {
      if (value !== null) run.push([xOf(frame, t), yOf(frame, value)]);
      else {
        drawRun(g, run, ground);
        run = [];
      }
    }
    drawRun(g, run, ground);
  });
  g.globalAlpha = 1;
  g.setLineDash([]);
}

/** One unbroken part of a line; a single point becomes a dot. @param {CanvasRenderingContext2D} g @param {[number, number][]} run @param {number | null} ground */
function drawRun(g, run, ground) {
  if (run.length === 0) return;
  g.beginPath();
  for (const [x, y] of run) g.lineTo(x, y);
  if (run.length === 1) {
    g.arc(run[0]?.[0] ?? 0, run[0]?.[1] ?? 0, 2, 0, 7);
    g.fill();
    return;
  }
  g.stroke();
  if (ground === null) return;
  const alpha = g.globalAlpha;
  g.lineTo(run.at(-1)?.[0] ?? 0, ground);
  g.lineTo(run[0]?.[0] ?? 0, ground);
  g.closePath();
  g.globalAlpha = 0.1;
  g.fill();
  g.globalAlpha = alpha;
}

/** @param {CanvasRenderingContext2D} g @param {ChartData} data @param {Frame} frame @param {Palette} palette */
function drawMarks(g, data, frame, palette) {
  for (const mark of data.marks ?? []) {
    const x = Math.round(xOf(frame, mark.at)) + 0.5;
    if (x < frame.left || x > frame.right) continue;
    g.strokeStyle = palette.tones[mark.tone ?? "info"] ?? palette.ink;
    g.fillStyle = g.strokeStyle;
    g.lineWidth = 1;
    g.setLineDash([3, 3]);
    g.beginPath();
    g.moveTo(x, frame.top);
    g.lineTo(x, frame.bottom);
    g.stroke();
    g.setLineDash([]);
    g.beginPath();
    g.moveTo(x, frame.top + 5);
    g.lineTo(x - 5, frame.top - 4);
    g.lineTo(x + 5, frame.top - 4);
    g.fill();
  }
}

/**
 * @param {HTMLCanvasElement} canvas @param {ChartData} data @param {Palette} palette
 * @param {number | null} cursor @param {[number, number] | null} drag @param {number | null} only the line that is looked at
 * @returns {Frame | null}
 */
export function drawChart(canvas, data, palette, cursor, drag, only) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const g = canvas.getContext("2d");
  if (!g || width === 0 || height === 0) return null;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  g.scale(ratio, ratio);
  const frame = frameOf(data, width, height);
  drawGrid(g, frame, palette, data.series[0]?.unit ?? "");
  drawBands(g, data, frame, palette);
  g.save();
  g.beginPath();
  g.rect(frame.left, 0, frame.right - frame.left, frame.bottom + 1);
  g.clip();
  drawThresholds(g, data, frame, palette);
  drawLines(g, data, frame, palette, only);
  drawMarks(g, data, frame, palette);
  g.restore();
  if (drag) {
    g.fillStyle = palette.lines[0] ?? palette.ink;
    g.globalAlpha = 0.18;
    g.fillRect(Math.min(...drag), frame.top, Math.abs(drag[1] - drag[0]), frame.bottom - frame.top);
    g.globalAlpha = 1;
  }
  if (cursor !== null) {
    const x = Math.round(xOf(frame, cursor)) + 0.5;
    g.strokeStyle = palette.ink;
    g.beginPath();
    g.moveTo(x, frame.top);
    g.lineTo(x, frame.bottom);
    g.stroke();
    drawDots(g, data, frame, palette, cursor);
  }
  return frame;
}

/** Where the cursor meets the lines. @param {CanvasRenderingContext2D} g @param {ChartData} data @param {Frame} frame @param {Palette} palette @param {number} cursor */
function drawDots(g, data, frame, palette, cursor) {
  data.series.slice(0, linesMax).forEach((series, at) => {
    const value = valueAt(series, cursor);
    if (value === null) return;
    g.fillStyle = palette.lines[lookOf(at)[0] - 1] ?? palette.ink;
    g.beginPath();
    g.arc(xOf(frame, cursor), yOf(frame, value), 3, 0, 7);
    g.fill();
  });
}
