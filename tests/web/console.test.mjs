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

test("a chart draws, reads out under the cursor, zooms, and has its numbers as a table", async () => {
  const { page, close } = await open("thing");
  const chart = page.locator("[data-chart]").first();
  await page.waitForFunction(() => document.querySelector(".chart .legend b") !== null);
  assert.equal(await chart.locator(".say").innerText(), "");
  const box = await chart.locator("canvas").boundingBox();
  await page.mouse.move(box.x + 120, box.y + 40);
  await page.waitForFunction(() => document.querySelector(".chart .read").textContent.includes(":"));
  const zoomed = page.waitForRequest((request) => request.url().includes("from="));
  await page.mouse.down();
  await page.mouse.move(box.x + 220, box.y + 40);
  await page.mouse.up();
  await zoomed;
  await chart.locator("summary").click();
  assert.ok((await chart.locator("tbody tr").count()) > 10);
  await close();
});

test("a chart that cannot be loaded says so and offers to try again", async () => {
  const { page, close } = await open("home");
  const broken = page.locator("[data-chart]").nth(1);
  await broken.getByText("The server answered 404").waitFor();
  assert.equal(await broken.getByRole("button", { name: "Try again" }).isVisible(), true);
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
