// Prints what a pipeline of transformers.js says to texts.
import { createRequire } from 'node:module';

const [folder, task, directory, texts, options] = JSON.parse(process.argv[2]);
const { env, pipeline } = createRequire(folder + '/')('@huggingface/transformers');
env.allowRemoteModels = false;
env.localModelPath = '';
const run = await pipeline(task, directory, { device: 'cpu', ...options });
const results = [];
for (const text of texts) {
  const made = await run(text, task === 'text-classification' ? { top_k: null } : {});
  results.push(task === 'text-classification' ? made : made.tolist()[0]);
}
console.log(JSON.stringify(results));
