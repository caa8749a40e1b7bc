// Prints what a pipeline of transformers.js says to texts, given nothing but the directory.
import { env, pipeline } from '@huggingface/transformers';

const [task, directory, texts] = JSON.parse(process.argv[2]);
env.allowRemoteModels = false;
const run = await pipeline(task, directory);
const results = [];
for (const text of texts) {
  const made = await run(text, task === 'text-classification' ? { top_k: null } : {});
  results.push(task === 'text-classification' ? made : made.tolist()[0]);
}
console.log(JSON.stringify(results));
