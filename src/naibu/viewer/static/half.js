// Half-precision numbers as they travel: two bytes each, little-endian.
// @ts-check

const table = new Float32Array(65536);
for (let bits = 0; bits < 65536; bits++) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
  else if (exponent === 31) table[bits] = fraction ? NaN : sign * Infinity;
  else table[bits] = sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

/**
 * Return the numbers that bytes hold.
 * @param {ArrayBuffer} buffer
 * @returns {Float32Array}
 */
export function floats(buffer) {
  const view = new DataView(buffer);
  const count = buffer.byteLength >> 1;
  const found = new Float32Array(count);
  for (let k = 0; k < count; k++) found[k] = table[view.getUint16(2 * k, true)];
  return found;
}

/**
 * Return the numbers that a text in base64 holds.
 * @param {string} text
 * @returns {Float32Array}
 */
export function floatsOfBase64(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
  return floats(bytes.buffer);
}
