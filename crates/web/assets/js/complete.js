// Completion of questions in PromQL: metrics, labels, their values, functions. A field with data-promql asks for names at
// the addresses that Grafana asks too; without script it is a plain field with the metrics' names.
import { actions, all, enhance, make, say } from "./dom.js";

/** @typedef {{ start: number, word: string, kind: "name" | "label" | "value" | "none", label: string, metric: string }} Place */
/** @typedef {{ field: HTMLInputElement, list: HTMLElement, functions: string[], items: string[], at: number, place: Place | null, asked: number }} Completion */

const completionsMax = 12;
const apiOfNames = "/prometheus/api/v1";

/** Where in a question the cursor is, and what may stand there. @param {string} text @param {number} cursor @returns {Place} */
export function placeIn(text, cursor) {
  const before = text.slice(0, cursor);
  const open = before.lastIndexOf("{");
  const inBraces = open > before.lastIndexOf("}");
  const metric = /([a-zA-Z_:][a-zA-Z0-9_:]*)\s*$/.exec(inBraces ? before.slice(0, open) : "")?.[1] ?? "";
  const value = /([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)\s*"([^"]*)$/.exec(before);
  if (inBraces && value) {
    const word = value[2] ?? "";
    return { start: cursor - word.length, word, kind: "value", label: value[1] ?? "", metric };
  }
  const quotes = (before.match(/"/g) ?? []).length;
  const word = /[a-zA-Z_:][a-zA-Z0-9_:]*$/.exec(before)?.[0] ?? "";
  const start = cursor - word.length;
  if (quotes % 2 === 1) return { start: cursor, word: "", kind: "none", label: "", metric };
  const grouped = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*$/.test(before);
  if (inBraces || grouped) return { start, word, kind: "label", label: "", metric };
  return { start, word, kind: word.length > 0 ? "name" : "none", label: "", metric };
}

/** The best of many: those that begin with the word, then those that hold it. @param {string[]} names @param {string} word */
export function fitting(names, word) {
  const small = word.toLowerCase();
  const fits = names.filter((name) => name.toLowerCase().includes(small) && name !== word);
  const rank = (/** @type {string} */ name) => (name.toLowerCase().startsWith(small) ? 0 : 1);
  return fits.sort((a, b) => rank(a) - rank(b) || a.length - b.length || (a < b ? -1 : 1)).slice(0, completionsMax);
}

/** @type {Map<string, Promise<string[]>>} */
const namesKnown = new Map();

/** @param {string} path @returns {Promise<string[]>} */
function namesAt(path) {
  const known = namesKnown.get(path);
  if (known) return known;
  const asked = fetch(path, { headers: { Accept: "application/json" }, credentials: "same-origin" })
    .then((response) => (response.ok ? response.json() : { data: [] }))
    .then((body) => (Array.isArray(body.data) ? body.data.map(String) : []))
    .catch(() => []);
  namesKnown.set(path, asked);
  setTimeout(() => namesKnown.delete(path), 60_000);
  return asked;
}

/** @param {Completion} one @param {Place} place @returns {Promise<string[]>} */
async function candidates(one, place) {
  const match = place.metric ? `?match[]=${encodeURIComponent(place.metric)}` : "";
  if (place.kind === "value") return namesAt(`${apiOfNames}/label/${encodeURIComponent(place.label)}/values${match}`);
  if (place.kind === "label") return (await namesAt(`${apiOfNames}/labels${match}`)).filter((name) => name !== "__name__");
  return [...one.functions, ...(await namesAt(`${apiOfNames}/label/__name__/values`))];
}

/** @param {Completion} one */
async function suggest(one) {
  const cursor = one.field.selectionStart ?? one.field.value.length;
  const place = placeIn(one.field.value, cursor);
  one.asked += 1;
  const asked = one.asked;
  const names = place.kind === "none" ? [] : await candidates(one, place);
  if (asked !== one.asked) return;
  one.place = place;
  showItems(one, fitting(names, place.word), names.includes(place.word));
}

/** The first one is chosen, unless what stands there is a whole name already: then Enter asks. @param {Completion} one @param {string[]} items @param {boolean} whole */
function showItems(one, items, whole = false) {
  one.items = items;
  one.at = items.length > 0 && !whole ? 0 : -1;
  one.list.hidden = items.length === 0;
  one.field.setAttribute("aria-expanded", String(items.length > 0));
  one.list.replaceChildren(
    ...items.map((name, index) => {
      const isFunction = one.functions.includes(name) && one.place?.kind === "name";
      const item = make("li", { role: "option", id: `${one.list.id}-${index}` }, make("span", { class: "mono" }, name));
      if (isFunction) item.append(make("span", { class: "muted" }, "function"));
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        takeItem(one, index);
      });
      return item;
    }),
  );
  markItem(one);
}

/** @param {Completion} one */
function markItem(one) {
  all("li", one.list).forEach((item, index) => item.setAttribute("aria-selected", String(index === one.at)));
  const chosen = one.list.children[one.at];
  if (chosen) {
    chosen.scrollIntoView({ block: "nearest" });
    one.field.setAttribute("aria-activedescendant", chosen.id);
  } else one.field.removeAttribute("aria-activedescendant");
}

/** @param {Completion} one @param {number} index */
function takeItem(one, index) {
  const name = one.items[index];
  const { field, place } = one;
  if (name === undefined || !place) return;
  const cursor = field.selectionStart ?? field.value.length;
  const isCall = place.kind === "name" && one.functions.includes(name);
  const rest = field.value.slice(cursor);
  const text = isCall && !rest.startsWith("(") ? `${name}(` : name;
  field.value = field.value.slice(0, place.start) + text + rest;
  field.setSelectionRange(place.start + text.length, place.start + text.length);
  showItems(one, []);
}

/** @param {Completion} one @param {KeyboardEvent} event */
function onCompletionKey(one, event) {
  if (event.key === " " && event.ctrlKey) {
    event.preventDefault();
    void suggest(one);
    return;
  }
  if (one.list.hidden) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    one.at = one.at < 0 ? (step > 0 ? 0 : one.items.length - 1) : (one.at + step + one.items.length) % one.items.length;
    markItem(one);
  } else if (one.at >= 0 && (event.key === "Enter" || event.key === "Tab")) takeItem(one, one.at);
  else if (event.key === "Escape") showItems(one, []);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** @param {HTMLElement} field */
function beginCompletion(field) {
  if (!(field instanceof HTMLInputElement) || field.getAttribute("role") === "combobox") return;
  const id = `complete-${field.name}`;
  const list = make("ul", { class: "complete", role: "listbox", id, "aria-label": "Suggestions" });
  list.hidden = true;
  field.removeAttribute("list");
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id }))
    field.setAttribute(name, value);
  field.after(list);
  /** @type {Completion} */
  const one = { field, list, functions: (field.dataset.promql ?? "").split(" ").filter(Boolean), items: [], at: -1, place: null, asked: 0 };
  field.addEventListener("input", () => void suggest(one));
  field.addEventListener("keydown", (event) => onCompletionKey(one, event));
  field.addEventListener("blur", () => showItems(one, []));
}

enhance((root) => all("[data-promql]", root).forEach(beginCompletion));

/** The address of the page with its time fixed: a span up to now is another one when somebody opens the link. */
function fixedAddress() {
  const address = new URL(location.href);
  const minutes = Number(address.searchParams.get("minutes") ?? 60);
  if (!address.searchParams.has("from") && minutes > 0) {
    const now = Date.now();
    address.searchParams.set("from", String(now - minutes * 60_000));
    address.searchParams.set("to", String(now));
  }
  return address.href;
}

actions["copy-link"] = () => {
  const done = () => say("The link is copied: it shows this question for this time.");
  void navigator.clipboard.writeText(fixedAddress()).then(done, () => say("This browser gives no access to the clipboard here. The address of the page is the link."));
};
