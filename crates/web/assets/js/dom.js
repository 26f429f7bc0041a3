// Small things every module needs. All modules are joined into one file, so top-level names are unique across them.

/** @typedef {(el: HTMLElement, arg: string, event: Event) => void} Action */

/** What `data-do="name"` runs. @type {Record<string, Action>} */
export const actions = {};

/** @type {((root: ParentNode) => void)[]} */
const enhancers = [];

/** Runs `fn` on the document now and on every part that is swapped in later. @param {(root: ParentNode) => void} fn */
export function enhance(fn) {
  enhancers.push(fn);
  fn(document);
}

/** Tells the modules that `root` is new in the page. @param {ParentNode} root */
export function enhanced(root) {
  for (const fn of enhancers) fn(root);
}

/** @param {string} selector @param {ParentNode} [root] @returns {HTMLElement | null} */
export function one(selector, root = document) {
  return root.querySelector(selector);
}

/** All matches inside `root`, and `root` itself when it matches. @param {string} selector @param {ParentNode} [root] @returns {HTMLElement[]} */
export function all(selector, root = document) {
  const found = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);
  if (root instanceof HTMLElement && root.matches(selector)) found.unshift(root);
  return found;
}

/** The nearest match around where an event happened. @param {Event} event @param {string} selector @returns {HTMLElement | null} */
export function around(event, selector) {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

/** @param {string} tag @param {Record<string, string>} [attributes] @param {(Node | string)[]} children @returns {HTMLElement} */
export function make(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  el.append(...children);
  return el;
}

/** Remembers a choice for a year, where the server can read it. @param {string} name @param {string} value */
export function remember(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=31536000; samesite=lax${secure}`;
}

/** Whether the keys typed now are text. @param {EventTarget | null} target */
export function typing(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "submit"].includes(target.type);
}

/** Says a sentence at the foot of the page. @param {string} text */
export function say(text) {
  const area = one("#flash");
  if (!area) return;
  const toast = make("div", { class: "toast" }, make("span", {}, text));
  const button = make("button", { class: "btn small", type: "button", "data-do": "dismiss" }, "Dismiss");
  toast.append(button);
  area.replaceChildren(toast);
  setTimeout(() => toast.remove(), 9000);
}

let busyCount = 0;

/** Shows the line on top while something is awaited. @template T @param {Promise<T>} promise @returns {Promise<T>} */
export async function awaited(promise) {
  busyCount += 1;
  document.documentElement.classList.add("busy");
  try {
    return await promise;
  } finally {
    busyCount -= 1;
    if (busyCount === 0) document.documentElement.classList.remove("busy");
  }
}

/** `5 s`, `3 min`, `2 h`. @param {number} ms */
export function ageOf(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  return s < 3600 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`;
}
