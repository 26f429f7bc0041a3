// The real product for browser tests: `mainstay up` on a scratch data folder, its command line, its REST over the local
// socket, and a browser. Whatever happens, `stop` ends every process that was started.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The program under test: built by `cargo build -p mainstay`, or named by MAINSTAY. */
export const program = process.env.MAINSTAY ?? join(root, "target/debug/mainstay");
/** The administrator that `setUp` makes. */
export const admin = { organisation: "Northlight", name: "Ada Moreno", login: "ada", email: "ada@northlight.example", password: "a lamp in the north window" };
/** Both window sizes of the design. */
export const sizes = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Polls until `look` answers something true. */
export async function until(what, look, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) assert.fail(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** A running product. */
export class Product {
  #children = new Set();
  #browser;

  static async start() {
    const product = new Product();
    product.home = mkdtempSync(join(tmpdir(), "mainstay-web-"));
    product.data = join(product.home, "data");
    product.log = "";
    const [console_, agents] = [await freePort(), await freePort()];
    product.server = product.spawn(["up", "--data", product.data, "--listen", `127.0.0.1:${console_}`, "--agents-listen", `127.0.0.1:${agents}`, "-o", "json"]);
    const lines = createInterface({ input: product.server.stdout });
    const first = await Promise.race([
      new Promise((resolve) => lines.once("line", resolve)),
      new Promise((_, reject) => product.server.once("exit", (code) => reject(new Error(`mainstay up ended with ${code}: ${product.log}`)))),
    ]);
    const said = JSON.parse(first);
    product.url = said.url;
    product.setupUrl = said.setup_url;
    process.once("exit", () => product.#end("SIGKILL"));
    return product;
  }

  /** Starts the program; it is ended by `stop` at the latest. */
  spawn(args) {
    const child = spawn(program, args, { env: { ...process.env, MAINSTAY_DATA: this.data, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
    child.stderr.on("data", (text) => (this.log = (this.log + text).slice(-20_000)));
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  #end(signal) {
    for (const child of this.#children) child.kill(signal);
  }

  async stop() {
    await this.#browser?.close();
    const gone = [...this.#children].map((child) => new Promise((resolve) => child.once("exit", resolve)));
    this.#end("SIGTERM");
    const slow = setTimeout(() => this.#end("SIGKILL"), 15_000);
    await Promise.all(gone);
    clearTimeout(slow);
    rmSync(this.home, { recursive: true, force: true });
  }

  /** The command line on the data folder. */
  async cli(...args) {
    const { stdout } = await promisify(execFile)(program, args, { env: { ...process.env, MAINSTAY_DATA: this.data } });
    return stdout;
  }

  /** A command whose answer is JSON. */
  async tell(...args) {
    return JSON.parse(await this.cli(...args, "-o", "json"));
  }

  /** REST as the owner of the data folder. */
  async rest(method, path, body) {
    const text = await new Promise((resolve, reject) => {
      const headers = { "Content-Type": "application/json", Host: "mainstay" };
      const call = request({ socketPath: join(this.data, "mainstay.sock"), method, path: `/api/v1${path}`, headers }, (answer) => {
        let all = "";
        answer.setEncoding("utf8").on("data", (part) => (all += part));
        answer.on("end", () => (answer.statusCode < 300 ? resolve(all) : reject(new Error(`${method} ${path}: ${answer.statusCode} ${all}`))));
      });
      call.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
    return text === "" ? null : JSON.parse(text);
  }

  async browser() {
    this.#browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
    return this.#browser;
  }

  /** A window of its own, with what the browser complains about. `as` is a storage state from `signIn`. */
  async window({ as, theme = "light", size = "desk", script = true } = {}) {
    const browser = await this.browser();
    const context = await browser.newContext({
      viewport: sizes[size], colorScheme: theme, javaScriptEnabled: script, reducedMotion: "reduce", baseURL: this.url, storageState: as,
    });
    const page = await context.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (line) => line.type() === "error" && complaints.push(`${line.text()} ${line.location().url}`));
    return { page, complaints, close: () => context.close(), keep: () => context.storageState() };
  }

  /** Completes the set-up by the one-time link and answers the administrator's signed-in state. */
  async setUp() {
    const { page, close, keep } = await this.window();
    await page.goto(this.setupUrl);
    await fillSetUp(page);
    await page.getByRole("button", { name: "Create administrator" }).click();
    await page.getByRole("heading", { name: /^Good / }).waitFor();
    const state = await keep();
    await close();
    return state;
  }

  /** Signs somebody in through the page. */
  async signIn(login, password) {
    const { page, close, keep } = await this.window();
    await page.goto("/sign-in");
    await fillSignIn(page, login, password);
    await page.waitForURL((url) => url.pathname !== "/sign-in");
    const state = await keep();
    await close();
    return state;
  }

  /** A user with a role, made by the command line. */
  async person(login, name, role, ...scope) {
    const password = `the quiet ${login} of Northlight`;
    const user = await this.tell("people", "user", "create", "--login", login, "--name", name, "--password", password);
    await this.cli("people", "grant", "give", "--user", `${user.id}`, "--role", role, "--reason", "Browser tests", ...scope);
    return { ...user, password };
  }
}

export async function fillSetUp(page) {
  for (const [label, value] of [["Organisation", admin.organisation], ["Your name", admin.name], ["Login", admin.login], ["E-mail", admin.email], ["Password", admin.password]]) {
    await page.getByLabel(label, { exact: false }).first().fill(value);
  }
}

export async function fillSignIn(page, login, password) {
  await page.getByLabel("Login").fill(login);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** What axe finds on the page as it is now, one line each. */
export async function axeFindings(page) {
  await page.evaluate(`(() => { const module = undefined; ${axeSource} })()`);
  const found = await page.evaluate(() => globalThis.axe.run(document, { preload: false, resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }));
  return found.violations.flatMap((rule) => rule.nodes.slice(0, 3).map((node) => `${rule.id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? node.all[0]?.message ?? ""}`));
}
