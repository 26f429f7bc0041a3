// The frame: theme and row height, dialogs, confirmations, menus, copying, flashes.
import { actions, all, around, enhance, make, one, remember } from "./dom.js";

const html = document.documentElement;

actions.theme = () => {
  const dark = html.dataset.theme ? html.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  html.dataset.theme = dark ? "light" : "dark";
  remember("theme", html.dataset.theme);
  dispatchEvent(new Event("themechange"));
};

actions.density = () => {
  const roomy = html.dataset.density !== "roomy";
  if (roomy) html.dataset.density = "roomy";
  else delete html.dataset.density;
  remember("density", roomy ? "roomy" : "compact");
};

actions.close = (el) => el.closest("dialog")?.close();
actions.dismiss = (el) => el.closest(".toast")?.remove();

actions.copy = (el) => {
  const text = el.dataset.arg || one("code", el.parentElement ?? document)?.textContent || "";
  void navigator.clipboard.writeText(text).then(() => {
    el.setAttribute("title", "Copied");
  });
};

// A dialog that the server opened holds a form that was refused: it stands over the page as before.
for (const dialog of all("dialog[open]")) {
  if (!(dialog instanceof HTMLDialogElement)) continue;
  dialog.close();
  dialog.showModal();
  one("[autofocus]", dialog)?.focus();
}

document.addEventListener("click", (event) => {
  const opener = around(event, "[data-open]");
  const dialog = opener && document.getElementById(opener.dataset.open ?? "");
  if (dialog instanceof HTMLDialogElement) {
    event.preventDefault();
    dialog.showModal();
    one("[autofocus], input:not([type=hidden]), select, textarea", dialog)?.focus();
    return;
  }
  const el = around(event, "[data-do]");
  const action = el && actions[el.dataset.do ?? ""];
  if (el && action) {
    event.preventDefault();
    action(el, el.dataset.arg ?? "", event);
  }
  for (const menu of all("details.menu[open]")) {
    if (!(event.target instanceof Node && menu.contains(event.target))) menu.removeAttribute("open");
  }
  if (event.target instanceof HTMLDialogElement) closeFromOutside(event.target, event);
});

/** @param {HTMLDialogElement} dialog @param {MouseEvent} event */
function closeFromOutside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside) dialog.close();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of all("details.menu[open]")) {
    menu.removeAttribute("open");
    one("summary", menu)?.focus();
  }
});

/** Asks before what cannot be undone. @param {string} question @param {string} verb @returns {Promise<boolean>} */
export function ask(question, verb) {
  const yes = make("button", { class: "btn danger", value: "yes" }, verb);
  const form = make("form", { method: "dialog" }, make("div", { class: "in" }, make("p", {}, question)));
  form.append(make("div", { class: "foot" }, make("button", { class: "btn", value: "no", autofocus: "" }, "Cancel"), yes));
  const dialog = make("dialog", { "aria-label": question }, form);
  document.body.append(dialog);
  if (!(dialog instanceof HTMLDialogElement)) return Promise.resolve(false);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

/** @type {WeakSet<Element>} */
const asked = new WeakSet();

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    const by = event.submitter;
    if (!(form instanceof HTMLFormElement) || asked.delete(form)) return;
    const question = by?.dataset.confirm ?? form.dataset.confirm;
    if (!question) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    void ask(question, by?.textContent?.trim() || "Continue").then((yes) => {
      if (!yes) return;
      asked.add(form);
      form.requestSubmit(by);
    });
  },
  true,
);

// Tabs that do not fit scroll: the one that is shown is in view.
enhance((root) => {
  for (const tab of all(".tabs > [aria-current]", root)) {
    const bar = tab.parentElement;
    if (bar && tab instanceof HTMLElement && tab.offsetLeft + tab.offsetWidth > bar.offsetLeft + bar.clientWidth) bar.scrollLeft = tab.offsetLeft - bar.offsetLeft - 48;
  }
});

enhance((root) => {
  for (const toast of all("[data-toast]", root)) {
    if (!one("form", toast)) setTimeout(() => toast.remove(), 8000);
  }
});
