// One event stream for the page. `changed` carries refs; parts with data-live that name one of them fetch themselves
// again. The stream is closed while the page is hidden, so that many open tabs do not use up the browser's connections.
import { ageOf, all, one, typing } from "./dom.js";
import { fetchPart, swapIn } from "./fragment.js";

/** @type {EventSource | null} */
let stream = null;
let heardAt = Date.now();
let ticks = false;
let lost = false;
/** @type {Set<string>} */
const changedRefs = new Set();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let changedWait;

/** Whether a person is in the middle of something there. @param {HTMLElement} el */
function inUse(el) {
  const active = document.activeElement;
  if (active instanceof HTMLElement && el.contains(active) && typing(active) && !active.closest("[data-filter]")) return true;
  return Boolean(el.querySelector("dialog[open], details.menu[open]"));
}

/** @param {HTMLElement} el */
async function renew(el) {
  if (!el.id || !el.isConnected) return;
  if (inUse(el)) {
    el.addEventListener("focusout", () => setTimeout(() => void renew(el), 400), { once: true });
    return;
  }
  try {
    const { part, response } = await fetchPart(el.dataset.src || location.href, el.id);
    if (response.ok && part && el.isConnected) swapIn(el, part);
    else if (response.status === 404 || response.status === 401) el.setAttribute("aria-disabled", "true");
  } catch {
    setLost(true);
  }
}

function renewChanged() {
  for (const el of all("[data-live]")) {
    const refs = (el.dataset.live ?? "").split(" ");
    if (refs.some((ref) => changedRefs.has(ref))) void renew(el);
  }
  dispatchEvent(new CustomEvent("changed", { detail: [...changedRefs] }));
  changedRefs.clear();
}

/** @param {MessageEvent<string>} event */
function onChanged(event) {
  heard();
  try {
    for (const ref of JSON.parse(event.data)) changedRefs.add(String(ref));
  } catch {
    return;
  }
  clearTimeout(changedWait);
  changedWait = setTimeout(renewChanged, 150);
}

function heard() {
  heardAt = Date.now();
  if (lost) {
    setLost(false);
    for (const el of all("[data-live]")) void renew(el);
  }
  showState();
}

/** @param {boolean} now */
function setLost(now) {
  lost = now;
  showState();
}

function showState() {
  const el = one("[data-live-state]");
  if (!el) return;
  const age = Date.now() - heardAt;
  const state = lost ? "lost" : "live";
  const words = lost ? `Link lost, data from ${ageOf(age)} ago` : "Live";
  if (el.dataset.state !== state) el.dataset.state = state;
  if (el.textContent !== words) el.textContent = words;
  el.title = `Last heard from the server ${ageOf(age)} ago`;
}

function openStream() {
  const source = document.body.dataset.liveSource;
  if (!source || stream || document.hidden) return;
  stream = new EventSource(source);
  stream.addEventListener("open", heard);
  stream.addEventListener("changed", onChanged);
  stream.addEventListener("tick", () => {
    ticks = true;
    heard();
  });
  stream.addEventListener("error", () => {
    setLost(true);
    if (stream?.readyState === EventSource.CLOSED) {
      stream = null;
      setTimeout(openStream, 5000);
    }
  });
}

function closeStream() {
  stream?.close();
  stream = null;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    closeStream();
    return;
  }
  openStream();
  if (Date.now() - heardAt > 5000) for (const el of all("[data-live]")) void renew(el);
});

addEventListener("pagehide", closeStream);
addEventListener("pageshow", openStream);

setInterval(() => {
  if (ticks && stream && Date.now() - heardAt > 50_000) {
    closeStream();
    setLost(true);
    openStream();
  }
  if (lost) showState();
}, 1000);

openStream();
