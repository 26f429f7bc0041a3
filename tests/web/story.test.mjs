// One product from its first minute: this machine appears by itself, a fault is repaired and told, and then, with every
// noun in the house, each page is held against the design's rules.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { everyPage, everySize, furnish, hold } from "./pages.mjs";
import { Product, program, until } from "./product.mjs";

let product, ada, started;

before(async () => {
  product = await Product.start();
  ada = await product.setUp();
  started = Date.now();
});
after(async () => {
  await product?.stop();
  for (const pid of services()) if (!others.includes(pid)) process.kill(pid, "SIGKILL");
});

/** Demo services of this program: the one that the agent starts again outlives it, as a service should. */
function services() {
  const command = [program, "demo", "service"].join("\0");
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(command);
    } catch {
      return false;
    }
  });
}
const others = services();

test("this machine is an asset with its facts and live charts within 15 s", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  const left = () => Math.max(1, 15 - (Date.now() - started) / 1000);
  await until("the asset", async () => (await product.rest("GET", "/assets")).items.length > 0, left());
  await page.goto("/assets/1");
  await until("charts with numbers", async () => {
    const answer = await page.request.get("/_series/asset/1/cpu");
    return answer.ok() && (await answer.json()).series.some(({ points }) => points.some(([, value]) => value !== null));
  }, left());
  assert.ok(Date.now() - started < 16_000);
  await page.goto("/assets/1");
  const chart = page.locator("[data-chart]").first();
  assert.ok((await chart.locator(".lines path").count()) > 0, "the chart is drawn");
  const text = await page.locator("main").innerText();
  for (const word of ["Debian", "GiB", "Linux"]) assert.ok(text.includes(word), `the page does not speak of ${word}`);
  assert.deepEqual(complaints, []);
  await close();
});

/** Whether the demo service answers. */
const answers = () => new Promise((resolve) => {
  const socket = connect(7399, "127.0.0.1", () => (socket.destroy(), resolve(true)));
  socket.once("error", () => resolve(false));
});

test("a service is killed, comes back, and one page tells what happened", async () => {
  assert.equal(await answers(), false, "the port of the demo service is free");
  const service = product.spawn(["demo", "service"]);
  await until("the demo service", answers);
  await product.cli("demo", "tour");
  await until("the check to be ok", async () => (await product.rest("GET", "/monitor/checks")).items.some((one) => one.state === "ok"), 60);
  const { page, complaints, close } = await product.window({ as: ada });
  await page.goto("/desk");
  service.kill("SIGKILL");
  const incident = page.locator("tr[data-row] a").filter({ hasText: /Demo service/ }).first();
  await incident.waitFor({ timeout: 90_000 });
  await incident.click();
  await page.waitForURL("**/desk/tickets/*");
  await page.getByText(/Resolved/).first().waitFor({ timeout: 90_000 });
  assert.equal(await answers(), true, "the service is back");
  const ticket = page.url();
  await page.goto(ticket);
  const told = await page.locator("main").innerText();
  assert.match(told, /Demo service/);
  assert.match(told, /Restart the demo service/, "the incident says what was run");
  const { items: runs } = await product.rest("GET", "/runs");
  assert.equal(runs.length, 1);
  await page.goto(`/runs/${runs[0].id}`);
  await page.getByText("Done", { exact: true }).first().waitFor();
  await page.getByText("Start the service").first().waitFor();
  await page.getByText("Evidence").first().waitFor();
  await page.goto("/assets/1?tab=timeline");
  const entries = page.locator("ol.timeline > li");
  const story = (await entries.allInnerTexts()).reverse();
  let last = -1;
  for (const part of [/Alert group opened/, /Incident 1 opened/, /started/, /finished/, /Recovered/, /Ticket 1 resolved/]) {
    last = story.findIndex((text, at) => at > last && part.test(text));
    assert.notEqual(last, -1, `${part} in this order: ${story.join(" / ")}`);
  }
  for (const place of ["/desk/tickets/1", "/runs/1", "/monitoring/groups/1"]) {
    assert.ok((await entries.locator(`a[href="${place}"]`).count()) > 0, `the timeline links to ${place}`);
  }
  assert.deepEqual(complaints, []);
  await close();
});

test("every page keeps the rules of the design in both sizes and both themes", { concurrency: 2 }, async (t) => {
  const made = await furnish(product);
  const pages = await everyPage(product, ada, made);
  const vera = await product.signIn("vera", made.vera.password);
  const portal = ["/portal", "/portal/new", `/portal/tickets/${made.hers.id}`, "/me", "/desk"].map((path) => [path, vera]);
  const visits = [...pages.map((path) => [path, ada]), ...portal.filter(([path]) => path !== "/desk"), ["/sign-in", undefined]];
  await Promise.all(visits.map(([path, who]) => t.test(`${who === vera ? "as an employee " : ""}${path}`, async () => {
    for (const size of everySize) await hold(product, who, path, size);
  })));
});
