// Looks at the pages as people do: sizes, colour schemes, keyboard, no JavaScript, hostile names; with axe-core's rules.
// Run by tests/real/browser.rs: `node look.mjs PLAN`, where PLAN is a JSON file. Ends with 1 and a list where something is wrong.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
const require = createRequire(path.join(plan.modules, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(plan.shots, { recursive: true });

const faults = [];
let looks = 0;
const check = (holds, what) => {
  if (!holds) faults.push(what);
};

const browser = await chromium.launch({
  executablePath: plan.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});

// A context whose pages may ask nobody but their own server, and may have nothing to complain about.
async function visit(name, url, options, act) {
  const context = await browser.newContext(options);
  const origin = new URL(url).origin;
  const said = [];
  context.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) said.push(`asks ${request.url()}`);
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) said.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => said.push(`error: ${error}`));
  page.on("dialog", (dialog) => said.push(`dialog: ${dialog.message()}`));
  const begin = Date.now();
  try {
    await act(page, said, context);
  } catch (error) {
    said.push(`stopped: ${error.stack}`);
  }
  faults.push(...said.map((what) => `${name}: ${what}`));
  looks += 1;
  console.log(`${name}: ${Date.now() - begin} ms${said.length ? `, ${said.length} faults` : ""}`);
  await context.close();
}

const size = (width, colorScheme, more) => ({ viewport: { width, height: 900 }, colorScheme, reducedMotion: "reduce", ...more });

async function rules(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  for (const found of violations) {
    const where = found.nodes.slice(0, 3).map((node) => `${node.target} (${node.failureSummary?.split("\n")[1]?.trim()})`);
    faults.push(`${name}: axe ${found.id}: ${found.help}: ${where.join("; ")}`);
  }
}

// Each page in each of the given dresses: what it must say, nothing wider than the screen, no rule broken.
async function look({ name, url, says, dresses, status = 200 }) {
  for (const [width, scheme] of dresses) {
    const full = `${name}-${width}-${scheme}`;
    await visit(full, url, size(width, scheme), async (page, said) => {
      const answer = await page.goto(url);
      check(answer.status() === status, `${full}: answers ${answer.status()}`);
      check(answer.headers()["content-type"].startsWith("text/html"), `${full}: is ${answer.headers()["content-type"]}`);
      const text = await page.locator("body").innerText();
      for (const part of says) check(text.includes(part), `${full}: does not say ${JSON.stringify(part)}`);
      const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
      check(wide <= 0, `${full}: is ${wide} px wider than the screen`);
      check(await page.evaluate(() => typeof globalThis.hit === "undefined"), `${full}: a name was run as a script`);
      await rules(page, full);
      // A page that is not there is told to the console by the browser itself.
      if (status !== 200) said.splice(0, said.length, ...said.filter((what) => !what.includes(`status of ${status}`)));
      await page.screenshot({ path: path.join(plan.shots, `${full}.png`), fullPage: width < 600 });
    });
  }
}

// The keyboard reaches everything that can be used, in the order of the page, and shows where it is.
async function keyboard(url) {
  await visit("keyboard", url, size(1280, "light"), async (page, said) => {
    await page.goto(url);
    const usable = await page.evaluate(() => {
      const all = [...document.querySelectorAll("a[href], button, summary, [tabindex='0']")];
      const seen = all.filter((element) => element.checkVisibility());
      seen.forEach((element, index) => element.setAttribute("data-order", index));
      return seen.length;
    });
    const reached = [];
    for (let step = 0; step < usable; step += 1) {
      await page.keyboard.press("Tab");
      const [order, outline] = await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return [document.activeElement.dataset.order, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
      });
      reached.push(Number(order));
      if (!outline) said.push(`no outline on ${await page.evaluate(() => document.activeElement.outerHTML.slice(0, 120))}`);
    }
    const inOrder = reached.every((order, index) => order === index);
    if (!inOrder) said.push(`Tab reaches ${reached} of ${usable}`);
    await page.goto(url);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    if (!(await page.evaluate(() => document.activeElement.id === "main"))) said.push("the skip link does not lead to the content");
  });
}

// Renewing changes what differs and leaves the reader alone.
async function renewing(url) {
  await visit("renewing", url, size(1280, "light", { viewport: { width: 1280, height: 420 } }), async (page, said, context) => {
    await page.clock.install();
    await page.goto(url);
    const before = await page.evaluate(() => {
      document.querySelectorAll("details")[0].open = true;
      const links = [...document.querySelectorAll("main a[href]")];
      window.held = links[Math.floor(links.length / 2)];
      window.held.focus();
      scrollTo(0, 350);
      return { words: document.querySelector(".basis time").dateTime, scroll: scrollY };
    });
    await page.clock.runFor(16_000);
    await page.waitForFunction((words) => document.querySelector(".basis time").dateTime !== words, before.words, { polling: 50, timeout: 20_000 });
    const after = await page.evaluate(() => ({
      open: document.querySelectorAll("details")[0].open,
      focus: document.activeElement === window.held,
      scroll: scrollY,
    }));
    if (!after.open) said.push("what was unfolded is folded again");
    if (!after.focus) said.push("the focus went elsewhere");
    if (after.scroll !== before.scroll) said.push(`the page jumped from ${before.scroll} to ${after.scroll}`);

    await page.locator("#pause").click();
    const paused = await page.locator(".basis time").getAttribute("datetime");
    await page.clock.runFor(60_000);
    if ((await page.locator(".basis time").getAttribute("datetime")) !== paused) said.push("it goes on while paused");
    await page.locator("#pause").click();

    const spoken = said.length;
    await context.setOffline(true);
    await page.clock.runFor(16_000);
    await page.locator("#stale:not(:empty)").waitFor({ timeout: 20_000 });
    await page.screenshot({ path: path.join(plan.shots, "stale-1280-light.png") });
    await rules(page, "stale");
    await context.setOffline(false);
    await page.clock.runFor(16_000);
    await page.locator("#stale:empty").waitFor({ state: "attached", timeout: 20_000 });
    // That the network was away is the browser's own complaint.
    said.splice(spoken, said.length, ...said.slice(spoken).filter((what) => !what.includes("ERR_INTERNET_DISCONNECTED")));
  });
}

// Without JavaScript everything stands there, and the browser itself loads the page again.
async function withoutScript({ url, says }) {
  await visit("no-script", url, size(1280, "light", { javaScriptEnabled: false }), async (page, said) => {
    let loads = 0;
    page.on("request", (request) => (loads += request.isNavigationRequest() ? 1 : 0));
    await page.goto(url);
    const text = await page.locator("body").innerText();
    for (const part of says) if (!text.includes(part)) said.push(`does not say ${part}`);
    if (await page.locator("#pause").isVisible()) said.push("offers to pause what does not run");
    for (let second = 0; second < 25 && loads < 2; second += 1) await page.waitForTimeout(1000);
    if (loads < 2) said.push("does not load itself again");
  });
}

// Loading itself again takes a quarter of a minute: the other looks go on meanwhile.
const slow = withoutScript(plan.noScript);
for (const page of plan.pages) await look(page);
await keyboard(plan.keyboard);
await renewing(plan.renewing);
await slow;
await browser.close();
console.log(`${looks} looks, ${faults.length} faults`);
for (const fault of faults) console.log(`FAULT ${fault}`);
process.exit(faults.length ? 1 : 0);
