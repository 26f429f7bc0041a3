// A switch goes and takes its machines with it: the board, the map of what is affected, why an alert was told, and a
// window that is planned, changed and put back.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Product, axeFindings, until } from "./product.mjs";

const HOSTS = 14;
let product, ada, group, first;

before(async () => {
  product = await Product.start();
  ada = await product.setUp();
  const here = await until("this machine", async () => (await product.rest("GET", "/assets")).items[0]);
  const thing = async (name, kind) => (await product.rest("POST", "/assets", { name, kind })).id;
  const look = (asset, name) => product.rest("POST", "/monitor/checks", { name, asset, vantage: here.id, kind: "tcp", host: "127.0.0.1", port: 9, labels: ["site=oslo"] });
  const switch_ = await thing("sw-oslo-01", "switch");
  for (let at = 1; at <= HOSTS; at += 1) {
    const host = await thing(`app-${`${at}`.padStart(2, "0")}`, "server");
    await product.rest("POST", `/assets/${host}/relations`, { kind: "connected_to", to: switch_ });
    await look(host, "Application answers");
    first ??= host;
  }
  await look(switch_, "Management answers");
  group = await until("one group of all alerts", async () => {
    const { items } = await product.rest("GET", "/monitor/groups?state=open");
    return items.length === 1 && items[0].open_alerts === HOSTS + 1 && items[0];
  }, 120);
});
after(() => product?.stop());

test("the board finds the group by label, age and who is on it, by keys alone", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  await page.goto("/monitoring");
  await page.keyboard.press("/");
  await page.keyboard.type("site=bergen\n");
  await page.getByText("No open group fits").waitFor();
  await page.goto("/monitoring?q=site%3Doslo");
  await page.getByRole("link", { name: "Nobody is on it" }).click();
  await page.waitForURL(/acknowledged=false/);
  await page.getByRole("link", { name: "Age", exact: true }).click();
  await page.waitForURL(/sort=oldest/);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/monitoring/groups/${group.id}`);
  assert.deepEqual(complaints, []);
  await close();
});

test("the map begins at the switch, cuts the fan to a few and a count, and is walked by keys", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  await page.goto(`/monitoring/groups/${group.id}`);
  const map = page.locator("svg.map");
  await map.waitFor();
  assert.match(await map.locator("a.thing").first().getAttribute("aria-label"), /^sw-oslo-01: /);
  assert.equal(await map.locator("a.thing").count(), 10, "the switch and nine machines");
  const more = map.getByText(`${HOSTS - 9} more`);
  await more.waitFor();
  const machine = map.getByRole("link", { name: /^app-01: / });
  await machine.focus();
  assert.notEqual(await machine.locator("rect").evaluate((box) => getComputedStyle(box).strokeWidth), "1.2px", "the focus is seen");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/assets/${first}`);
  await page.goBack();
  await page.getByText("As a list").click();
  assert.equal(await page.locator(".map-wide .map-list li").count(), 10, "nine machines and the count");
  await more.click();
  await page.waitForURL(`**/monitoring/groups/${group.id}/alerts`);
  assert.equal(await page.locator("tr[data-row]").count(), HOSTS + 1);
  assert.deepEqual(complaints, []);
  await close();
});

test("phones and browsers without script get the map as a list, and nothing sticks out", async () => {
  for (const script of [true, false]) {
    const { page, close } = await product.window({ as: ada, size: "phone", script });
    await page.goto(`/monitoring/groups/${group.id}`);
    const list = page.locator(".map-narrow .map-list");
    await list.waitFor();
    assert.equal(await page.locator("svg.map").isVisible(), false);
    assert.match(await list.innerText(), /sw-oslo-01[^]*uplink of[^]*app-01[^]*5 more/);
    if (script) {
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, "nothing sticks out");
      assert.deepEqual(await axeFindings(page), []);
    }
    await close();
  }
});

test("what may be the cause says for and against whole, on any width, and what was seen stands once", async () => {
  for (const size of ["desk", "phone"]) {
    const { page, complaints, close } = await product.window({ as: ada, size });
    await page.goto(`/monitoring/groups/${group.id}`);
    const suspects = page.locator(".suspects > li");
    await suspects.first().waitFor();
    assert.match(await suspects.first().innerText(), /sw-oslo-01[^]*%[^]*Explains 15 of 15/);
    const cut = await page.locator(".suspects li, .suspects li *, .evidence").evaluateAll((all) => all.filter((el) => !el.closest(".sr") && el.clientWidth > 0 && el.scrollWidth > el.clientWidth + 1).length);
    assert.equal(cut, 0, `${size}: no reason is cut`);
    const seen = page.locator(".card").filter({ has: page.getByRole("heading", { name: "What was seen" }) });
    const rows = await seen.locator("tr[data-row]").allInnerTexts();
    assert.equal(new Set(rows.map((row) => row.split(/\s\d\d:\d\d:\d\d/)[0])).size, rows.length, "each check once for what it said");
    assert.ok(!(await seen.innerText()).includes(" UTC"), "times are the reader's");
    assert.deepEqual(complaints, []);
    await close();
  }
});

test("a group is acknowledged and explained by keys alone", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  await page.goto("/monitoring");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/monitoring/groups/${group.id}`);
  await page.keyboard.press("a");
  await page.getByText("Open, acknowledged").waitFor();
  assert.equal(await page.getByRole("button", { name: "Acknowledge" }).count(), 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("an alert says why it was told, or why not, on one page", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  await page.goto("/monitoring/checks?q=Management");
  await page.getByRole("link", { name: "Management answers" }).click();
  await page.waitForURL("**/monitoring/checks/*");
  await page.keyboard.press("w");
  await page.waitForURL("**/monitoring/alerts/*");
  const told = await page.locator("main").innerText();
  for (const part of [/Why did, or didn't, I get this\?/, /What is looked at/, /When it fires/, /Its group/, /The cause/, /Newest results/]) assert.match(told, part);
  assert.ok((await page.locator(`a[href="/monitoring/groups/${group.id}"]`).count()) > 0, "it leads to its group");
  assert.deepEqual(await axeFindings(page), []);
  assert.deepEqual(complaints, []);
  await close();
});

test("a window is planned, changed and put back, and stands in the calendar", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  await page.goto(`/monitoring/maintenance?asset=${first}`);
  await page.getByLabel("What is done").fill("Patch night");
  await page.getByLabel("Minutes").fill("90");
  await page.getByLabel("Comes again").selectOption("FREQ=WEEKLY");
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  const row = page.locator("tr[data-row], .tbl tbody tr").filter({ hasText: "Patch night" });
  await row.getByText(/Every week at .* for 1 h 30 min/).waitFor();
  assert.ok((await page.locator("#calendar .strips").innerText()).includes("Patch night"));
  await row.getByRole("link", { name: "Patch night" }).first().click();
  const minutes = page.getByLabel("Minutes");
  assert.equal(await minutes.inputValue(), "90");
  await minutes.fill("60");
  await page.getByLabel("Comes again").selectOption("");
  await page.getByRole("button", { name: "Save" }).click();
  await row.getByText(/for 1 h \(/).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await row.getByText(/Every week at .* for 1 h 30 min/).waitFor();
  await page.locator("#calendar").getByRole("link", { name: "Month" }).click();
  await page.waitForURL(/days=31/);
  await page.locator("#calendar").getByRole("link", { name: "Earlier" }).click();
  await page.getByText("Neither maintenance nor a silence in this time.").waitFor();
  assert.deepEqual(complaints, []);
  await close();
});
