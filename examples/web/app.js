// The page: classifies what is typed. `?model=directory` names another artifact than model/.

import { Classifier } from "./classifier.js";

const [text, status, result, scores, tokens] = ["text", "status", "result", "scores", "tokens"].map(
  (id) => document.getElementById(id),
);
const directory = new URLSearchParams(location.search).get("model") ?? "model";

function element(name, className, content = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = content;
  return made;
}

function row({ label, score }, chosen) {
  const item = element("li", chosen ? "chosen" : "");
  const bar = element("div", "bar");
  bar.style.setProperty("--share", Math.min(Math.max(score, 0), 1));
  const value = element("span", "value", score.toFixed(3));
  item.append(element("span", "name", label), value, bar);
  return item;
}

function show(found, milliseconds) {
  const sorted = found.scores.toSorted((one, other) => other.score - one.score);
  scores.replaceChildren(...sorted.map((each, index) => row(each, index === 0)));
  tokens.replaceChildren(...found.tokens.map((token) => element("span", "", token)));
  status.textContent = `${found.tokens.length} tokens, ${milliseconds.toFixed(0)} ms`;
}

async function classifyAndShow(classifier, typed) {
  result.hidden = !typed.trim();
  if (result.hidden) return;
  const start = performance.now();
  const found = await classifier.classify(typed);
  show(found, performance.now() - start);
  result.dataset.text = typed; // which text the result is of
}

/** Runs the newest text; those typed while one runs are skipped but for the last. */
function runner(classifier) {
  let running = false;
  return async function run() {
    if (running) return;
    running = true;
    try {
      for (let done; done !== text.value; ) {
        done = text.value;
        await classifyAndShow(classifier, done);
      }
    } finally {
      running = false;
    }
  };
}

function complain(error) {
  status.textContent = error.message;
  status.className = "error";
}

try {
  const classifier = await Classifier.load(directory, "./node_modules/@litertjs/core/wasm/");
  const { format, length } = classifier.model;
  status.textContent = `Ready: ${format}, up to ${length} tokens, ${classifier.labels.length} labels.`;
  const run = runner(classifier);
  text.addEventListener("input", () => run().catch(complain));
  text.disabled = false;
  text.focus();
} catch (error) {
  complain(error);
}
