// The numbers of the controls, computed in the page; labutils/course/widgets/instruments.py has them in Python.

/** One float16 from its sixteen bits. */
export function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A packed run with its predictions as numbers. */
export function unpack(packed) {
  const text = atob(packed.predictions);
  const values = new Float64Array(text.length / 2);
  for (let i = 0; i < values.length; i++) {
    values[i] = half(text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 8));
  }
  const [epochs, images, outputs] = packed.shape;
  return { ...packed, values, epochs, images, outputs };
}

/** Probabilities of every class for one image at one epoch (from 0). */
export function probabilities(run, epoch, image) {
  const start = (epoch * run.images + image) * run.outputs;
  const p = Array.from(run.values.subarray(start, start + run.outputs));
  return run.outputs === 1 ? [1 - p[0], p[0]] : p;
}

/** The class with the largest probability, the first of equals. */
export function chosen(p) {
  let best = 0;
  for (let k = 1; k < p.length; k++) if (p[k] > p[best]) best = k;
  return best;
}

export function predictedLabels(run, epoch) {
  return run.labels.map((_, i) => chosen(probabilities(run, epoch, i)));
}

/** The chance that a positive image scores higher than a negative one, ties counting half. */
export function areaUnderRoc(positive, scores) {
  let wins = 0;
  let pairs = 0;
  positive.forEach((isPositive, i) => {
    if (!isPositive) return;
    positive.forEach((other, j) => {
      if (other) return;
      pairs += 1;
      wins += scores[i] > scores[j] ? 1 : scores[i] === scores[j] ? 0.5 : 0;
    });
  });
  return wins / pairs;
}

export function atEpoch(run, epoch) {
  const labels = predictedLabels(run, epoch);
  const before = epoch ? predictedLabels(run, epoch - 1) : labels;
  const n = run.names.length;
  const confusion = Array.from({ length: n }, () => Array(n).fill(0));
  let hits = 0;
  labels.forEach((label, i) => {
    confusion[run.labels[i]][label] += 1;
    hits += label === run.labels[i] ? 1 : 0;
  });
  const positive = run.labels.map((label) => label === 1);
  const two = n === 2 && positive.includes(true) && positive.includes(false);
  const auc = two ? areaUnderRoc(positive, run.labels.map((_, i) => probabilities(run, epoch, i)[1])) : null;
  const changed = labels.map((label, i) => (label === before[i] ? -1 : i)).filter((i) => i >= 0);
  return { accuracy: hits / labels.length, confusion, auc, changed };
}

/** Points (false alarms, found) of the ROC curve for the class of label 1. */
export function rocCurve(run, epoch) {
  const scored = run.labels.map((label, i) => [probabilities(run, epoch, i)[1], label === 1]);
  scored.sort((a, b) => b[0] - a[0]);
  const m = scored.filter((one) => one[1]).length;
  const n = scored.length - m;
  const points = [[0, 0]];
  let found = 0;
  let alarms = 0;
  scored.forEach(([score, positive], i) => {
    if (positive) found += 1;
    else alarms += 1;
    if (i + 1 === scored.length || scored[i + 1][0] !== score) points.push([alarms / n, found / m]);
  });
  return points;
}

/** Ten bins of equal width: mean prediction, observed share, images; empty bins are left out. */
export function reliability(run, epoch) {
  const bins = Array.from({ length: 10 }, () => ({ predicted: 0, happened: 0, images: 0 }));
  run.labels.forEach((label, i) => {
    const p = probabilities(run, epoch, i);
    const two = p.length === 2;
    const value = two ? p[1] : p[chosen(p)];
    const bin = bins[Math.max(0, Math.min(9, Math.ceil(value * 10 - 1e-12) - 1))];
    bin.predicted += value;
    bin.happened += two ? label : chosen(p) === label ? 1 : 0;
    bin.images += 1;
  });
  return bins
    .filter((bin) => bin.images)
    .map((bin) => ({ predicted: bin.predicted / bin.images, observed: bin.happened / bin.images, images: bin.images }));
}

export function atThreshold(run, threshold, prevalence, epoch) {
  let [tp, fn, fp, tn] = [0, 0, 0, 0];
  run.labels.forEach((label, i) => {
    const called = probabilities(run, epoch, i)[0] >= threshold;
    if (label === 0) called ? (tp += 1) : (fn += 1);
    else called ? (fp += 1) : (tn += 1);
  });
  const sensitivity = tp / Math.max(tp + fn, 1);
  const specificity = tn / Math.max(fp + tn, 1);
  const found = sensitivity * prevalence;
  const alarms = (1 - specificity) * (1 - prevalence);
  const cleared = specificity * (1 - prevalence);
  const missed = (1 - sensitivity) * prevalence;
  const ppv = found + alarms > 0 ? found / (found + alarms) : null;
  const npv = cleared + missed > 0 ? cleared / (cleared + missed) : null;
  return { tp, fn, fp, tn, sensitivity, specificity, ppv, npv };
}

/** A reader's answers beside a network's; what each result means is known before: `intervals` and `p`. */
export function judgeAnswers(answers, { truth, network, intervals, p }) {
  const mine = answers.map((answer, i) => answer === truth[i]);
  const its = network.map((answer, i) => answer === truth[i]);
  const count = (test) => mine.filter((_, i) => test(i)).length;
  const right = count((i) => mine[i]);
  const onlyYou = count((i) => mine[i] && !its[i]);
  const onlyNetwork = count((i) => !mine[i] && its[i]);
  return {
    right,
    interval: intervals[right],
    network: count((i) => its[i]) / mine.length,
    onlyYou,
    onlyNetwork,
    p: p[onlyYou + onlyNetwork][Math.min(onlyYou, onlyNetwork)],
    bothWrong: mine.map((_, i) => i).filter((i) => !mine[i] && !its[i]),
  };
}
