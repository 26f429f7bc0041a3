// One product from its first minute: this machine appears by itself, a fault is repaired and told, and then, with every
// noun in the house, each page is held against the design's rules.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { Product, axeFindings, sizes, until } from "./product.mjs";

let product, ada, started;

before(async () => {
  product = await Product.start();
  ada = await product.setUp();
  started = Date.now();
});
after(() => product?.stop());

/** Whether anything on the canvas differs from what an empty one holds. */
const inked = (canvas) => canvas.evaluate((el) => {
  const { data } = el.getContext("2d").getImageData(0, 0, el.width, el.height);
  return data.some((value) => value !== 0);
});

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
  await until("a drawn chart", async () => (await chart.locator(".legend b").count()) > 0 && inked(chart.locator("canvas")));
  const text = await page.locator("main").innerText();
  for (const word of ["Debian", "GiB", "Linux"]) assert.ok(text.includes(word), `the page does not speak of ${word}`);
  assert.deepEqual(complaints, []);
  await close();
});

/** Ends whatever listens on the tour's port and was started by us or by our agent. */
const answers = () => new Promise((resolve) => {
  const socket = connect(7399, "127.0.0.1", () => (socket.destroy(), resolve(true)));
  socket.once("error", () => resolve(false));
});

test("a service is killed, comes back, and one page tells what happened", async () => {
  assert.equal(await answers(), false, "the port of the demo service is free");
  const service = product.spawn(["demo", "service"]);
  await until("the demo service", answers);
  await product.cli("demo", "tour");
  const check = await until("the check to be ok", async () => {
    const { items } = await product.rest("GET", "/monitor/checks");
    return items.find((one) => one.state === "ok");
  }, 60);
  service.kill("SIGKILL");
  const { page, complaints, close } = await product.window({ as: ada });
  await page.goto("/desk");
  const incident = page.locator("tr[data-row] a").filter({ hasText: /Demo service/ }).first();
  await incident.waitFor({ timeout: 90_000 });
  const href = await incident.getAttribute("href");
  await page.goto(href);
  await until("the incident to be resolved", async () => (await product.rest("GET", `/desk/tickets/${href.split("/").pop()}`)).status === "resolved", 90);
  assert.equal(await answers(), true, "the service is back");
  await page.goto(href);
  const told = await page.locator("main").innerText();
  assert.ok(check && told.includes("Resolution"), told);
  const { items: runs } = await product.rest("GET", "/runs");
  assert.equal(runs.length, 1);
  await page.goto(`/runs/${runs[0].id}`);
  assert.ok((await page.locator("main").innerText()).match(/Done|Finished/), "the run is done");
  await page.goto("/assets/1");
  assert.deepEqual(complaints, []);
  await close();
});
