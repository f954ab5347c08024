// A small network of the lab's and its training, on float32 numbers in one memory.
//
// A map is (batch, side + 2, side + 2, channels), zero on the border: a window of the convolution is then three
// stretches of its rows, and one product does all places of an image. Channels that only fill up to a multiple of 4
// have weights 0 and keep them.

const at = (numbers, i = 0) => numbers.byteOffset + 4 * i; // in bytes
const four = (n) => 4 * Math.ceil(n / 4);

/** Numbers in [0, 1) that follow from `words` alone: mulberry32, begun at their FNV-1a hash. */
function random(...words) {
  let state = 2166136261;
  for (const c of words.join("/")) state = Math.imul(state ^ c.charCodeAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * A network as `models.network` builds it, with Glorot's first weights (Glorot and Bengio, 2010).
 *
 * `side`, `batch`, `blocks` ([filters, convolutions, pooled] each), `dense` (units each), `classes`; `dropout`,
 * `spatial_dropout`, `batch_norm`, `elementwise` (the loss: one yes or no per class) and `seed` as in the lab.
 */
function network(settings) {
  const { side, batch, blocks, dense, classes, seed = 0 } = settings;
  const { numbers, multiply, rectify, gate, pool, unpool, adam } = memory(128);
  const weights = []; // name, values, slopes, and Adam's two means
  const layers = [];
  const one = numbers(1).fill(1);
  const now = { n: 0, training: false, epoch: 0 };

  function weight(name, n, start = () => 0) {
    const made = { name, values: numbers(n), slopes: numbers(n), mean: numbers(n), square: numbers(n) };
    made.values.forEach((_, i) => { made.values[i] = start(i); });
    weights.push(made);
    return made;
  }

  const map = (side, channels) => {
    const across = side + 2;
    const size = across * across * channels;
    return { side, across, channels, size, values: numbers(batch * size), slopes: numbers(batch * size) };
  };

  /** Each row of pixels within the border, by where its numbers begin and end. */
  function rows({ side, across, channels, size, n = now.n }, visit) {
    for (let image = 0; image < n; image++) {
      for (let i = 1; i <= side; i++) {
        const from = image * size + (i * across + 1) * channels;
        visit(from, from + side * channels, image);
      }
    }
  }

  function convolution(name, x, real, filters, inputs) {
    const y = map(x.side, filters);
    const { across, channels } = x;
    const limit = Math.sqrt(6 / (9 * (inputs + real)));
    const draw = random(seed, name);
    const kept = (i) => i % filters < real && Math.floor(i / filters) % channels < inputs;
    const kernel = weight(`${name}/kernel`, 9 * channels * filters, (i) => (kept(i) ? (2 * draw() - 1) * limit : 0));
    const bias = weight(`${name}/bias`, filters);
    const turned = numbers(9 * channels * filters);
    const first = across + 1; // the first pixel within the border
    const count = across * across - 2 * first; // from it to the last, with the border's between them

    function forward() {
      for (let image = 0; image < now.n; image++) {
        const to = image * y.size;
        const c = at(y.values, to + first * filters);
        y.values.fill(0, to, to + y.size);
        multiply({ m: count, n: filters, k2: 1, step2: 0, row: 0, a: at(one), b: at(bias.values), c });
        multiply({
          m: count, n: filters, k1: 3, step1: across * channels, k2: 3 * channels, step2: 1, row: channels,
          a: at(x.values, image * x.size), b: at(kernel.values), c });
      }
    }

    function backward() {
      for (let image = 0; image < now.n; image++) {
        const b = at(y.slopes, image * y.size + first * filters);
        multiply({ m: 1, n: filters, k2: count, step2: 0, row: 0, a: at(one), b, c: at(bias.slopes) });
        for (let i = 0; i < 3; i++) {
          multiply({
            m: 3 * channels, n: filters, k2: count, step2: channels, row: 1,
            a: at(x.values, image * x.size + i * across * channels), b, c: at(kernel.slopes, 3 * i * channels * filters) });
        }
      }
      if (x === image) return; // nobody asks for its slopes
      for (let k = 0; k < 9; k++) {
        for (let c = 0; c < channels; c++) {
          for (let f = 0; f < filters; f++) {
            turned[(k * filters + f) * channels + c] = kernel.values[((8 - k) * channels + c) * filters + f];
          }
        }
      }
      x.slopes.fill(0);
      for (let image = 0; image < now.n; image++) {
        multiply({
          m: count, n: channels, k1: 3, step1: across * filters, k2: 3 * filters, step2: 1, row: filters,
          a: at(y.slopes, image * y.size), b: at(turned), c: at(x.slopes, image * x.size + first * channels) });
      }
    }
    layers.push({ forward, backward });
    return y;
  }

  /** Batch normalization (Ioffe and Szegedy, 2015), in place. */
  function normalization(name, y) {
    const { channels: n, side } = y;
    const scale = weight(`${name}/gamma`, n, () => 1);
    const shift = weight(`${name}/beta`, n);
    const moving = [new Float32Array(n), new Float32Array(n).fill(1)]; // mean and variance
    const normal = new Float32Array(y.values.length);
    const [mean, factor] = [new Float64Array(n), new Float64Array(n)];

    function forward() {
      const pixels = now.n * side * side;
      const sums = [new Float64Array(n), new Float64Array(n)];
      if (now.training) {
        rows(y, (from, to) => {
          for (let i = from; i < to; i += n) {
            for (let f = 0; f < n; f++) {
              const value = y.values[i + f];
              sums[0][f] += value;
              sums[1][f] += value * value;
            }
          }
        });
      }
      for (let f = 0; f < n; f++) {
        mean[f] = now.training ? sums[0][f] / pixels : moving[0][f];
        const variance = now.training ? Math.max(0, sums[1][f] / pixels - mean[f] ** 2) : moving[1][f];
        factor[f] = 1 / Math.sqrt(variance + 1e-3);
        if (now.training) [mean[f], variance].forEach((value, k) => { moving[k][f] += 0.01 * (value - moving[k][f]); });
      }
      rows(y, (from, to) => {
        for (let i = from; i < to; i += n) {
          for (let f = 0; f < n; f++) {
            normal[i + f] = (y.values[i + f] - mean[f]) * factor[f];
            y.values[i + f] = scale.values[f] * normal[i + f] + shift.values[f];
          }
        }
      });
    }

    function backward() {
      const pixels = now.n * side * side;
      const sums = [new Float64Array(n), new Float64Array(n)];
      rows(y, (from, to) => {
        for (let i = from; i < to; i += n) {
          for (let f = 0; f < n; f++) {
            sums[0][f] += y.slopes[i + f];
            sums[1][f] += y.slopes[i + f] * normal[i + f];
          }
        }
      });
      for (let f = 0; f < n; f++) {
        shift.slopes[f] += sums[0][f];
        scale.slopes[f] += sums[1][f];
      }
      rows(y, (from, to) => {
        for (let i = from; i < to; i += n) {
          for (let f = 0; f < n; f++) {
            const rest = y.slopes[i + f] - (sums[0][f] + normal[i + f] * sums[1][f]) / pixels;
            y.slopes[i + f] = scale.values[f] * factor[f] * rest;
          }
        }
      });
    }
    layers.push({ forward, backward });
  }

  /** ReLU in place, and in training some of what it gives dropped: whole maps, or single units. */
  function rectified(name, y, rate, whole) {
    const { values, slopes, size, channels = 1 } = y;
    const inside = numbers(size); // as bits: all 1 but on the border
    const bits = new Uint32Array(inside.buffer, inside.byteOffset, size);
    if (whole) rows({ ...y, n: 1 }, (from, to) => bits.fill(-1, from, to));
    else bits.fill(-1);
    const kept = new Float32Array(batch * (whole ? channels : size));
    let draw = null;
    let drawn = -1;
    const drop = (numbers) => {
      for (let i = 0; i < now.n * size; i++) numbers[i] *= kept[whole ? Math.floor(i / size) * channels + (i % channels) : i];
    };

    function forward() {
      for (let image = 0; image < now.n; image++) rectify(size / 4, at(values, image * size), at(inside));
      if (!rate || !now.training) return;
      if (drawn !== now.epoch) draw = random(seed, name, drawn = now.epoch);
      for (let i = 0; i < kept.length; i++) kept[i] = draw() < rate ? 0 : 1 / (1 - rate);
      drop(values);
    }

    function backward() {
      gate((now.n * size) / 4, at(slopes), at(values));
      if (rate) drop(slopes);
    }
    layers.push({ forward, backward });
  }

  function pooling(x) {
    const y = map(Math.floor(x.side / 2), x.channels);
    const { channels } = x;
    const down = x.across * channels;
    const windows = (visit) => {
      for (let image = 0; image < now.n; image++) {
        for (let i = 0; i < y.side; i++) {
          const from = image * x.size + ((2 * i + 1) * x.across + 1) * channels;
          const to = image * y.size + ((i + 1) * y.across + 1) * channels;
          visit(y.side, channels / 4, 4 * channels, 4 * down, at(x.values, from), at(y.values, to),
            at(x.slopes, from), at(y.slopes, to));
        }
      }
    };
    const forward = () => windows(pool);
    const backward = () => {
      x.slopes.fill(0);
      windows(unpool);
    };
    layers.push({ forward, backward });
    return y;
  }

  /** Numbers of every image one behind the other: (batch, size). */
  const list = (size) => ({ size, values: numbers(batch * size), slopes: numbers(batch * size) });

  function flattened(x) {
    const length = x.side * x.channels;
    const y = list(x.side * length);
    const copy = (visit) => {
      let to = 0;
      rows(x, (from, end) => { visit(from, end, to); to += length; });
    };
    layers.push({
      forward: () => copy((from, end, to) => y.values.set(x.values.subarray(from, end), to)),
      backward: () => copy((from, end, to) => x.slopes.set(y.slopes.subarray(to, to + length), from)),
    });
    return y;
  }

  function connected(name, x, real) {
    const units = four(real);
    const y = list(units);
    const limit = Math.sqrt(6 / (x.size + real));
    const draw = random(seed, name);
    const kernel = weight(`${name}/kernel`, x.size * units, (i) => (i % units < real ? (2 * draw() - 1) * limit : 0));
    const bias = weight(`${name}/bias`, units);
    const [turned, back] = [numbers(units * batch), numbers(x.size * batch)];

    function forward() {
      for (let i = 0; i < batch; i++) y.values.set(bias.values, i * units);
      multiply({
        m: batch, n: units, k2: x.size, step2: 1, row: x.size, a: at(x.values), b: at(kernel.values), c: at(y.values) });
    }

    function backward() {
      multiply({
        m: x.size, n: units, k2: batch, step2: x.size, row: 1, a: at(x.values), b: at(y.slopes), c: at(kernel.slopes) });
      for (let i = 0; i < batch; i++) {
        for (let u = 0; u < units; u++) {
          bias.slopes[u] += y.slopes[i * units + u];
          turned[u * batch + i] = y.slopes[i * units + u];
        }
      }
      back.fill(0);
      multiply({ m: x.size, n: batch, k2: units, step2: 1, row: units, a: at(kernel.values), b: at(turned), c: at(back) });
      for (let j = 0; j < x.size; j++) for (let i = 0; i < batch; i++) x.slopes[i * x.size + j] = back[j * batch + i];
    }
    layers.push({ forward, backward });
    return y;
  }

  const image = map(side, 1);
  let x = image;
  let inputs = 1;
  blocks.forEach(([filters, convolutions, pooled], b) => {
    for (let i = 1; i <= convolutions; i++) {
      x = convolution(`block${b + 1}_conv${i}`, x, filters, four(filters), inputs);
      inputs = filters;
      if (settings.batch_norm) normalization(`block${b + 1}_norm${i}`, x);
      rectified(`block${b + 1}_drop${i}`, x, settings.spatial_dropout ?? 0, true);
    }
    if (pooled) x = pooling(x);
  });
  x = flattened(x);
  dense.forEach((units, i) => {
    x = connected(`dense${i + 1}`, x, units);
    rectified(`dense${i + 1}_drop`, x, settings.dropout ?? 0, false);
  });
  const outputs = classes === 2 ? 1 : classes;
  x = connected("output", x, outputs);

  /** Class probabilities (images, classes) of images (n, side, side), at most `batch`. */
  function predict(pixels, n, training = false) {
    Object.assign(now, { n, training });
    let place = 0;
    rows(image, (from, to) => {
      image.values.set(pixels.subarray(place, place + side), from);
      place += side;
    });
    layers.forEach((layer) => layer.forward());
    const found = new Float64Array(n * classes);
    for (let i = 0; i < n; i++) {
      const scores = [...x.values.subarray(i * x.size, i * x.size + outputs)];
      if (classes === 2) scores.unshift(0);
      const largest = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - largest));
      const total = powers.reduce((sum, power) => sum + power);
      powers.forEach((power, k) => { found[i * classes + k] = power / total; });
    }
    return found;
  }

  const log = (p) => Math.log(Math.min(Math.max(p, 1e-7), 1 - 1e-7));
  // One yes or no as Keras counts it, which takes the scores from before the softmax.
  const yes = (i, k) => 1 / (1 + Math.exp(-x.values[i * x.size + k]));
  const labelOf = (k) => k + classes - outputs; // of two classes the only score is that of label 1

  /** The sum of the losses that are trained, of images whose classes are `labels`: `predict` has just given `found`. */
  function lossOf(found, labels) {
    let loss = 0;
    for (let i = 0; i < now.n; i++) {
      if (!settings.elementwise) loss -= log(found[i * classes + labels[i]]);
      else for (let k = 0; k < outputs; k++) loss -= log(labelOf(k) === labels[i] ? yes(i, k) : 1 - yes(i, k)) / classes;
    }
    return loss;
  }

  /** Slopes of a batch's mean loss in every weight, after `predict` in training has given `found`. */
  function slopes(found, labels) {
    weights.forEach((one) => one.slopes.fill(0));
    x.slopes.fill(0);
    for (let i = 0; i < now.n; i++) {
      const own = found.subarray(i * classes, (i + 1) * classes);
      for (let k = 0; k < outputs; k++) {
        const wanted = Number(labels[i] === labelOf(k));
        const off = settings.elementwise ? (yes(i, k) - wanted) / classes : own[labelOf(k)] - wanted;
        x.slopes[i * x.size + k] = off / now.n;
      }
    }
    [...layers].reverse().forEach((layer) => layer.backward());
  }

  const given = numbers(4);
  let steps = 0;
  /** One step of Adam (Kingma and Ba, 2015) on a batch; the sum of its losses, and how many were right, before it. */
  function step(pixels, labels, rate) {
    const found = predict(pixels, labels.length, true);
    const loss = lossOf(found, labels);
    slopes(found, labels);
    steps += 1;
    given.set([(rate * Math.sqrt(1 - 0.999 ** steps)) / (1 - 0.9 ** steps), 0.1, 0.001, 1e-7]);
    weights.forEach(({ values, slopes: g, mean, square }) =>
      adam(values.length / 4, at(values), at(g), at(mean), at(square), at(given)));
    return { loss, right: judge(found, labels, classes).right };
  }
  return { weights, predict, lossOf, slopes, step, begin: (epoch) => { now.epoch = epoch; } };
}

/** How often class probabilities are right, in two ways. */
function judge(found, labels, classes) {
  const sum = { right: 0, columns: 0 };
  labels.forEach((label, i) => {
    const own = [...found.subarray(i * classes, (i + 1) * classes)];
    sum.right += Number(own.indexOf(Math.max(...own)) === label);
    sum.columns += own.filter((p, k) => p > 0.5 === (k === label)).length / classes;
  });
  return sum;
}

/** An image (side, side) turned, shifted and flipped at random into `out`, as `augment.augment_batch` does it. */
function change(image, out, side, { rotation, shift, horizontal_flip: mirror, vertical_flip: tip }, draw) {
  const [turn, down, right, mirrored, tipped] = [draw(), draw(), draw(), draw(), draw()];
  const angle = (rotation * (2 * turn - 1) * Math.PI) / 180;
  const [cos, sin, middle] = [Math.cos(angle), Math.sin(angle), (side - 1) / 2];
  const within = (value) => Math.min(Math.max(value, 0), side - 1);
  for (let i = 0; i < side; i++) {
    for (let j = 0; j < side; j++) {
      const row = (tip && tipped < 0.5 ? side - 1 - i : i) - middle - shift * (2 * down - 1) * side;
      const column = (mirror && mirrored < 0.5 ? side - 1 - j : j) - middle - shift * (2 * right - 1) * side;
      const [y, x] = [within(cos * row + sin * column + middle), within(cos * column - sin * row + middle)];
      const [top, left] = [Math.min(Math.floor(y), side - 2), Math.min(Math.floor(x), side - 2)];
      const p = top * side + left;
      const upper = image[p] + (x - left) * (image[p + 1] - image[p]);
      const lower = image[p + side] + (x - left) * (image[p + side + 1] - image[p + side]);
      out[i * side + j] = upper + (y - top) * (lower - upper);
    }
  }
}

/**
 * A training on bytes (n, side, side) of images; `training` and `validation` have `pixels` and `labels`.
 *
 * Each `epoch` gives one row of the history, with the seconds of training so far; it may be given other pixels for the
 * training images.
 */
function trainer(settings, training, validation, measured) {
  const { side, batch, classes, seed = 0, augmentation } = settings;
  const size = side * side;
  const chosen = ({ pixels, labels }) => {
    const places = [...labels.keys()].filter((i) => labels[i] < classes);
    const images = places.map((i) => Float32Array.from(pixels.subarray(i * size, (i + 1) * size), (byte) => byte / 255));
    return { images, labels: places.map((i) => labels[i]) };
  };
  const [train, validate] = [chosen(training), chosen(validation)];
  const net = network(settings);
  const some = new Float32Array(batch * size);
  let [epochs, seconds] = [0, 0];

  /** Every class in turn, until there are `n`: the same images each time. */
  function spread({ images, labels }, n) {
    const counted = {};
    const turns = labels.map((label) => (counted[label] = (counted[label] ?? 0) + 1));
    const places = [...labels.keys()].sort((i, j) => turns[i] - turns[j] || labels[i] - labels[j]).slice(0, n);
    return { images: places.map((i) => images[i]), labels: places.map((i) => labels[i]) };
  }
  const fixed = spread(train, measured);

  function measure({ images, labels }) {
    const sum = { loss: 0, right: 0, columns: 0 };
    for (let from = 0; from < labels.length; from += batch) {
      const own = labels.slice(from, from + batch);
      own.forEach((_, i) => some.set(images[from + i], i * size));
      const found = net.predict(some, own.length);
      const part = { loss: net.lossOf(found, own), ...judge(found, own, classes) };
      Object.keys(sum).forEach((name) => { sum[name] += part[name] / labels.length; });
    }
    return sum;
  }

  function epoch(pixels) {
    const started = performance.now();
    const images = pixels ? chosen({ pixels, labels: training.labels }).images : train.images;
    const n = images.length;
    const order = [...images.keys()];
    const draw = random(seed, epochs, "order");
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(draw() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    net.begin(epochs);
    let [loss, accuracy] = [0, 0];
    for (let from = 0; from < n; from += batch) {
      const own = order.slice(from, from + batch);
      own.forEach((k, i) => {
        if (!augmentation || pixels) some.set(images[k], i * size);
        else change(images[k], some.subarray(i * size), side, augmentation, random(seed, epochs, "change", k));
      });
      const labels = own.map((k) => train.labels[k]);
      const part = net.step(some, labels, settings.learning_rate);
      loss += part.loss / n;
      accuracy += part.right / n;
    }
    epochs += 1;
    seconds += (performance.now() - started) / 1e3;
    const [val, own] = [measure(validate), measure(fixed)];
    const row = {
      loss, accuracy, val_loss: val.loss, val_accuracy: val.right, fixed_accuracy: own.right,
      val_elementwise: val.columns, seconds };
    return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Math.round(1e4 * value) / 1e4]));
  }
  return { epoch, network: net };
}
