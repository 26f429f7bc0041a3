// Ctrl K: places, recent pages and commands at once from the page, then what the server finds.
import { actions, all, around, make, one } from "./dom.js";

/** @typedef {{ title: string, hint?: string, href?: string, group?: string, tone?: string, run?: () => void }} Hit */

/** @type {HTMLDialogElement | null} */
let palette = null;
/** @type {Hit[]} */
let hits = [];
let chosen = 0;
/** @type {AbortController | null} */
let asking = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let askWait;

/** @returns {Hit[]} */
function places() {
  const nav = all(".nav li a").map((a) => ({ title: one(".clip", a)?.textContent ?? "", href: a.getAttribute("href") ?? "#", group: "Places" }));
  const made = all(".top .menu a.item").map((a) => ({
    title: `New ${(one("span", a)?.textContent ?? "").toLowerCase()}`,
    href: a.getAttribute("href") ?? "#",
    hint: a.dataset.key ?? "",
    group: "Actions",
  }));
  return [...nav, ...made];
}

/** @returns {Hit[]} */
function commands() {
  const press = (/** @type {string} */ name) => () => actions[name]?.(document.body, "", new Event("command"));
  return [
    { title: "Switch between light and dark", group: "Commands", run: press("theme") },
    { title: "Switch row height", group: "Commands", run: press("density") },
    { title: "Show all keys", hint: "?", group: "Commands", run: press("help") },
    { title: "Print this page", hint: "Ctrl P", group: "Commands", run: () => print() },
  ];
}

/** @returns {Hit[]} */
function recent() {
  try {
    const seen = JSON.parse(localStorage.getItem("recent") ?? "[]");
    return seen.filter((/** @type {Hit} */ hit) => hit.href !== location.pathname + location.search).slice(0, 6);
  } catch {
    return [];
  }
}

function notePage() {
  const title = one("main h1")?.textContent?.trim();
  if (!title || !one(".app")) return;
  const here = { title, href: location.pathname + location.search, group: "Recent" };
  const others = recent().filter((hit) => hit.href !== here.href);
  try {
    localStorage.setItem("recent", JSON.stringify([here, ...others].slice(0, 8)));
  } catch {
    // Storage may be full or forbidden; the list of recent pages is a convenience.
  }
}

/** @param {string} query @returns {Hit[]} */
function local(query) {
  if (query === "") return [...recent(), ...places()];
  const command = query.startsWith(">");
  if (/^[#@?]/.test(query)) return [];
  const word = query.replace(/^>\s*/, "").toLowerCase();
  const from = command ? commands() : [...places(), ...commands()];
  return from.filter((hit) => hit.title.toLowerCase().includes(word));
}

function build() {
  const glass = document.querySelector(".search svg")?.cloneNode(true);
  const input = make("input", { type: "text", role: "combobox", "aria-label": "Search or run a command", "aria-expanded": "true",
    "aria-controls": "palette-hits", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", placeholder: "Search or run a command", maxlength: "200" });
  const keys = make("div", { class: "keys", "aria-hidden": "true" });
  /** @type {[string, string][]} */
  const hints = [["↑ ↓", "move"], ["Enter", "open"], ["Ctrl+Enter", "new tab"], [">", "commands"], ["#", "tickets"], ["@", "people"], ["?", "answers"]];
  for (const [names, word] of hints) {
    keys.append(make("span", {}, ...names.split(" ").map((name) => make("kbd", {}, name)), ` ${word}`));
  }
  const line = make("div", { class: "ask-line" }, ...(glass ? [glass] : []), input, make("kbd", {}, "Esc"));
  const list = make("div", { class: "hits", id: "palette-hits", role: "listbox", "aria-label": "Results" });
  const dialog = make("dialog", { class: "palette", "aria-label": "Search" }, line, list, keys);
  if (!(dialog instanceof HTMLDialogElement) || !(input instanceof HTMLInputElement)) return null;
  input.addEventListener("input", () => look(input.value.trim()));
  input.addEventListener("keydown", steer);
  list.addEventListener("click", (event) => {
    const at = around(event, "[data-at]")?.dataset.at;
    if (at !== undefined) open(Number(at), event.ctrlKey || event.metaKey, event);
  });
  document.body.append(dialog);
  return dialog;
}

/** @param {KeyboardEvent} event */
function steer(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && hits.length > 0) {
    event.preventDefault();
    chosen = (chosen + step + hits.length) % hits.length;
    mark();
  } else if (event.key === "Enter") {
    event.preventDefault();
    open(chosen, event.ctrlKey || event.metaKey, event);
  }
}

/** @param {number} at @param {boolean} newTab @param {Event} event */
function open(at, newTab, event) {
  const hit = hits[at];
  if (!hit || (newTab && event.type === "click" && hit.href)) return;
  event.preventDefault();
  palette?.close();
  if (hit.run) hit.run();
  else if (hit.href) newTab ? window.open(hit.href, "_blank", "noopener") : location.assign(hit.href);
}

/** @param {string} query */
function look(query) {
  asking?.abort();
  clearTimeout(askWait);
  show(local(query), query, query === "" ? "" : "Looking …");
  if (query === "") return;
  askWait = setTimeout(() => void askServer(query), 90);
}

/** @param {string} query */
async function askServer(query) {
  asking = new AbortController();
  try {
    const response = await fetch(`/_palette?q=${encodeURIComponent(query)}`, { signal: asking.signal, headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(String(response.status));
    const body = await response.json();
    const found = Array.isArray(body.items) ? body.items : [];
    const all = [...found, ...local(query)];
    show(all, query, all.length > 0 ? "" : "Nothing found. Try fewer letters, an address, a serial or a tag number.");
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    show(local(query), query, "The server did not answer, so only places and commands are searched.");
  }
}

/** Only paths of this server are followed. @param {string | undefined} href */
function ownPath(href) {
  return href && href.startsWith("/") && !href.startsWith("//") ? href : undefined;
}

/** @param {Hit[]} found @param {string} query @param {string} note */
function show(found, query, note) {
  const list = palette && one(".hits", palette);
  if (!list) return;
  hits = found.slice(0, 40).map((hit) => ({ ...hit, href: ownPath(hit.href) }));
  chosen = 0;
  list.replaceChildren();
  let group = "";
  hits.forEach((hit, at) => {
    if (hit.group && hit.group !== group) {
      group = hit.group;
      list.append(make("div", { class: "group", role: "presentation" }, group));
    }
    const row = make("a", { class: "hit", role: "option", id: `hit-${at}`, "data-at": String(at), tabindex: "-1" });
    if (hit.href) row.setAttribute("href", hit.href);
    row.append(make("span", { class: "clip" }, ...lit(String(hit.title), query)));
    if (hit.hint) row.append(make("span", { class: "hint clip" }, String(hit.hint)));
    list.append(row);
  });
  if (note) list.append(make("p", { class: "note", role: "status" }, note));
  mark();
}

/** The title with the query underlined. @param {string} title @param {string} query @returns {(Node | string)[]} */
function lit(title, query) {
  const word = query.replace(/^[>#@?]\s*/, "").toLowerCase();
  const at = word ? title.toLowerCase().indexOf(word) : -1;
  if (at < 0 || title.toLowerCase().length !== title.length) return [title];
  return [title.slice(0, at), make("mark", {}, title.slice(at, at + word.length)), title.slice(at + word.length)];
}

function mark() {
  if (!palette) return;
  const input = one("input", palette);
  all(".hit", palette).forEach((row, at) => {
    row.setAttribute("aria-selected", String(at === chosen));
    if (at === chosen) row.scrollIntoView({ block: "nearest" });
  });
  if (hits.length > 0) input?.setAttribute("aria-activedescendant", `hit-${chosen}`);
  else input?.removeAttribute("aria-activedescendant");
}

function openPalette() {
  palette ??= build();
  const input = palette && one("input", palette);
  if (!palette || !(input instanceof HTMLInputElement) || palette.open) return;
  palette.showModal();
  input.select();
  look(input.value.trim());
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k" && one(".app, .portal")) {
    event.preventDefault();
    openPalette();
  }
});

document.addEventListener("click", (event) => {
  if (!around(event, "[data-palette]") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  openPalette();
});

notePage();
