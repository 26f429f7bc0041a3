// The design system in a real browser: the gallery and sample pages of `cargo run -p web --example gallery`, in both themes and two sizes.
// Needs chromium (CHROMIUM names it, else /usr/bin/chromium). Run with `npm ci && npm test`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const kinds = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".json": "application/json" };
const policy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";
const pages = ["gallery", "home", "tickets", "flash", "thing", "signin", "portal"];
const sizes = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

let out, server, base, browser;
const streams = new Set();
const questions = [];

before(async () => {
  out = mkdtempSync(join(tmpdir(), "gallery-"));
  execFileSync("cargo", ["run", "-q", "-p", "web", "--example", "gallery", "--", out], { cwd: root, stdio: "inherit" });
  server = createServer((request, response) => answer(request.url, response));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${server.address().port}`;
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  server?.close();
  rmSync(out, { recursive: true, force: true });
});

function answer(url, response) {
  const path = normalize(decodeURIComponent(url.split("?")[0])).replace(/^(\.\.[/\\])+/, "");
  if (path === "/_palette") {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ items: [{ title: "#4821 <b>VPN</b> drops", hint: "Oliver Grant", href: "/thing.html", group: "Tickets" }] }));
    return;
  }
  if (path === "/_live") {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write("event: tick\ndata: 1\n\n");
    streams.add(response);
    questions.push(new URL(url, "http://localhost").searchParams.get("refs"));
    response.once("close", () => streams.delete(response));
    return;
  }
  try {
    const body = path === "/live.html" ? livePage() : path === "/later.html" ? livePage("asset:77") : readFileSync(join(out, path));
    response.writeHead(200, { "Content-Type": kinds[extname(path)] ?? "text/plain", "Content-Security-Policy": policy });
    response.end(body);
  } catch {
    response.writeHead(404, { "Content-Type": "text/plain" });
    response.end("not found");
  }
}

/** The list of tickets as a server with an event stream would send it. */
function livePage(refs = "list:tickets ticket:1") {
  const html = readFileSync(join(out, "tickets.html"), "utf8");
  const list = '<section class="card list" id="tickets"';
  assert.ok(html.includes(list) && html.includes("<body "));
  return html.replace("<body ", '<body data-live-source="/_live" ').replace(list, `${list} data-live="${refs}" data-src="/flash.html"`)
    .replace('<div class="act">', '<div class="act"><span class="live" data-live-state></span>');
}

/** Opens a page and collects what the browser complains about. */
async function open(name, { theme = "light", size = "desk", script = true } = {}) {
  const context = await browser.newContext({ viewport: sizes[size], colorScheme: theme, javaScriptEnabled: script, reducedMotion: "reduce" });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (line) => {
    const expected = line.text().includes("404");
    if (line.type() === "error" && !expected) complaints.push(line.text());
  });
  await page.goto(`${base}/${name}.html`);
  return { page, complaints, close: () => context.close() };
}

for (const name of pages) {
  for (const theme of ["light", "dark"]) {
    for (const size of Object.keys(sizes)) {
      test(`${name}, ${theme}, ${size}: axe finds nothing, nothing sticks out, nothing is refused by the content policy`, async () => {
        const { page, complaints, close } = await open(name, { theme, size });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${wide} px stick out`);
        assert.deepEqual(complaints, []);
        await page.evaluate(`(() => { const module = undefined; ${axe} })()`);
        const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
        const words = found.violations.flatMap((v) => v.nodes.slice(0, 4).map((n) => `${v.id}: ${n.html.slice(0, 160)} ${n.any[0]?.message ?? ""}`));
        assert.deepEqual(words, []);
        await close();
      });
    }
  }
}

test("rows are moved through, ticked and counted by keyboard", async () => {
  const { page, close } = await open("tickets");
  assert.equal(await page.locator(".bulk").isVisible(), false);
  for (const key of ["j", "x", "j", "j", "Shift+X"]) await page.keyboard.press(key);
  assert.equal(await page.locator("[data-count]").innerText(), "3 selected");
  assert.equal(await page.locator(".bulk").isVisible(), true);
  const sent = await page.evaluate(() => new FormData(document.querySelector("form.bulk")).getAll("ref").length);
  assert.equal(sent, 3);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator('input[name="ref"]:checked').count(), 0);
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "filter-q");
  await page.keyboard.type("jx?");
  assert.equal(await page.locator("#filter-q").inputValue(), "jx?");
  await close();
});

test("axe finds nothing in the palette, the list of keys, an open menu and an open dialog", async () => {
  const openers = [["home", (page) => page.keyboard.press("Control+k")], ["home", (page) => page.keyboard.press("?")], ["home", (page) => page.click(".top .menu summary")],
    ["gallery", (page) => page.click('[data-open="gallery-dialog"]')]];
  for (const [name, act] of openers) {
    const { page, close } = await open(name);
    await act(page);
    await page.locator("dialog[open], details[open]").first().waitFor();
    await page.evaluate(`(() => { const module = undefined; ${axe} })()`);
    const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
    assert.deepEqual(found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)}`)), []);
    await close();
  }
});

test("the palette finds places and what the server knows, and writes hits as text", async () => {
  const { page, close } = await open("home");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("vpn");
  const hit = page.locator(".palette .hit").first();
  await hit.waitFor();
  assert.match(await hit.innerText(), /<b>VPN<\/b> drops/);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/thing.html");
  await close();
});

test("the theme chosen is remembered in a cookie that the server reads", async () => {
  const { page, close } = await open("home");
  await page.click('[data-do="theme"]');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  assert.match(await page.evaluate(() => document.cookie), /theme=dark/);
  await close();
});

test("single-letter keys can be turned off", async () => {
  const { page, close } = await open("tickets");
  await page.keyboard.press("?");
  await page.click("#keys-on");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  assert.equal(await page.locator("tr:focus").count(), 0);
  assert.match(await page.evaluate(() => document.cookie), /keys=off/);
  await close();
});

test("without script a chart has its lines, axes, limits, events and a summary, and its legend takes lines out", async () => {
  const { page, close } = await open("gallery", { script: false });
  const chart = page.locator("#chart-one");
  assert.match(await chart.locator(".lines path.d1").getAttribute("d"), /^M\d+ \d+l/);
  const texts = await chart.locator(".grid text").allTextContents();
  for (const text of ["0", "25", "100", "%"]) assert.ok(texts.includes(text), `${text}: ${texts}`);
  assert.ok(texts.some((text) => /^\d\d:\d\d$/.test(text)), `${texts}`);
  assert.match(await chart.locator(".limit text").textContent(), /Alert above 90 %/);
  assert.equal(await chart.locator(".mark title").count(), 2);
  await chart.locator("summary").click();
  assert.match(await chart.locator("table").innerText(), /Disk in use/);
  assert.match(await page.locator("#chart-none .say").innerText(), /No numbers in this time/);
  const many = page.locator("#chart-many");
  assert.equal(await many.locator(".l3").isVisible(), true);
  await many.locator('[data-line="2"]').focus();
  await page.keyboard.press("Space");
  assert.equal(await many.locator(".l3").isVisible(), false);
  assert.equal(await many.locator(".l4").isVisible(), true);
  await close();
});

test("a cursor reads out every line by mouse and by arrow keys, and says it to those who listen", async () => {
  const { page, complaints, close } = await open("thing");
  const chart = page.locator("#load");
  const field = chart.locator(".field");
  await field.scrollIntoViewIfNeeded();
  const box = await field.boundingBox();
  await page.mouse.move(box.x + box.width / 4, box.y + 40);
  await chart.locator(".cursor circle").first().waitFor();
  assert.match(await chart.locator(".read").innerText(), /^\d\d:\d\d:\d\d/);
  assert.equal(await page.locator("#uplink .cursor line").count(), 1, "the figure beside it points at the same time");
  await page.mouse.move(0, 0);
  await page.waitForFunction(() => document.querySelector(".cursor") === null);
  await field.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() => /In \d+ Mb\/s, Out \d+ Mb\/s/.test(document.querySelector("#load .field").getAttribute("aria-valuetext")));
  const before = Number(await field.getAttribute("aria-valuenow"));
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((was) => Number(document.querySelector("#load .field").getAttribute("aria-valuenow")) > was, before);
  await page.keyboard.press("ArrowDown");
  await page.waitForFunction(() => /Link down|Configuration saved/.test(document.querySelector("#load .read").textContent));
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".cursor").count(), 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("a zoom by mouse or keyboard is an address, and goes back by the browser and by Escape", async () => {
  const { page, close } = await open("thing");
  const field = page.locator("#load .field");
  await field.scrollIntoViewIfNeeded();
  const box = await field.boundingBox();
  const [from, to] = await page.locator("#load").evaluate((el) => [Number(el.dataset.from), Number(el.dataset.to)]);
  await page.mouse.move(box.x + box.width / 4, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 3, box.y + 40);
  await page.mouse.move(box.x + box.width / 2, box.y + 40);
  await page.mouse.up();
  await page.waitForURL("**/thing.html?from=*&to=*");
  const asked = new URL(page.url()).searchParams;
  assert.ok(Math.abs((Number(asked.get("from")) - from) / (to - from) - 0.25) < 0.02, page.url());
  assert.ok(Math.abs((Number(asked.get("to")) - from) / (to - from) - 0.5) < 0.02, page.url());
  await page.goBack();
  await page.waitForURL("**/thing.html");
  await field.focus();
  for (const key of ["Home", "Shift+PageUp", "Shift+PageUp", "Enter"]) {
    await page.keyboard.press(key);
    await page.waitForFunction(() => document.querySelector("#load .cursor") !== null || location.search.includes("from="));
  }
  await page.waitForURL("**/thing.html?from=*&to=*");
  assert.equal(Number(new URL(page.url()).searchParams.get("from")), from);
  await page.locator("#load .field").focus();
  await page.keyboard.press("+");
  await page.waitForFunction((was) => Number(new URLSearchParams(location.search).get("from")) > was, from);
  await close();
});

test("the numbers of a chart are a table, newest first, and are copied as CSV", async () => {
  const { page, complaints, close } = await open("gallery");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const chart = page.locator("#chart-two");
  await chart.locator("summary").click();
  await chart.locator(".rows tbody tr").first().waitFor();
  assert.equal(await chart.locator(".rows tbody tr").count(), 200);
  assert.match(await chart.locator(".rows caption").innerText(), /the newest 200 of 240 moments/);
  await chart.getByRole("button", { name: "Copy as CSV" }).click();
  await page.getByText("Copied as CSV.").waitFor();
  const lines = (await page.evaluate(() => navigator.clipboard.readText())).trim().split("\n");
  assert.equal(lines.length, 241);
  assert.equal(lines[0], 'time,"In, b/s","Out, b/s"');
  assert.match(lines[110], /^2026-\d\d-\d\dT[\d:.]+Z,,\d+/, "a gap is empty");
  const hostile = page.locator("#chart-hostile");
  await hostile.locator("summary").click();
  await hostile.locator(".rows tbody tr").first().waitFor();
  assert.deepEqual(complaints, []);
  await close();
});

test("a chart whose numbers cannot be loaded says so, and keeps its picture", async () => {
  const { page, close } = await open("thing");
  await page.route("**/_ui/charts/*", (route) => route.fulfill({ status: 503 }));
  const chart = page.locator("#load");
  await chart.locator(".field").hover();
  await chart.getByText("The server answered 503").waitFor();
  assert.ok((await chart.locator(".lines path").count()) > 0);
  await close();
});

test("a link with data-swap replaces its part alone and moves the address", async () => {
  const { page, close } = await open("tickets");
  await page.evaluate(() => {
    document.querySelector("h1").dataset.kept = "yes";
    document.querySelector(".tabs a:nth-child(2)").href = "/flash.html";
  });
  await page.click(".tabs a:nth-child(2)");
  await page.getByText("Nothing matches").waitFor();
  assert.equal(await page.evaluate(() => document.querySelector("h1").dataset.kept), "yes");
  assert.match(page.url(), /flash\.html$/);
  assert.match(await page.locator("#flash").innerText(), /Ticket 4821 resolved/);
  await page.goBack();
  await page.locator('input[name="ref"]').first().waitFor();
  await close();
});

test("a part fetches itself again when its ref changed, and a lost link is told with its age", async () => {
  const { page, close } = await open("live");
  await page.getByText("Live", { exact: true }).waitFor();
  for (const stream of streams) stream.write('event: changed\ndata: ["asset:9"]\n\nevent: changed\ndata: ["list:tickets"]\n\n');
  await page.getByText("Nothing matches").waitFor();
  for (const stream of streams) stream.destroy();
  streams.clear();
  await page.getByText(/Link lost, data from \d+ s ago/).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await close();
});

test("a page asks for what it shows, and renews all of it when changes were lost on the way", async () => {
  questions.length = 0;
  const { page, close } = await open("live");
  await page.getByText("Live", { exact: true }).waitFor();
  assert.equal(questions.length, 1);
  const asked = questions[0].split(" ");
  assert.ok(asked.includes("list:tickets") && asked.includes("ticket:1"), questions[0]);
  for (const stream of streams) stream.write("event: lagged\ndata: \n\n");
  await page.getByText("Nothing matches").waitFor();
  await close();
});

test("a part that comes later is asked for too, and the stream before it ends", async () => {
  const { page, close } = await open("live");
  await page.getByText("Live", { exact: true }).waitFor();
  questions.length = 0;
  const asked = page.waitForRequest((request) => request.url().includes("asset%3A77"));
  await page.evaluate(() => {
    document.querySelector(".tabs a:nth-child(2)").href = "/later.html";
  });
  await page.click(".tabs a:nth-child(2)");
  await asked;
  await page.waitForFunction(() => document.querySelector("[data-live-state]").textContent === "Live");
  while (streams.size !== 1 || questions.length !== 1) await new Promise((resolve) => setTimeout(resolve, 20));
  await close();
});

test("without script pages are whole: rows, links, the bulk bar and the menu work", async () => {
  const { page, close } = await open("tickets", { script: false });
  await page.locator('input[name="ref"]').first().check();
  assert.equal(await page.locator(".bulk").isVisible(), true);
  await page.locator(".top .menu summary").first().click();
  assert.equal(await page.locator(".menu .item").first().isVisible(), true);
  await close();
});

test("targets on a phone are at least 24 px, and those of the bar at least 44", async () => {
  const { page, close } = await open("thing", { size: "phone" });
  const small = await page.evaluate(() => {
    const all = [...document.querySelectorAll("button, .btn, .bottom a, .tabs a, summary")];
    const seen = all.filter((el) => el.checkVisibility() && el.getBoundingClientRect().width > 0);
    const least = (el) => (el.closest(".bottom, .tabs, .top") ? 44 : 24);
    return seen.filter((el) => el.getBoundingClientRect().height < least(el)).map((el) => el.outerHTML.slice(0, 120));
  });
  assert.deepEqual(small, []);
  await close();
});
