// Every page of a product that has lived a little, and what the design asks of each of them.
import assert from "node:assert/strict";
import { axeFindings, sizes, until } from "./product.mjs";

/** Most nodes of a page, and most compressed bytes of a first visit: document, style, script, first numbers. */
const NODES_MAX = 2_500;
const BYTES_MAX = 60_000;

const runbook = `name: clean-spool
title: Clean the print spool
description: Empties the spool after somebody agreed.
steps:
  - name: Agree
    approval: { question: Jobs that wait in the spool are lost. Clean it? }
  - name: Look at the printer
    human: { instructions: See that the printer's light is green. }
`;

/** Adds what the loop left out: enough tickets for two pages, a run that waits for an approval, a colleague, a team, a silence. */
export async function furnish(product) {
  for (let at = 1; at <= 60; at += 1) {
    await product.rest("POST", "/desk/tickets", { summary: `Laptop ${at} needs its yearly look over`, kind: at % 3 ? "task" : "incident", priority: ["low", "normal", "high", "urgent"][at % 4] });
  }
  const book = await product.rest("POST", "/runbooks", { yaml: runbook });
  if (!book.approved) await product.rest("POST", `/runbooks/${book.id}/approve`, { version: book.version });
  const run = await product.rest("POST", "/runs", { runbook: book.id, asset: 1 });
  await until("an approval", async () => (await product.rest("GET", "/approvals")).items.length > 0);
  const vera = await product.person("vera", "Vera Lindqvist", "requester", "--scope", "own");
  await product.rest("POST", "/monitor/silences", { check: 1, asset: 1, reason: "Disks are changed", minutes: 30 });
  await product.rest("POST", "/fleet/tokens", { name: "Second floor", uses: 5, expires_s: 86_400 });
  const hers = await product.rest("POST", "/desk/tickets", { summary: "My screen flickers", requester: vera.id, kind: "incident" });
  await product.rest("POST", `/desk/tickets/${hers.id}/replies`, { text: "Which cable do you use?" });
  return { run, vera, hers };
}

/** The addresses of all pages: those of the navigation, and one of each noun. */
export async function everyPage(product, signedIn, { run, vera, hers }) {
  const { page, close } = await product.window({ as: signedIn });
  await page.goto("/");
  const places = await page.locator("nav a, .nav a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  await close();
  const first = async (path) => (await product.rest("GET", path)).items[0];
  const nouns = [
    "/assets/1", `/desk/tickets/${hers.id}`, `/desk/tickets/${hers.id}?say=note`,
    `/monitoring/groups/${(await first("/monitor/groups")).id}`, `/monitoring/checks/${(await first("/monitor/checks")).id}`,
    `/runs/${run.id}`, "/runs/1", "/runbooks/1", `/people/${vera.id}`, `/people/teams/${(await first("/people/teams")).id}`,
    `/approvals/${(await first("/approvals")).id}`, `/audit/${(await first("/audit")).id}`, `/settings/${(await first("/settings")).key}`,
    `/fleet/agents/${(await first("/fleet/agents")).id}`, `/fleet/jobs/${(await first("/fleet/jobs")).id}`, `/fleet/tokens/${(await first("/fleet/tokens")).id}`,
  ];
  const rest = [
    "/desk?q=nothing-fits", "/desk/new", "/desk/views", "/assets/new", "/monitoring/checks", "/monitoring/checks/new", "/monitoring/silences", "/fleet/jobs",
    "/people/new", "/people/teams", "/people/places", "/people/roles", "/runs", "/runbooks/new", "/me", "/?why=1", "/do/desk.ticket.open", "/do/fleet.stop.all", "/no-such-page",
  ];
  return [...new Set([...places, ...nouns, ...rest])].filter((path) => path?.startsWith("/"));
}

/** Waits until everything in view that loads by itself has loaded. */
async function settled(page) {
  await page.waitForFunction(() => {
    const seen = (el) => el.getBoundingClientRect().top < innerHeight;
    const busy = [...document.querySelectorAll('[aria-busy="true"], [data-lazy]')].some(seen);
    return document.readyState === "complete" && !busy;
  });
}

/** Loads a page in one size and holds it against the rules, in both themes. */
export async function hold(product, signedIn, path, size) {
  const { page, complaints, close } = await product.window({ as: signedIn, size });
  try {
    let bytes = 0;
    page.on("requestfinished", async (request) => {
      if (!request.url().includes("/_live")) bytes += (await request.sizes()).responseBodySize;
    });
    await page.addInitScript(() => {
      window.shifts = [];
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          // Less than half a thousandth is nothing an eye can see.
          if (!entry.hadRecentInput && entry.value >= 0.0005) window.shifts.push(`${entry.value.toFixed(4)} ${entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 120) ?? node?.nodeName).join(" | ")}`);
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    const answer = await page.goto(path);
    const missing = path === "/no-such-page";
    assert.equal(answer.status(), missing ? 404 : 200, path);
    await settled(page);
    const found = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth - innerWidth, nodes: document.querySelectorAll("*").length, shifts: window.shifts }));
    const problems = found.shifts.map((shift) => `the layout shifted by ${shift}`);
    if (found.wide > 0) problems.push(`${found.wide} px stick out`);
    if (found.nodes >= NODES_MAX) problems.push(`${found.nodes} nodes`);
    if (bytes === 0 || bytes >= BYTES_MAX) problems.push(`${bytes} bytes`);
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme });
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${path.replace(/[^a-z0-9]+/gi, "_").replace(/^_|_$/g, "") || "home"}-${size}-${theme}.png`, fullPage: true });
      problems.push(...(await axeFindings(page)).map((line) => `${theme}: ${line}`));
    }
    problems.push(...complaints.filter((line) => !(missing && line.includes("404"))));
    assert.deepEqual(problems.map((line) => `${size}: ${line}`), []);
  } finally {
    await close();
  }
}

/** All sizes the design names. */
export const everySize = Object.keys(sizes);
