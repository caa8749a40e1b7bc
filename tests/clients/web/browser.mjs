// Drives examples/web in headless Chromium. Reads a request from standard input:
//   {"model": directory, "runs": [{name: [integers]}]}            raw arrays through LiteRT.js
//   {"model": directory, "type": [texts], "screenshot": path}     texts typed into the page
// and writes to standard output what came out, and every request the page made.

import { createReadStream, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Serves the example, with its packages and the model from where the test has them. */
function serve(model) {
  const roots = [
    ["/node_modules/", join(HERE, "../node_modules")],
    ["/model/", model],
    ["/", join(HERE, "../../../examples/web")],
  ];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const [prefix, root] = roots.find(([start]) => path.startsWith(start));
    const name = path.slice(prefix.length) || "index.html";
    const file = createReadStream(join(root, normalize(name)));
    file.on("error", () => response.writeHead(404).end());
    file.on("open", () => {
      response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream" });
      file.pipe(response);
    });
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function run(page, runs) {
  return page.evaluate(async (batches) => {
    const { Model } = await import("./classifier.js");
    const model = await Model.load("./model", "./node_modules/@litertjs/core/wasm/");
    const results = [];
    for (const batch of batches) {
      const entries = Object.entries(batch).map(([name, row]) => [name, Int32Array.from(row)]);
      const outputs = await model.run(Object.fromEntries(entries));
      const plain = Object.entries(outputs).map(([name, values]) => [name, Array.from(values)]);
      results.push(Object.fromEntries(plain));
    }
    return results;
  }, runs);
}

async function type(page, texts) {
  await page.waitForSelector("#text:enabled, #status.error");
  const results = [];
  for (const text of texts) {
    await page.fill("#text", text);
    await page.waitForFunction((typed) => result.dataset.text === typed, text);
    const rows = await page.$$eval("#scores li", (items) =>
      items.map((item) => [...item.querySelectorAll("span")].map((span) => span.textContent)),
    );
    const tokens = await page.$$eval("#tokens span", (all) => all.map((one) => one.textContent));
    results.push({ scores: rows, tokens });
  }
  return results;
}

const request = JSON.parse(readFileSync(0, "utf8"));
const server = await serve(request.model);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: FLAGS,
  env: { ...process.env, HOME: tmpdir() },
});
try {
  const page = await browser.newPage({
    viewport: { width: 900, height: 760 },
    colorScheme: request.dark ? "dark" : "light",
  });
  const requests = [];
  const errors = [];
  page.on("request", (each) => requests.push(each.url()));
  page.on("pageerror", (error) => errors.push(error.message));
  const origin = `http://127.0.0.1:${server.address().port}`;
  await page.goto(origin);
  const answer = request.runs ? await run(page, request.runs) : await type(page, request.type);
  const status = await page.textContent("#status");
  if (request.screenshot) await page.screenshot({ path: request.screenshot, fullPage: true });
  const foreign = requests.filter((url) => !url.startsWith(origin) && !url.startsWith("data:"));
  writeFileSync(1, JSON.stringify({ answer, status, foreign, errors }));
} finally {
  await browser.close();
  server.close();
}
