// Verdicts read again by rules that the reader chooses; labutils/evaluate has the same in Python: effects, findings.

const LN_SQRT_2PI = 0.5 * Math.log(2 * Math.PI);
const LANCZOS = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];

/** The logarithm of the gamma function, from 1/2 on (Lanczos, g = 7). */
function logGamma(x) {
  const t = x + 6.5;
  const sum = LANCZOS.slice(1).reduce((total, c, i) => total + c / (x + i), LANCZOS[0]);
  return LN_SQRT_2PI + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** A continued fraction b0 + a1 / (b1 + a2 / (b2 + ...)) by Lentz's method; `term(k)` is [a_k, b_k]. */
function fraction(b0, term) {
  const least = 1e-300;
  let value = b0 || least;
  let [c, d] = [value, 0];
  for (let k = 1; k < 5000; k++) {
    const [a, b] = term(k);
    d = 1 / (b + a * d || least);
    c = b + a / c || least;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return value;
}

/** The incomplete beta function I_x(a, b), given x and y = 1 - x, whose logarithms are known exactly. */
function beta(a, b, x, y, logX, logY) {
  if (x > (a + 1) / (a + b + 2)) return 1 - beta(b, a, y, x, logY, logX);
  const front = Math.exp(a * logX + b * logY + logGamma(a + b) - logGamma(a) - logGamma(b)) / a;
  return front / fraction(1, (k) => {
    const m = Math.floor(k / 2);
    const a2m = a + 2 * m;
    return k % 2 ? [(-(a + m) * (a + b + m) * x) / (a2m * (a2m + 1)), 1] : [(m * (b - m) * x) / ((a2m - 1) * a2m), 1];
  });
}

/** The complementary error function, from 0 on. */
function erfc(x) {
  const front = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x > 2) return front / fraction(x, (k) => [k / 2, x]);
  let [term, sum] = [2 * x, 2 * x];
  for (let k = 1; term > 1e-18 * sum; k++) sum += term *= (2 * x * x) / (2 * k + 1);
  return 1 - front * sum;
}

/** The chance that Student's t lies above a value; from 1000 degrees of freedom on it counts as normal. */
function tAbove(t, freedom) {
  if (t < 0) return 1 - tAbove(-t, freedom);
  if (freedom > 1000) return erfc(t / Math.SQRT2) / 2;
  if (t === Infinity) return 0;
  const ratio = (t * t) / freedom;
  const logX = -Math.log1p(ratio);
  return beta(freedom / 2, 0.5, 1 / (1 + ratio), ratio / (1 + ratio), logX, logX + Math.log(ratio)) / 2;
}

/** The value above which Student's t lies with a chance below one half, by bisection to the last digit. */
function tQuantile(chance, freedom) {
  let [low, high] = [0, 1];
  while (tAbove(high, freedom) > chance) [low, high] = [high, 2 * high];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (tAbove(middle, freedom) > chance) low = middle;
    else high = middle;
  }
}

/** McNemar's exact p from the images that only one of two gets right. */
function signTest(a, b) {
  const n = a + b;
  let [term, sum] = [2 ** -n, 0];
  for (let k = 0; k <= Math.min(a, b); k++) {
    sum += term;
    term *= (n - k) / (k + 1);
  }
  return Math.min(2 * sum, 1);
}

/** Fisher's exact p of two shares of right answers, each [right, of], in whole numbers until the end. */
function fisherTest([a, m], [b, n]) {
  const choose = (all, some) => {
    let value = 1n;
    for (let k = 0; k < some; k++) value = (value * BigInt(all - k)) / BigInt(k + 1);
    return value;
  };
  const weight = (k) => choose(m, k) * choose(n, a + b - k);
  const own = weight(a);
  let sum = 0n;
  for (let k = Math.max(0, a + b - n); k <= Math.min(m, a + b); k++) if (weight(k) <= own) sum += weight(k);
  return Number((sum * 10n ** 60n) / choose(m + n, a + b)) / 1e60;
}

function wilson([right, n], level) {
  const z = tQuantile(level / 2, Infinity);
  const share = right / n;
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return [right === 0 ? 0 : centre - half, right === n ? 1 : centre + half];
}

/** p-values adjusted after Holm. */
function holm(values) {
  const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const adjusted = [];
  order.reduce((largest, i, place) => {
    adjusted[i] = Math.max(largest, Math.min((values.length - place) * values[i], 1));
    return adjusted[i];
  }, 0);
  return adjusted;
}

const total = (values) => values.reduce((sum, value) => sum + value, 0);
const mean = (values) => total(values) / values.length;
const squares = (values) => total(values.map((value) => (value - mean(values)) ** 2));

/** Value, standard error and degrees of freedom over seeds and images: moderated (Smyth) or each its own (Welch). */
function effect({ samples, images, unit, prior }) {
  const known = prior ?? { variance: 0, freedom: 0, alike: true };
  const alike = new Map();
  samples.forEach(([weight, means], place) => {
    const seeds = means.length;
    const own = !known.alike && seeds > 2;
    const kind = own ? `of ${place}` : seeds;
    const row = alike.get(kind) ?? (own ? [0, 0, 0] : [0, known.variance * known.freedom, known.freedom]);
    alike.set(kind, [row[0] + weight ** 2 / seeds, row[1] + squares(means), row[2] + seeds - 1]);
  });
  const rows = [...alike.values()];
  const unknown = prior ? [[Infinity, 1]] : []; // one seed of which nothing is known says nothing of a setting
  const parts = rows.flatMap(([own, square, freedom]) => (freedom ? [[(own * square) / freedom, freedom]] : unknown));
  images.forEach(([variance, n]) => parts.push([variance / n + (unit / (n + 2)) ** 2, n - 1]));
  const ofPart = total(samples.map(([weight, , part]) => weight ** 2 * part));
  if (ofPart) parts.push([ofPart, Infinity]);
  const variance = total(parts.map(([part]) => part));
  const below = total(parts.map(([part, freedom]) => part ** 2 / freedom));
  return {
    value: total(samples.map(([weight, means]) => weight * mean(means))),
    error: parts.length ? Math.sqrt(variance) : Infinity,
    freedom: below > 0 && below < Infinity ? variance ** 2 / below : Infinity,
  };
}

function ends({ value, error, freedom }, level) {
  const half = error * tQuantile(level / 2, freedom);
  return [value - half, value + half];
}

function above(distance, { error, freedom }) {
  if (error === 0) return distance > 0 ? 0 : 1;
  return tAbove(distance / error, freedom);
}

const pOf = (one) => Math.min(1, 2 * above(Math.abs(one.value), one));
const pSame = (one, margin) => Math.max(above(margin - one.value, one), above(margin + one.value, one));

function called(value, p, same, margin, level) {
  if (p < level && Math.abs(value) >= margin) return value > 0 ? "better" : "worse";
  return same < level ? "no difference that matters" : "undecided";
}

const amount = (reached) => (reached === null ? "undecided" : reached ? "at least so much" : "less than that");
const all = (said) => (said.includes(false) ? false : said.includes(null) ? null : true);
const between = ([low, high], least) => (high < least ? false : low >= least ? true : null);
const atMost = (value, [low, high], factor) => (low > factor ? false : value <= factor && high < 1 ? true : null);

/** Which word a condition deserves, with what it was read from. */
function found({ measure, rule }, test, { level, factor }, data) {
  const margin = (name) => factor * data.limits[name];
  const holds = (word) => data.holds["is"][word] ?? null;
  const kind = measure.replace(" of two data sets", "");
  const with_ = (word, value, [low, high]) => ({ word, value, low, high });
  const reaches = (value, [low], high, least) => amount(high < least ? false : value >= least && low > 0 ? true : null);
  const readers = {
    word: () => ({ word: test.word }),
    accuracy: () => {
      const [[a, b]] = test.apart;
      const p = signTest(a, b);
      const [z, n] = [tQuantile(level / 2, Infinity), test.n + 2];
      const half = (z * Math.sqrt(a + b + 1 - (a - b) ** 2 / n)) / n;
      const [low, high] = [Math.max((a - b) / n - half, -1), Math.min((a - b) / n + half, 1)];
      const close = high < margin("EQUAL") ? (-low < margin("EQUAL") ? "equally good" : "no better") : "undecided";
      return { ...with_(p < level ? (a > b ? "better" : "worse") : close, (a - b) / test.n, [low, high]), p };
    },
    "accuracy of two data sets": () => {
      const [one, other] = test.right;
      const [p, value] = [fisherTest(one, other), one[0] / one[1] - other[0] / other[1]];
      return { word: p >= level ? "undecided" : value > 0 ? "better" : "worse", value, p };
    },
    best: () => {
      const p = holm(test.apart.map(([a, b]) => signTest(a, b)));
      const told = test.apart.map(([a, b], i) => (p[i] < level ? a > b : null));
      return { word: amount(all(told)), told };
    },
    "near the ceiling": () => {
      const [[right, n]] = test.right;
      const own = wilson([right, n], level);
      return with_(amount(between(own, test.limit)), right / n, own);
    },
    interval: () => {
      const { value, limit } = test;
      const [low, high] = test.ends[data.levels.indexOf(level)];
      const words = {
        "lowest loss": () => {
          if (low > 0 || high < 0) return value < 0 ? "better" : "worse";
          return Math.max(-low, high) < margin("LOSS_MARGIN") ? "equally good" : "undecided";
        },
        "narrower gap": () => {
          const least = margin("NARROWER");
          if (value <= -least && high < 0) return "worse";
          if (high >= least) return value >= least && low > 0 ? "better" : "undecided";
          return -low < least ? "no difference that matters" : "less than that";
        },
        faster: () => amount(atMost(value, [low, high], limit)),
        steadier: () => amount(atMost(value, [low, high], limit)),
      };
      return with_((words[kind] ?? (() => reaches(value, [low], high, Number(limit))))(), value, [low, high]);
    },
    effects: () => {
      const some = test.effects.map(effect);
      const [own] = some;
      const shown = [own.value, ends(own, level)];
      if (kind === "near the ceiling") return with_(amount(between(shown[1], test.limit)), ...shown);
      if (test.limit !== null) {
        return with_(reaches(own.value, shown[1], ends(own, 2 * level)[1], Number(test.limit)), ...shown);
      }
      const least = margin(kind === "lowest loss" ? "LOSS_MARGIN" : "ACCURACY_MARGIN");
      const [differ, alike] = [holm(some.map(pOf)), holm(some.map((one) => pSame(one, least)))];
      const words = some.map((one, i) => called(one.value, differ[i], alike[i], least, level));
      if (kind === "best") return { word: amount(all(words.map(holds))), told: words.map(holds) };
      return { ...with_(words[0], ...shown), p: differ[0] };
    },
    mean: () => {
      const logs = effect({ samples: [[1, test.amounts.map(Math.log), 0]], images: [], unit: 1, prior: null });
      const onset = kind === "onset of over-fitting";
      const most = Math.log(data.limits[onset ? "LATEST" : "HIGHEST"]);
      const [value, low, high] = [logs.value, ...ends(logs, level)].map((end) => Math.exp(Math.min(end, most)));
      if (!onset) return with_(amount(atMost(value, [low, high], test.limit)), value, [low, high]);
      const [first, last] = test.limit;
      const outside = high < first || low > last;
      return with_(amount(outside ? false : first <= low && high <= last ? true : null), value, [low, high]);
    },
  };
  const outcome = readers[test.test]();
  return { ...outcome, holds: data.holds[rule][outcome.word] ?? null };
}

/** The verdict on a claim by the chosen rules: `level` is one of the data's, `factor` widens margins. */
function judged(claim, chosen, data) {
  const tests = chosen.onExam ? claim.found?.[Math.min(chosen.seeds, claim.found.length) - 1] : claim.known;
  if (!tests) return { word: claim.lab, parts: [] };
  const parts = tests.map((test, i) => found(claim.conditions[i], test, chosen, data));
  const said = all(parts.map((part) => part.holds));
  const inner = said === null ? "undecided" : said ? "reproduced" : "not reproduced";
  return { word: claim.instead || inner, inner, parts };
}

/** What a word was read from, as a table shows it. */
function numbersOf({ measure }, { word, value, low, high, told }) {
  const inPoints = measure.startsWith("accuracy") || measure.endsWith("gap");
  const plus = inPoints || measure.startsWith("lowest") ? "+" : "";
  const digits = inPoints ? 1 : measure.startsWith("onset") ? 0 : 3;
  const show = (number) => {
    if (!Number.isFinite(number)) return number < 0 ? "-\u221e" : "+\u221e";
    return (number > 0 ? plus : "") + (inPoints ? 100 * number : number).toFixed(digits).replace(/^-(0\.?0*)$/, "$1");
  };
  if (told) return `ahead of ${told.filter((one) => one).length}, behind ${told.filter((one) => one === false).length}: ${word}`;
  if (value === undefined) return word;
  const ends = low === undefined ? "" : ` [${show(low)}, ${show(high)}]`;
  return `${show(value)}${ends}${inPoints ? " points" : ""}: ${word}`;
}

function render({ model, el }) {
  const data = model.get("data");
  const usual = { ...data.usual, seeds: data.seeds, images: 0 };
  const state = { ...usual, ...model.get("state") };
  const said = make("p", { role: "status" });
  const flipped = make("div");
  const everything = make("div");
  const percent_ = (share) => `${Number((100 * share).toPrecision(3))} %`;
  const times = (place) => {
    const wide = (name, unit) => Number((unit * data.margins[place] * data.limits[name]).toPrecision(3));
    const points = (name) => `${wide(name, 100)} point${wide(name, 100) === 1 ? "" : "s"}`;
    const accuracy = state.images ? `${points("EQUAL")}, gap ${points("NARROWER")}` : points("ACCURACY_MARGIN");
    return `${accuracy}, loss ${wide("LOSS_MARGIN", 1)}`;
  };
  const seedsWords = (n) => (n === data.seeds ? `all (up to ${n})` : n === 1 ? "one" : `up to ${n}`);

  const shown = (rows, caption) => {
    const heads = ["", "conclusion", "the lab's rules, on the exam", "yours", "read from"];
    const wide = table(caption, heads, rows);
    wide.style.minWidth = "50em";
    return make("div", { role: "region", tabIndex: 0, "aria-label": caption, style: "overflow-x: auto" }, wide);
  };

  function drawAll() {
    const chosen = {
      level: data.levels[state.level],
      factor: data.margins[state.margin],
      seeds: state.seeds,
      onExam: state.images === 0,
    };
    knobs.seeds.input.disabled = !chosen.onExam;
    knobs.margin.set(state.margin); // its words are others on the exam
    const now = data.claims.map((claim) => ({ claim, ...judged(claim, chosen, data) }));
    const others = now.filter(({ claim, word }) => word !== claim.lab);
    const counts = data.words.map((word) => [now.filter((one) => one.word === word).length, word]).filter(([n]) => n);
    const where = chosen.onExam ? `the exam, seeds: ${seedsWords(state.seeds)}` : "the validation images, one seed";
    const flips = others.map(({ claim }) => claim.id).join(", ");
    said.textContent =
      `By your rules (${where}; error rate ${percent_(chosen.level)}; a difference matters from ${times(state.margin)} on): ` +
      `${counts.map((one) => one.join(" ")).join(", ")}. ` +
      (others.length ? `${others.length} of ${now.length} conclusions flip: ${flips}.` : "No conclusion flips.");
    const rows = (some) => some.map(({ claim, word, inner, parts }) => [
      claim.id,
      claim.text,
      claim.lab,
      inner && word !== inner ? `${word}; the runs say ${inner}` : word,
      parts.map((part, i) => `${claim.conditions[i].says} ${numbersOf(claim.conditions[i], part)}`).join("; ") ||
        "nothing here to read it from",
    ]);
    flipped.replaceChildren(...(others.length ? [shown(rows(others), "conclusions that flip")] : []));
    everything.replaceChildren(shown(rows(now), "all conclusions"));
    model.set("state", { ...state });
    model.save_changes();
  }

  const move = (name, offset = 0) => (place) => { state[name] = place + offset; drawAll(); };
  const knobs = {
    images: select("judged on", ["the exam", "the validation images"], state.images, move("images")),
    level: slider("error rate at most", data.levels.length, state.level, (i) => percent_(data.levels[i]), move("level")),
    margin: slider("a difference matters from", data.margins.length, state.margin, times, move("margin")),
    seeds: slider("seeds", data.seeds, state.seeds - 1, (i) => seedsWords(i + 1), move("seeds", 1)),
  };
  const back = make("button", {
    type: "button",
    onclick: () => {
      Object.assign(state, usual);
      for (const [name, one] of Object.entries(knobs)) one.set(state[name] - (name === "seeds" ? 1 : 0));
      drawAll();
    },
  }, "The lab's rules");
  begin(el);
  el.append(make("div", { className: "labutils", role: "group", "aria-label": "Verdicts by your rules" },
    make("div", { className: "lu-row" }, ...Object.values(knobs).map((one) => one.element), back), said, flipped,
    make("details", {}, make("summary", {}, `All ${data.claims.length} conclusions`), everything)));
  drawAll();
}

export default { render };
