// The desk by keyboard: the list, the bulk bar with its preview, one ticket, Ctrl K, the list of keys.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Product, until } from "./product.mjs";

let product, ada;
const subjects = ["VPN drops every ten minutes", "Monitor stays black", "New starter on Monday", "Licence for the drawing program", "Badge does not open door 4"];

before(async () => {
  product = await Product.start();
  ada = await product.setUp();
  for (const summary of subjects) await product.rest("POST", "/desk/tickets", { summary, kind: "request" });
});
after(() => product?.stop());

const focusedRow = (page) => page.evaluate(() => document.activeElement?.closest("tr[data-row]")?.innerText ?? "");

test("the list is filtered, walked and opened by keyboard alone", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  await page.goto("/desk");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("type")), "search");
  await page.keyboard.type("starter");
  await until("the list shows what the filter finds", async () => (await page.locator("tr[data-row]").count()) === 1);
  await page.waitForURL(/q=starter/);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("Delete");
  await until("the list shows everything again", async () => (await page.locator("tr[data-row]").count()) === subjects.length);
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  const second = await page.locator("tr[data-row]").nth(1).innerText();
  assert.equal(await focusedRow(page), second);
  await page.keyboard.press("k");
  assert.equal(await focusedRow(page), await page.locator("tr[data-row]").nth(0).innerText());
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/desk/tickets/*");
  assert.ok(second.includes(await page.getByRole("heading", { level: 1 }).innerText()));
  assert.deepEqual(complaints, []);
  await close();
});

test("ticked rows are changed together after a preview of the difference", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  await page.goto("/desk");
  for (const key of ["j", "x", "j", "x"]) await page.keyboard.press(key);
  assert.equal(await page.locator("[data-count]").innerText(), "2 selected");
  const refs = await page.locator('input[name="ref"]:checked').evaluateAll((ticks) => ticks.map((tick) => tick.value));
  await page.getByLabel("New priority").selectOption("urgent");
  await page.locator("tr[data-row]").nth(1).focus();
  await page.keyboard.press("p");
  await page.getByRole("heading", { name: /preview/ }).waitFor();
  for (const ref of refs) {
    const ticket = await product.rest("GET", `/desk/tickets/${ref.split(":")[1]}`);
    assert.equal(ticket.priority, "normal", "a preview changes nothing");
    await page.getByText(ticket.summary).first().waitFor();
  }
  await page.getByRole("button", { name: "Apply to 2" }).click();
  await page.waitForURL((url) => url.pathname === "/desk");
  await page.getByText("2 changed.").waitFor();
  for (const ref of refs) assert.equal((await product.rest("GET", `/desk/tickets/${ref.split(":")[1]}`)).priority, "urgent");
  assert.deepEqual(complaints, []);
  await close();
});

test("a reply is public, a note is internal, and both look different", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  const vera = await product.person("vera", "Vera Lindqvist", "requester", "--scope", "own");
  const ticket = await product.rest("POST", "/desk/tickets", { summary: "Vera's mail does not arrive", requester: vera.id });
  await page.goto(`/desk/tickets/${ticket.id}`);
  await page.getByLabel("Public reply").fill("We look at it now.");
  await page.getByRole("button", { name: "Send reply" }).click();
  await page.getByText("Ada Moreno replied").waitFor();
  await page.getByRole("link", { name: "Internal note" }).click();
  await page.getByLabel("Internal note").fill("The relay's queue is full <again>.");
  await page.getByRole("button", { name: "Add note" }).click();
  await page.getByText("Note by Ada Moreno").waitFor();
  await page.getByText("Internal: the requester does not see this").waitFor();
  assert.deepEqual(complaints, []);
  await close();
  const hers = await product.window({ as: await product.signIn("vera", vera.password) });
  await hers.page.goto(`/portal/tickets/${ticket.id}`);
  await hers.page.getByText("We look at it now.").waitFor();
  assert.equal(await hers.page.getByText("queue is full").count(), 0);
  await hers.close();
});

test("a ticket is taken and resolved by key", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  const ticket = await product.rest("POST", "/desk/tickets", { summary: "Projector lamp is dark", kind: "incident" });
  await page.goto(`/desk/tickets/${ticket.id}`);
  await page.keyboard.press("a");
  await page.getByText("It is yours now.").waitFor();
  await page.keyboard.press("e");
  await page.getByLabel("How was it resolved").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("name")), "how", "the first field has the focus");
  await page.keyboard.type("Replaced the lamp.");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("Ada Moreno resolved it").waitFor();
  assert.equal((await product.rest("GET", `/desk/tickets/${ticket.id}`)).status, "resolved");
  assert.deepEqual(complaints, []);
  await close();
});

test("Ctrl K finds a page, a ticket by its words and by its number", async () => {
  const { page, complaints, close } = await product.window({ as: ada });
  const found = async (typed, hit) => {
    await page.goto("/");
    await page.keyboard.press("Control+k");
    await page.keyboard.type(typed);
    const first = page.locator(".palette .hit").filter({ hasText: hit }).first();
    await first.waitFor();
    await first.click();
  };
  await found("monitoring", "Monitoring");
  await page.waitForURL("**/monitoring");
  await found("badge door", "Badge does not open door 4");
  await page.getByRole("heading", { name: "Badge does not open door 4" }).waitFor();
  await found("#1", subjects[0]);
  await page.waitForURL("**/desk/tickets/1");
  assert.deepEqual(complaints, []);
  await close();
});

test("? lists the keys of this page", async () => {
  const { page, close } = await product.window({ as: ada });
  await page.goto("/desk/tickets/1");
  await page.keyboard.press("?");
  const keys = page.getByRole("dialog", { name: "Keys" });
  await keys.waitFor();
  for (const words of ["Next row", "Resolve", "Hand over"]) assert.ok((await keys.innerText()).includes(words), words);
  await page.keyboard.press("Escape");
  await keys.waitFor({ state: "detached" });
  await close();
});

test("a list that is open renews itself when somebody else opens a ticket", async () => {
  const { page, close } = await product.window({ as: ada });
  await page.goto("/desk");
  await page.getByText("Live", { exact: true }).waitFor();
  await product.rest("POST", "/desk/tickets", { summary: "Somebody else asks for a chair" });
  await page.getByRole("link", { name: "Somebody else asks for a chair" }).waitFor();
  await close();
});
