// The way in: set-up by the one-time link, sign-in and sign-out, the employees' portal, all of it without script too.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Product, admin, fillSetUp, fillSignIn } from "./product.mjs";

let product;

before(async () => (product = await Product.start()));
after(() => product?.stop());

test("the set-up page without its secret says which link to open", async () => {
  const { page, close } = await product.window();
  await page.goto("/");
  assert.equal(new URL(page.url()).pathname, "/setup");
  await page.getByText('Open the one-time link that "mainstay up" printed.').waitFor();
  assert.equal(await page.getByRole("button").count(), 0);
  await close();
});

test("a wrong secret is refused, in words, and nobody is made", async () => {
  const { page, close } = await product.window();
  await page.goto("/setup?secret=guessed");
  await fillSetUp(page);
  await page.getByRole("button", { name: "Create administrator" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.innerText(), /secret|link/i);
  assert.equal(await page.getByLabel("Organisation").inputValue(), admin.organisation, "what was typed is kept");
  await close();
});

test("the one-time link makes the administrator, opens Home, and works once", async () => {
  const { page, close } = await product.window();
  await page.goto(product.setupUrl);
  await page.getByLabel("Password").fill("short");
  await fillSetUp(page);
  await page.getByRole("button", { name: "Create administrator" }).click();
  await page.getByRole("heading", { name: /^Good .*, Ada/ }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/");
  await close();
  const later = await product.window();
  await later.page.goto(product.setupUrl);
  assert.equal(new URL(later.page.url()).pathname, "/sign-in");
  await later.close();
  const body = new URLSearchParams({ secret: new URL(product.setupUrl).searchParams.get("secret"), organisation: "Other", name: "Other", login: "other", email: "", password: admin.password });
  const again = await fetch(`${product.url}/setup`, { method: "POST", body, redirect: "manual" });
  assert.ok(again.status >= 400, `a second use was answered ${again.status}`);
  assert.ok(!(await product.cli("people", "user", "list")).includes("other"));
});

test("a page asked for signed out comes after sign-in; a wrong password says so and tells nothing more", async () => {
  const { page, close } = await product.window();
  await page.goto("/desk?view=open");
  assert.equal(new URL(page.url()).pathname, "/sign-in");
  await fillSignIn(page, admin.login, "not the password");
  const alert = page.getByRole("alert");
  await alert.waitFor();
  const known = await alert.innerText();
  assert.equal(await page.getByLabel("Login").inputValue(), admin.login);
  await fillSignIn(page, "nobody-here", "not the password");
  await alert.waitFor();
  assert.equal(await alert.innerText(), known, "a login that does not exist is told the same way");
  await fillSignIn(page, admin.login, admin.password);
  await page.waitForURL("**/desk?view=open");
  await page.getByText("Ada Moreno").first().waitFor();
  await close();
});

test("the page to go to after sign-in is on this server, whatever the link says", async () => {
  for (const next of ["//elsewhere.example/", "https://elsewhere.example/", "/\\elsewhere.example"]) {
    const { page, close } = await product.window();
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await fillSignIn(page, admin.login, admin.password);
    await page.waitForURL((url) => url.pathname !== "/sign-in");
    assert.equal(new URL(page.url()).origin, product.url, next);
    await close();
  }
});

test("sign-out ends the session on the server too", async () => {
  const { page, close, keep } = await product.window();
  await page.goto("/sign-in");
  await fillSignIn(page, admin.login, admin.password);
  await page.waitForURL(`${product.url}/`);
  const stolen = await keep();
  await page.locator(".top .menu summary").last().click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");
  await page.goto("/desk");
  assert.equal(new URL(page.url()).pathname, "/sign-in");
  await close();
  const thief = await product.window({ as: stolen });
  await thief.page.goto("/desk");
  assert.equal(new URL(thief.page.url()).pathname, "/sign-in");
  await thief.close();
});

test("an employee lands in the portal, files a request, and the desk is closed to them in a friendly way", async () => {
  const vera = await product.person("vera", "Vera Lindqvist", "requester", "--scope", "own");
  const { page, complaints, close } = await product.window();
  await page.goto("/sign-in");
  await fillSignIn(page, "vera", vera.password);
  await page.waitForURL("**/portal");
  await page.getByText("You have not asked for anything yet").waitFor();
  await page.getByRole("link", { name: "Ask for help" }).last().click();
  await page.getByLabel("What is it").selectOption("incident");
  await page.getByLabel("In one line").fill("The screen <i>flickers</i>");
  await page.getByLabel("More about it").fill("Since this morning.");
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForURL("**/portal/tickets/*");
  await page.getByRole("heading", { name: "The screen <i>flickers</i>" }).waitFor();
  await page.getByText("Sent. The service desk has it now.").waitFor();
  assert.deepEqual(complaints, []);
  const answer = await page.goto("/desk");
  assert.equal(answer.status(), 403);
  await page.getByRole("heading", { name: "Not allowed" }).waitFor();
  await page.getByRole("link", { name: "Go home" }).click();
  await page.waitForURL("**/portal");
  await page.getByRole("link", { name: /flickers/ }).waitFor();
  await close();
});

test("a request that is incomplete comes back in the portal with what was typed", async () => {
  const { page, close } = await product.window({ as: await product.signIn("vera", "the quiet vera of Northlight"), script: false });
  await page.goto("/portal/new");
  await page.getByLabel("What is it").selectOption("request");
  await page.getByLabel("In one line").fill("   ");
  await page.getByLabel("More about it").fill("The one in the corner.");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator('[aria-invalid="true"]').waitFor();
  assert.equal(await page.getByLabel("More about it").inputValue(), "The one in the corner.");
  assert.equal(await page.getByRole("link", { name: "My requests" }).count() > 0, true, "it is still the portal");
  assert.equal(await page.getByLabel("Participants").count(), 0, "it asks what the form asked, no more");
  await close();
});

test("without script one can sign in and file a ticket", async () => {
  const { page, close } = await product.window({ script: false });
  await page.goto("/sign-in");
  await fillSignIn(page, admin.login, admin.password);
  await page.waitForURL(`${product.url}/`);
  await page.goto("/desk/new");
  await page.getByLabel("Subject").fill("Printer on floor 2 is out of toner");
  await page.getByRole("button", { name: /Open|Create/ }).click();
  await page.waitForURL("**/desk/tickets/*");
  await page.getByRole("heading", { name: "Printer on floor 2 is out of toner" }).waitFor();
  await page.goto("/desk");
  await page.getByRole("link", { name: "Printer on floor 2 is out of toner" }).waitFor();
  await close();
});
