// Keys: anything with data-key is pressed by it; ? lists them. Single letters work outside inputs and can be turned off.
import { actions, all, make, remember, typing } from "./dom.js";

let pending = "";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let pendingWait;

function lettersOff() {
  return document.body.dataset.keys === "off";
}

/** @param {HTMLElement} el */
function reachable(el) {
  if (el.closest("dialog:not([open])")) return false;
  return Boolean(el.closest("details.menu")) || el.checkVisibility();
}

/** @param {string} keys @returns {HTMLElement | undefined} */
function pressedBy(keys) {
  const open = document.querySelector("dialog[open]");
  return all("[data-key]", open ?? document).find((el) => el.dataset.key === keys && reachable(el));
}

/** @param {string} start */
function beginsAny(start) {
  return all("[data-key]").some((el) => (el.dataset.key ?? "").startsWith(`${start} `) && reachable(el));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "?" && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    showKeys();
    return;
  }
  if (event.key.length !== 1 || lettersOff()) return;
  const keys = pending ? `${pending} ${event.key}` : event.key;
  clearTimeout(pendingWait);
  pending = "";
  const el = pressedBy(keys);
  if (el) {
    event.preventDefault();
    el.click();
  } else if (beginsAny(keys)) {
    pending = keys;
    pendingWait = setTimeout(() => (pending = ""), 1200);
  }
});

/** @type {[string[], string][]} */
const fixedKeys = [
  [["Ctrl", "K"], "Search, go anywhere, run a command"],
  [["/"], "Filter this list"],
  [["j"], "Next row"],
  [["k"], "Row before"],
  [["x"], "Select the row; with Shift, all rows up to it"],
  [["Ctrl", "A"], "Select all rows shown, when a row has the focus"],
  [["Enter"], "Open the row"],
  [["Esc"], "Close, clear the selection"],
  [["?"], "This list"],
];

/** @param {HTMLElement} el */
function wordsOf(el) {
  const words = [...el.childNodes].filter((node) => !(node instanceof HTMLElement && node.tagName === "KBD"));
  return words.map((node) => node.textContent).join("").trim();
}

export function showKeys() {
  const list = make("dl", { class: "keymap" });
  const here = all("[data-key]").filter((el) => !el.closest("dialog"));
  /** @type {[string[], string][]} */
  const own = here.map((el) => [(el.dataset.key ?? "").split(" "), wordsOf(el)]);
  for (const [names, words] of [...fixedKeys, ...own]) {
    const keys = names.flatMap((name) => [make("kbd", {}, name), " "]);
    list.append(make("dt", {}, ...keys), make("dd", {}, words));
  }
  const box = make("input", { type: "checkbox", id: "keys-on" });
  if (box instanceof HTMLInputElement) box.checked = !lettersOff();
  box.addEventListener("change", () => {
    const on = box instanceof HTMLInputElement && box.checked;
    if (on) delete document.body.dataset.keys;
    else document.body.dataset.keys = "off";
    remember("keys", on ? "on" : "off");
  });
  const choice = make("div", { class: "check" }, box, make("label", { for: "keys-on" }, "Single-letter keys"));
  const close = make("button", { class: "btn small", type: "button", "data-do": "close" }, "Close");
  const dialog = make("dialog", { "aria-label": "Keys" }, make("div", { class: "head" }, make("h2", {}, "Keys"), close));
  dialog.append(make("div", { class: "in" }, list, choice));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}

actions.help = showKeys;
