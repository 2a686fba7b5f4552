// Blocks of typed columns, as mtmc/report/columns.py writes them: base64, gzip, bytes in planes, whole numbers as
// differences.

const bytesOf = (text) =>
  Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** The bytes of a `<script type="text/plain">` of the page; its text is let go of. */
export function take(id) {
  const element = document.getElementById(id);
  const bytes = bytesOf(element.textContent);
  element.remove();
  return bytes;
}

export const present = (id) => document.getElementById(id) !== null;

/** The head of a block, with its columns as typed arrays in `columns`. */
export async function unpack(id) {
  const stream = new Blob([take(id)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const size = new DataView(raw.buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + size)));
  const columns = {};
  let at = 4 + size;
  for (const spec of head.columns) {
    const end = at + spec.length * spec.width;
    columns[spec.name] = column(spec, raw.subarray(at, end));
    at = end;
  }
  return { ...head, columns };
}

function column(spec, bytes) {
  const { length, width } = spec;
  if (spec.type === "b") return bytes;
  const words = new Uint32Array(length);
  for (let plane = 0; plane < width; plane++) {
    const shift = 8 * plane,
      base = plane * length;
    for (let k = 0; k < length; k++) words[k] |= bytes[base + k] << shift;
  }
  if (spec.type === "f") return new Float32Array(words.buffer);
  const numbers = new Int32Array(words.buffer);
  for (let k = 0; k < length; k++) numbers[k] = (words[k] >>> 1) ^ -(words[k] & 1);
  for (let order = 0; order < spec.order; order++) for (let k = 1; k < length; k++) numbers[k] += numbers[k - 1];
  return numbers;
}
