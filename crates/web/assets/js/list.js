// Lists by keyboard and mouse: j/k move, x ticks, Shift takes a range, Enter opens; the bulk bar counts.
import { actions, all, around, enhance, one, typing } from "./dom.js";

/** @type {HTMLInputElement | null} */
let lastTicked = null;

/** The list the keys work on: the one with the focus, else the first. @returns {HTMLElement | null} */
function currentList() {
  return document.activeElement?.closest("[data-list]") ?? one("[data-list]");
}

/** @param {HTMLElement} list */
function rowsOf(list) {
  return all("tr[data-row]", list);
}

/** @param {ParentNode} scope @returns {HTMLInputElement[]} */
function ticksOf(scope) {
  return all('input[name="ref"]', scope).filter((el) => el instanceof HTMLInputElement);
}

/** @param {HTMLElement} list */
function countTicks(list) {
  const ticks = ticksOf(list);
  const on = ticks.filter((tick) => tick.checked).length;
  const label = one("[data-count]", list);
  if (label) label.textContent = `${on} selected`;
  const everything = one("[data-all]", list);
  if (everything instanceof HTMLInputElement) {
    everything.checked = on > 0 && on === ticks.length;
    everything.indeterminate = on > 0 && on < ticks.length;
  }
}

/** Ticks every row between the last one ticked and `tick`. @param {HTMLElement} list @param {HTMLInputElement} tick */
function tickRange(list, tick) {
  const ticks = ticksOf(list);
  const from = lastTicked ? ticks.indexOf(lastTicked) : -1;
  const to = ticks.indexOf(tick);
  if (from < 0 || to < 0) return;
  for (const other of ticks.slice(Math.min(from, to), Math.max(from, to) + 1)) other.checked = tick.checked;
}

document.addEventListener("click", (event) => {
  const list = around(event, "[data-list]");
  if (!list) return;
  const target = event.target;
  if (target instanceof HTMLInputElement && target.name === "ref") {
    if (event.shiftKey) tickRange(list, target);
    lastTicked = target;
    countTicks(list);
  } else if (target instanceof HTMLInputElement && "all" in target.dataset) {
    for (const tick of ticksOf(list)) tick.checked = target.checked;
    countTicks(list);
  } else {
    openFromClick(event);
  }
});

/** @param {MouseEvent} event */
function openFromClick(event) {
  const row = around(event, "tr[data-row]");
  if (!row?.dataset.href || event.defaultPrevented || around(event, "a, button, label, input, select, summary")) return;
  if (getSelection()?.toString()) return;
  if (event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank", "noopener");
  else location.assign(row.dataset.href);
}

actions.clear = (el) => {
  const list = el.closest("[data-list]");
  if (!(list instanceof HTMLElement)) return;
  for (const tick of ticksOf(list)) tick.checked = false;
  countTicks(list);
};

/** @param {HTMLElement} list @param {number} step */
function moveRow(list, step) {
  const rows = rowsOf(list);
  const active = document.activeElement?.closest("tr[data-row]");
  const at = rows.findIndex((row) => row === active);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement} list @param {boolean} range */
function tickRow(list, range) {
  const row = document.activeElement?.closest("tr[data-row]");
  const tick = row && one('input[name="ref"]', row);
  if (!(tick instanceof HTMLInputElement)) return;
  tick.checked = !tick.checked;
  if (range) tickRange(list, tick);
  lastTicked = tick;
  countTicks(list);
}

/** @param {HTMLElement} list @param {KeyboardEvent} event @returns {boolean} whether the key was taken */
function listKey(list, event) {
  const onRow = document.activeElement instanceof HTMLElement && document.activeElement.matches("tr[data-row]") ? document.activeElement : null;
  if ((event.ctrlKey || event.metaKey) && event.key === "a" && onRow) {
    for (const tick of ticksOf(list)) tick.checked = true;
    countTicks(list);
    return true;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "Enter" && onRow?.dataset.href) {
    location.assign(onRow.dataset.href);
    return true;
  }
  if (event.key === "Escape" && ticksOf(list).some((tick) => tick.checked)) {
    actions.clear?.(list, "", event);
    return true;
  }
  if (onRow && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    moveRow(list, event.key === "ArrowDown" ? 1 : -1);
    return true;
  }
  if (document.body.dataset.keys === "off") return false;
  if (event.key === "j" || event.key === "k") moveRow(list, event.key === "j" ? 1 : -1);
  else if (event.key === "x" || event.key === "X") tickRow(list, event.shiftKey);
  else return false;
  return true;
}

document.addEventListener(
  "keydown",
  (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (typing(event.target)) {
      if (event.key === "Escape" && event.target instanceof HTMLElement && event.target.closest("[data-filter]")) event.target.blur();
      return;
    }
    if (event.key === "/" && !event.ctrlKey && !event.metaKey) {
      const box = one("[data-filter] input[type=search]");
      if (!(box instanceof HTMLInputElement)) return;
      event.preventDefault();
      box.focus();
      box.select();
      return;
    }
    const list = currentList();
    if (list && listKey(list, event)) event.preventDefault();
  },
  true,
);

enhance((root) => all("[data-list]", root).forEach(countTicks));
