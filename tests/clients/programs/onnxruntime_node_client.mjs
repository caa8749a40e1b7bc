// Prints what onnxruntime-node makes of ids.
import { createRequire } from 'node:module';

const [folder, output, file, ids] = JSON.parse(process.argv[2]);
const ort = createRequire(folder + '/')('onnxruntime-node');
const session = await ort.InferenceSession.create(file);
const tensors = Object.entries(ids).map(([name, rows]) => {
  const values = BigInt64Array.from(rows.flat(), BigInt);
  return [name, new ort.Tensor('int64', values, [rows.length, rows[0].length])];
});
const result = (await session.run(Object.fromEntries(tensors)))[output];
console.log(JSON.stringify({ values: Array.from(result.data), shape: result.dims }));
