// One event stream for the page, asked for what the page shows. `changed` carries refs; parts with data-live that name
// one of them fetch themselves again. `lagged` says that changes were lost on the way; then every part does. The stream is
// closed while the page is hidden, so that many open tabs do not use up the browser's connections.
import { ageOf, all, enhance, one, typing } from "./dom.js";
import { fetchPart, swapIn } from "./fragment.js";

/** @type {EventSource | null} */
let stream = null;
/** The one before it, until the new one is open. @type {EventSource | null} */
let streamBefore = null;
let heardAt = Date.now();
let ticks = false;
let lost = false;
/** @type {Set<string>} */
const changedRefs = new Set();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let changedWait;
/** So many refs fit into an address that every proxy takes; of more, whole kinds are asked for. */
const liveRefsMax = 200;
let liveAsked = "";

/** What the page shows: the refs of its live parts and charts. @returns {string[]} */
function shownRefs() {
  const words = all("[data-live], [data-refs]").flatMap((el) => `${el.dataset.live ?? ""} ${el.dataset.refs ?? ""}`.split(" "));
  return [...new Set(words.filter(Boolean))].sort();
}

/** The same, short enough to ask for. */
function liveQuestion() {
  const refs = shownRefs();
  if (refs.length <= liveRefsMax) return refs.join(" ");
  return [...new Set(refs.map((ref) => (ref.startsWith("list:") ? ref : `list:${ref.split(":")[0]}`)))].join(" ");
}

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

/** Not all at once: whatever made the server lose changes made it lose those of other pages too. */
function onLagged() {
  heard();
  for (const ref of shownRefs()) changedRefs.add(ref);
  clearTimeout(changedWait);
  changedWait = setTimeout(renewChanged, 150 + Math.random() * 1000);
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
  liveAsked = liveQuestion();
  stream = listenTo(`${source}?refs=${encodeURIComponent(liveAsked)}`);
}

/** @param {string} url */
function listenTo(url) {
  const opened = new EventSource(url);
  opened.addEventListener("open", heard);
  opened.addEventListener("changed", onChanged);
  opened.addEventListener("lagged", onLagged);
  opened.addEventListener("tick", () => {
    ticks = true;
    heard();
  });
  opened.addEventListener("error", () => {
    if (opened !== stream) return;
    setLost(true);
    if (opened.readyState === EventSource.CLOSED) {
      stream = null;
      setTimeout(openStream, 5000);
    }
  });
  return opened;
}

/** Asks anew when parts that came later show something else; the stream before goes on until the new one is open. */
function reopenStream() {
  const source = document.body.dataset.liveSource;
  const known = new Set(liveAsked.split(" "));
  const unheard = liveQuestion().split(" ").filter((ref) => ref && !known.has(ref));
  if (!source || !stream || unheard.length === 0) return;
  streamBefore?.close();
  const before = (streamBefore = stream);
  liveAsked = liveQuestion();
  stream = listenTo(`${source}?refs=${encodeURIComponent(liveAsked)}`);
  for (const end of ["open", "error"]) stream.addEventListener(end, () => before.close(), { once: true });
}

function closeStream() {
  streamBefore?.close();
  stream?.close();
  stream = streamBefore = null;
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

/** @type {ReturnType<typeof setTimeout> | undefined} */
let liveWait;
enhance(() => {
  clearTimeout(liveWait);
  liveWait = setTimeout(reopenStream, 100);
});

openStream();
