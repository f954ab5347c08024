// Loops over float32 numbers, four at a time, in WebAssembly: its bytes are put together here, nothing is fetched.
//
// Every function gets ten whole numbers: counts, steps, and places in one memory, both of them in bytes.

const unsigned = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >>> 7)]);
const sized = (body) => [...unsigned(body.length), ...body];
const range = (n) => [...Array(n).keys()];
const I32 = 0x7f;
const V128 = 0x7b;
const get = (i) => [0x20, i];
const set = (i, value) => [...value, 0x21, i];
const int = (n) => [0x41, n]; // from 0 to 63
const move = (i, by) => set(i, [...get(i), ...by, 0x6a]);
const simd = (code, ...more) => [0xfd, ...unsigned(code), ...more];
const two = (code) => (x, y) => [...x, ...y, ...simd(code)];
const [plus, minus, times, over, larger] = [228, 229, 230, 231, 233].map(two);
const [equal, above, both, without] = [65, 68, 78, 79].map(two); // comparisons give bits, all 1 or all 0
const root = (x) => [...x, ...simd(227)];
const load = (at, offset = 0) => [...at, ...simd(0, 2, ...unsigned(offset))];
const lanes = (at, offset = 0) => [...at, ...simd(9, 2, ...unsigned(offset))]; // one number, four times
const store = (at, value, offset = 0) => [...at, ...value, ...simd(11, 2, ...unsigned(offset))];
const ZERO = simd(12, ...Array(16).fill(0));

/** Do `body` as often as local `i` says, at least once. */
const repeat = (i, body) => [0x03, 0x40, ...body, ...move(i, [0x41, 0x7f]), ...get(i), 0x0d, 0, 0x0b];

/** The body of a function with ten parameters, then locals 10 on: whole numbers, then quadruples. */
const lines = (whole, quadruples, ...body) => [2, whole, I32, quadruples, V128, ...body.flat(), 0x0b];

/**
 * C += A B for a strip of C that is `width` times 4 columns wide, rows in fours while there are that many.
 *
 * C and B have rows of `across` bytes; A[i, (r, s)] is at a + i row + r step1 + s step2. A convolution so reads its
 * windows where they lie, and its gradient the same images the other way round.
 */
function strip(width) {
  const [m, k1, step1, k2, step2, row, a, b, across, c] = range(10);
  const [q, r, s, base] = [10, 11, 12, 13];
  const from = range(4).map((i) => 14 + i); // where each of the four rows of A is read
  const [number, column] = [18, range(width).map((j) => 19 + j)];
  const sums = range(4).map((i) => range(width).map((j) => 19 + width + i * width + j));
  const block = (rows) => {
    const some = range(rows);
    const places = (out) => some.flatMap((i) => [
      ...(i ? move(s, get(across)) : set(s, get(c))), ...range(width).flatMap((j) => out(i, j))]);
    return [
      0x02, 0x40, 0x03, 0x40, ...get(m), ...int(rows), 0x48, 0x0d, 1, // until there are fewer rows than this
      ...places((i, j) => set(sums[i][j], load(get(s), 16 * j))),
      ...set(q, get(b)), ...set(base, get(a)), ...set(r, get(k1)),
      ...repeat(r, [
        ...some.flatMap((i) => set(from[i], i ? [...get(from[i - 1]), ...get(row), 0x6a] : get(base))),
        ...set(s, get(k2)),
        ...repeat(s, [
          ...column.flatMap((v, j) => set(v, load(get(q), 16 * j))),
          ...some.flatMap((i) => [
            ...set(number, lanes(get(from[i]))),
            ...column.flatMap((v, j) => set(sums[i][j], plus(get(sums[i][j]), times(get(number), get(v))))),
            ...move(from[i], get(step2))]),
          ...move(q, get(across))]),
        ...move(base, get(step1))]),
      ...places((i, j) => store(get(s), get(sums[i][j]), 16 * j)),
      ...some.flatMap(() => [...move(a, get(row)), ...move(c, get(across))]),
      ...set(m, [...get(m), ...int(rows), 0x6b]), 0x0c, 0, 0x0b, 0x0b];
  };
  return lines(8, 5 * width + 1, block(4), block(1));
}

/** n quadruples: `values` where positive, and where `mask` lets them through. */
function rectify() {
  const [n, values, mask] = range(3);
  return lines(0, 0, repeat(n, [
    ...store(get(values), both(larger(load(get(values)), ZERO), load(get(mask)))),
    ...move(values, int(16)), ...move(mask, int(16))]));
}

/** n quadruples: `slopes` where `values` are positive, else 0. */
function gate() {
  const [n, slopes, values] = range(3);
  return lines(0, 0, repeat(n, [
    ...store(get(slopes), both(load(get(slopes)), above(load(get(values)), ZERO))),
    ...move(slopes, int(16)), ...move(values, int(16))]));
}

/** A row of n windows of `k` quadruples of channels: the largest of four pixels; `down` bytes to the row below. */
function pool() {
  const [n, k, channel, down, x, y, f, below] = [0, 1, 2, 3, 4, 5, 10, 11];
  const pixel = (at) => [...get(at), ...get(channel), 0x6a];
  return lines(2, 0, repeat(n, [
    ...set(f, get(k)),
    ...repeat(f, [
      ...set(below, [...get(x), ...get(down), 0x6a]),
      ...store(get(y), larger(
        larger(load(get(x)), load(pixel(x))), larger(load(get(below)), load(pixel(below))))),
      ...move(x, int(16)), ...move(y, int(16))]),
    ...move(x, get(channel))]));
}

/** The slopes of such a row: `gy` goes to the first pixel in `gx` that is the largest, 0 to the other three. */
function unpool() {
  const [n, k, channel, down, x, y, gx, gy, f, across] = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11];
  const [hit, open] = [12, 13];
  const pixel = (at, ...steps) => [...get(at), ...steps.flatMap((step) => [...get(step), 0x6a])];
  const give = (...steps) => [
    ...set(hit, both(equal(load(pixel(x, ...steps)), load(get(y))), get(open))),
    ...store(pixel(gx, ...steps), both(load(get(gy)), get(hit))),
    ...set(open, without(get(open), get(hit)))];
  return lines(2, 2, set(across, [...get(channel), ...get(down), 0x6a]), repeat(n, [
    ...set(f, get(k)),
    ...repeat(f, [
      ...set(open, equal(ZERO, ZERO)),
      ...give(), ...give(channel), ...give(down), ...give(across),
      ...[x, y, gx, gy].flatMap((at) => move(at, int(16)))]),
    ...move(x, get(channel)), ...move(gx, get(channel))]));
}

/** One step of Adam for n quadruples; at `given` are its size, 1 - beta1, 1 - beta2 and epsilon. */
function adam() {
  const [n, values, slopes, mean, square, given] = range(6);
  const towards = (old, next, i) =>
    store(get(old), plus(load(get(old)), times(minus(next, load(get(old))), lanes(get(given), 4 * i))));
  return lines(0, 0, repeat(n, [
    ...towards(mean, load(get(slopes)), 1),
    ...towards(square, times(load(get(slopes)), load(get(slopes))), 2),
    ...store(get(values), minus(load(get(values)), over(
      times(load(get(mean)), lanes(get(given))), plus(root(load(get(square))), lanes(get(given), 12))))),
    ...[values, slopes, mean, square].flatMap((at) => move(at, int(16)))]));
}

function compiled(code) {
  try {
    return new WebAssembly.Module(code);
  } catch (cause) {
    throw new Error("this browser has no WebAssembly SIMD for this page: open it in a newer or another one.", { cause });
  }
}

/** A memory for float32 numbers, and the functions on it. */
function memory(megabytes) {
  const memory = new WebAssembly.Memory({ initial: 16 * megabytes });
  const all = { four: strip(1), eight: strip(2), rectify: rectify(), gate: gate(), pool: pool(), unpool: unpool(), adam: adam() };
  const name = (text) => [text.length, ...text.split("").map((c) => c.charCodeAt(0))];
  const section = (id, entries) => [id, ...sized([...unsigned(entries.length), ...entries.flat()])];
  const code = Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [[0x60, 10, ...Array(10).fill(I32), 0]]),
    ...section(2, [[...name("m"), ...name("m"), 2, 0, 1]]),
    ...section(3, Object.keys(all).map(() => 0)),
    ...section(7, Object.keys(all).map((key, i) => [...name(key), 0, i])),
    ...section(10, Object.values(all).map(sized))]);
  const made = new WebAssembly.Instance(compiled(code), { m: { m: memory } }).exports;
  let used = 0;

  /** `n` numbers, all 0, and room up to a multiple of 4. */
  function numbers(n) {
    const place = used;
    used += 16 * Math.ceil(n / 4);
    return new Float32Array(memory.buffer, place, n);
  }

  /** C += A B; steps are in numbers, places in bytes. C is (m, n), n a multiple of 4; see `strip`. */
  function multiply({ m, n, k1 = 1, step1 = 0, k2, step2, row, a, b, c }) {
    for (let j = 0; j < n; j += 8) {
      const one = j + 8 <= n ? made.eight : made.four;
      one(m, k1, 4 * step1, k2, 4 * step2, 4 * row, a, b + 4 * j, 4 * n, c + 4 * j);
    }
  }
  return { ...made, numbers, multiply };
}
