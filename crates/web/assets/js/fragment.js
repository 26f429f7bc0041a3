// Links and forms with data-swap="#id" replace one part of the page by the same part of the answer; parts with
// data-lazy fetch themselves when they come into view. Without script the same addresses give whole pages.
import { all, around, awaited, enhance, enhanced, make, one, say } from "./dom.js";

/**
 * Fetches `url` and returns the element with `id` from the answer (a whole page or only the part).
 * @param {string} url @param {string} id @param {RequestInit} [init]
 * @returns {Promise<{ part: HTMLElement | null, answer: Document, response: Response }>}
 */
export async function fetchPart(url, id, init = {}) {
  const headers = { "X-Fragment": id, Accept: "text/html" };
  const response = await fetch(url, { credentials: "same-origin", ...init, headers });
  const text = await response.text();
  const answer = new DOMParser().parseFromString(text, "text/html");
  return { part: answer.getElementById(id), answer, response };
}

/** Puts `part` where `old` is, keeping focus and ticks. @param {HTMLElement} old @param {HTMLElement} part */
export function swapIn(old, part) {
  const active = document.activeElement;
  const focusId = active instanceof HTMLElement && old.contains(active) ? active.id : "";
  const caret = active instanceof HTMLInputElement && focusId ? active.selectionStart : null;
  const ticked = new Set(all('input[name="ref"]:checked', old).map((el) => el.getAttribute("value")));
  old.replaceWith(part);
  for (const el of all('input[name="ref"]', part)) {
    if (el instanceof HTMLInputElement && ticked.has(el.value)) el.checked = true;
  }
  const again = focusId ? document.getElementById(focusId) : null;
  if (again) {
    again.focus({ preventScroll: true });
    if (again instanceof HTMLInputElement && caret !== null) again.setSelectionRange(caret, caret);
  }
  enhanced(part);
}

/** Shows what the answer says was done. @param {Document} answer */
export function takeFlash(answer) {
  const toast = answer.querySelector("#flash > *");
  const area = one("#flash");
  if (toast && area) area.replaceChildren(toast);
}

/** @type {AbortController | null} */
let swapping = null;

/**
 * @param {string} url @param {string} selector @param {{ push?: boolean, init?: RequestInit }} [options]
 * @returns {Promise<boolean>} whether the part was replaced
 */
export async function swap(url, selector, { push = true, init = {} } = {}) {
  const id = selector.replace(/^#/, "");
  const old = document.getElementById(id);
  if (!old) return false;
  const posting = init.method === "POST";
  if (!posting) swapping?.abort();
  const control = new AbortController();
  if (!posting) swapping = control;
  old.setAttribute("aria-busy", "true");
  try {
    const { part, answer, response } = await awaited(fetchPart(url, id, { ...init, signal: control.signal }));
    const landed = response.redirected ? response.url : url;
    if (!part) {
      if (posting && !response.ok) say(problemOf(answer, response));
      else location.assign(landed);
      return false;
    }
    swapIn(old, part);
    takeFlash(answer);
    if (push && (!posting || response.redirected)) {
      history.replaceState({ swap: id }, "");
      history.pushState({ swap: id }, "", landed);
      if (answer.title) document.title = answer.title;
    }
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return false;
    if (posting) say("The server did not answer. Look whether the change was saved before you try again.");
    else say("The server did not answer. What you see may be old; try again in a moment.");
    return false;
  } finally {
    old.removeAttribute("aria-busy");
  }
}

/** @param {Document} answer @param {Response} response */
function problemOf(answer, response) {
  const words = answer.querySelector('[role="alert"], h1')?.textContent?.trim();
  return words || `The server refused this (${response.status}). Nothing was changed.`;
}

/** @param {HTMLFormElement} form @param {HTMLElement | null} by */
function send(form, by) {
  const selector = by?.dataset.swap ?? form.dataset.swap ?? "";
  const data = new URLSearchParams();
  for (const [name, value] of new FormData(form, by)) if (typeof value === "string") data.append(name, value);
  const action = by?.getAttribute("formaction") || form.getAttribute("action") || location.href;
  const url = new URL(action, location.href);
  if (form.method === "get") {
    for (const [name, value] of [...data]) if (value === "") data.delete(name);
    url.search = data.toString();
    return swap(url.href, selector);
  }
  return swap(url.href, selector, { init: { method: "POST", body: data } });
}

document.addEventListener("click", (event) => {
  const link = around(event, "a[data-swap]");
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0 || link.origin !== location.origin) return;
  if (!one(link.dataset.swap ?? "")) return;
  event.preventDefault();
  void swap(link.href, link.dataset.swap ?? "");
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  const by = event.submitter;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented) return;
  const selector = by?.dataset.swap ?? form.dataset.swap;
  if (!selector || !one(selector) || form.enctype === "multipart/form-data") return;
  event.preventDefault();
  void send(form, by);
});

/** @type {ReturnType<typeof setTimeout> | undefined} */
let filterWait;

document.addEventListener("input", (event) => {
  const form = around(event, "form[data-filter]");
  if (!(form instanceof HTMLFormElement) || !form.dataset.swap) return;
  clearTimeout(filterWait);
  filterWait = setTimeout(() => form.isConnected && void send(form, null), 250);
});

addEventListener("popstate", (event) => {
  const id = event.state?.swap;
  if (typeof id === "string" && document.getElementById(id)) void swap(location.href, id, { push: false });
  else if (!location.hash) location.reload();
});

/** @param {HTMLElement} el */
async function load(el) {
  const url = el.dataset.lazy ?? "";
  el.setAttribute("aria-busy", "true");
  try {
    const { part, answer, response } = await fetchPart(url, el.id);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    if (!part && answer.body.childNodes.length === 0) {
      el.remove();
      return;
    }
    const fresh = part ?? make("div", { id: el.id }, ...answer.body.childNodes);
    swapIn(el, fresh);
  } catch (error) {
    const why = error instanceof TypeError ? "the server did not answer" : String(error instanceof Error ? error.message : error);
    const retry = make("a", { href: url, class: "btn small" }, "Try again");
    retry.addEventListener("click", (event) => {
      event.preventDefault();
      void load(el);
    });
    el.replaceChildren(make("p", { class: "problem", role: "status" }, `This part could not be loaded: ${why}.`, retry));
    el.removeAttribute("aria-busy");
  }
}

const inView = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || !(target instanceof HTMLElement)) continue;
      inView.unobserve(target);
      void load(target);
    }
  },
  { rootMargin: "200px" },
);

enhance((root) => all("[data-lazy]", root).forEach((el) => inView.observe(el)));
