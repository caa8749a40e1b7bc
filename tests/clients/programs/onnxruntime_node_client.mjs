// Prints what onnxruntime-node makes of ids.
import ort from 'onnxruntime-node';

const [output, file, ids] = JSON.parse(process.argv[2]);
const session = await ort.InferenceSession.create(file);
const tensors = Object.entries(ids).map(([name, rows]) => {
  const values = BigInt64Array.from(rows.flat(), BigInt);
  return [name, new ort.Tensor('int64', values, [rows.length, rows[0].length])];
});
const result = (await session.run(Object.fromEntries(tensors)))[output];
console.log(JSON.stringify({ values: Array.from(result.data), shape: result.dims }));
