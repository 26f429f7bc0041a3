// Forms that are refused keep what was typed, with script and without; the rule editor shows what a rule would do beside it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Product, axeFindings, until } from "./product.mjs";

let product, ada;

before(async () => {
  product = await Product.start();
  ada = await product.setUp();
  await until("this machine", async () => (await product.rest("GET", "/assets")).items[0]);
});
after(() => product?.stop());

test("a refused check comes back on its page with what was typed and the mistake at its field", async () => {
  for (const script of [true, false]) {
    const { page, close } = await product.window({ as: ada, script });
    await page.goto("/monitoring/checks/new?kind=tcp");
    await page.locator("#f-asset").selectOption({ index: 1 });
    await page.locator("#f-host").fill("db-01");
    await page.locator("#f-port").fill("99999");
    await page.locator("#f-name").fill("Database answers");
    await page.getByRole("button", { name: "Create check" }).click();
    await page.getByRole("heading", { name: "New check" }).waitFor();
    assert.equal(await page.locator("#f-name").inputValue(), "Database answers");
    assert.equal(await page.locator("#f-port").getAttribute("aria-invalid"), "true");
    assert.ok(await page.locator("#f-port-e").isVisible());
    if (script) {
      assert.equal(await page.evaluate(() => document.activeElement?.id), "f-port", "the mistake has the focus");
      assert.deepEqual(await axeFindings(page), []);
    }
    await page.locator("#f-port").fill("5432");
    await page.getByRole("button", { name: "Create check" }).click();
    await page.getByRole("heading", { name: "Database answers" }).waitFor();
    await close();
  }
});

test("a refused form of a dialog stands in its dialog again", async () => {
  const { page, close } = await product.window({ as: ada });
  await page.goto("/on-call/policies");
  await page.keyboard.press("n");
  await page.locator("#f-name").fill("Nights");
  await page.getByLabel("Steps, one a line").fill("whenever somebody");
  await page.getByRole("button", { name: "Save policy" }).click();
  await page.locator("dialog[open]").getByText("is no step").waitFor();
  assert.equal(await page.locator("dialog[open] #f-name").inputValue(), "Nights");
  assert.deepEqual(await axeFindings(page), []);
  await close();
});

test("the preview of a rule stands beside its form on wide screens and below it on narrow ones", async () => {
  for (const [size, beside] of [["desk", true], ["phone", false]]) {
    const { page, complaints, close } = await product.window({ as: ada, size });
    await page.goto("/monitoring/rules/new");
    await page.locator("#f-name").fill("Busy");
    await page.getByLabel("Fires when").fill("mainstay_check_up < 2");
    await page.locator("#rule-preview").getByText("The last six hours").waitFor();
    const [form, preview] = await Promise.all([0, 1].map((at) => page.locator(".beside > .stack").nth(at).boundingBox()));
    assert.equal(preview.x >= form.x + form.width, beside, `${size}: beside`);
    assert.equal(preview.y < form.y + form.height, beside, `${size}: in view`);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, "nothing sticks out");
    assert.deepEqual(await axeFindings(page), []);
    assert.deepEqual(complaints, []);
    await close();
  }
});

test("the address of a heartbeat is whole beside the button that copies it", async () => {
  const check = await product.rest("POST", "/monitor/checks", { name: "Nightly backup", asset: 1, kind: "heartbeat", every_s: 3600 });
  for (const size of ["desk", "phone"]) {
    const { page, close } = await product.window({ as: ada, size });
    await page.goto(`/monitoring/checks/${check.id}`);
    const line = page.locator("pre.code").filter({ hasText: "/heartbeat/" });
    assert.ok(await line.evaluate((el) => el.scrollWidth <= el.clientWidth), `${size}: nothing is cut`);
    const ends = await line.locator("code").evaluate((el) => Math.max(...[...el.getClientRects()].map((box) => box.right)));
    const button = await line.locator("xpath=..").getByRole("button", { name: "Copy" }).boundingBox();
    assert.ok(ends <= button.x, `${size}: the button covers nothing`);
    await close();
  }
});
