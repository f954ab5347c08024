// A small network that is trained in the page: `network.js` works in a worker, of which every epoch is asked for. A
// kernel, where there is one, keeps runs, hears the stop key and calls a reader's own generator.

const NO_WORKER = "the browser lets this page start no worker, in which it would train";
const COLUMNS = ["loss", "accuracy", "val_loss", "val_accuracy", "fixed_accuracy", "val_elementwise", "seconds"];
const WORKER = `
  let made;
  onmessage = ({ data }) => { if (data.begin) made = trainer(...data.begin); else postMessage(made.epoch(data.pixels)); };
`;

function render({ model, el }) {
  const data = model.get("data");
  const code = URL.createObjectURL(new Blob([data.engine, WORKER], { type: "text/javascript" }));
  const at = {}; // where each knob stands
  let [worker, run, past, status, said] = [null, null, [], "ready", "Ready: choose, then Train."];
  let waiting = false; // an epoch is done and the next one not asked for
  let number = 0; // of the run that images are asked for: none twice, in another view of this control neither
  let [loss, accuracy, picture] = [];

  const knobs = data.knobs.map((one) => knob(one, (at[one.name] = one.start), (place) => { at[one.name] = place; }));
  const button = (label, onclick) => make("button", { type: "button", onclick }, label);
  const first = { ...at };
  const train = button("Train", begun);
  const pause = button("Pause", paused);
  const reset = button("Reset", forgotten);
  const told = make("p", { role: "status" });
  const numbers = make("p");

  const x = [0, data.seconds ?? data.epochs];
  const xLabel = data.seconds ? "seconds of training" : "epoch";
  const names = make("div");

  /** What is chosen, as `network.js` takes it. */
  function settings(places = at) {
    const chosen = { ...data.fixed };
    data.knobs.forEach(({ name, values }) => { chosen[name] = values[places[name]]; });
    const { blocks, dense } = data.networks[chosen.model];
    return { ...chosen, dense, blocks: blocks.map(([multiple, n, pooled]) => [multiple * chosen.n_base, n, pooled]) };
  }

  /** New axes, with the levels of guessing among so many classes, for the loss that is trained. */
  function axes({ classes, elementwise }) {
    const share = 1 / classes;
    const guess = elementwise ? -share * Math.log(share) - (1 - share) * Math.log(1 - share) : Math.log(classes);
    loss = panel({ title: "loss", x, y: [0, data.lossTop], xLabel, guess });
    accuracy = panel({ title: "accuracy", x, y: [0, 1], xLabel, guess: share });
    const before = picture;
    picture = chart([loss, accuracy]);
    before?.element.replaceWith(picture.element);
  }

  const own = () => settings().augmentation === data.own;

  function chosenInWords() {
    return own() ? data.own : data.knobs.map(({ name, label, choices }) => `${label} ${choices[at[name]]}`).join(", ");
  }

  function inWords({ words, history }) {
    const last = (name) => history[name].at(-1).toFixed(2);
    const n = history.loss.length;
    const lowest = Math.min(...history.val_loss);
    const more = data.extra ? `, ${data.extra[1]} ${last(data.extra[0])}` : "";
    return `${words}: after ${n} epoch${n > 1 ? "s" : ""} training loss ${last("loss")}, validation loss ` +
      `${last("val_loss")} (lowest ${lowest.toFixed(2)} at epoch ${history.val_loss.indexOf(lowest) + 1}); training ` +
      `accuracy ${last("accuracy")}, validation accuracy ${last("val_accuracy")}${more}.`;
  }

  /** Say something to the kernel; false where there is none any more. */
  function tell(message) {
    try {
      model.send(message);
      return true;
    } catch {
      return false;
    }
  }

  function quit() {
    if (!worker) return;
    worker.onmessage = worker.onerror = null; // of what it has sent nothing arrives any more
    worker.terminate();
    worker = null;
  }

  function begun() {
    quit();
    if (run?.said) past = [...past, run].slice(-3);
    run = { words: chosenInWords(), history: Object.fromEntries(COLUMNS.map((name) => [name, []])) };
    number = Math.random();
    axes(settings());
    try {
      worker = new Worker(code);
    } catch (error) {
      return failed(`${NO_WORKER} (${error.message}).`);
    }
    worker.onmessage = (message) => grown(message.data);
    worker.onerror = (event) => failed(event.message?.replace(/^(Uncaught )?(Error: )?/, "") || `${NO_WORKER}.`);
    worker.postMessage({ begin: [settings(), images("training"), images("validation"), data.measured] });
    tell({ do: "train" });
    say("training", "Training: the curves grow with every epoch.");
    return next();
  }

  function images(part) {
    const { bytes, labels } = data.images[part];
    return { pixels: Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)), labels };
  }

  function next() {
    waiting = false;
    if (!own()) worker.postMessage({});
    else if (!tell({ do: "images", run: number, epoch: run.history.loss.length })) {
      failed("your generator is gone with the kernel that had it. Run this notebook's cells again.");
    }
  }

  function grown(row) {
    COLUMNS.forEach((name) => run.history[name].push(row[name]));
    run.said = inWords(run);
    const n = run.history.loss.length;
    waiting = true;
    if (data.seconds ? row.seconds >= data.seconds || n >= 10 * data.epochs : n >= data.epochs) return ended("Done");
    if (status === "training") next();
    return refresh();
  }

  function paused() {
    if (status === "training") return say("paused", "Paused after the epoch that was running. Continue goes on from there.");
    say("training", "Training goes on.");
    return waiting && next();
  }

  function ended(how) {
    quit();
    if (how === "Done") tell({ do: "keep", run });
    say("ready", run?.said ? `${how}: ${run.said}` : "Ready.");
  }

  function forgotten() {
    [past, run] = [[], null];
    axes(settings(first)); // of what was recorded
    ended("Stopped");
  }

  function failed(message) {
    quit();
    say("failed", `It cannot be trained: ${message}`);
  }

  function heard(message, buffers) {
    if (!worker || (!message.stop && message.run !== number)) return;
    if (message.stop) ended("Stopped");
    else if (message.failed) failed(message.failed);
    else worker.postMessage({ pixels: new Uint8Array(buffers[0].buffer, buffers[0].byteOffset, buffers[0].byteLength) });
  }

  function say(now, words) {
    [status, said] = [now, words];
    refresh();
  }

  // The last epoch may end after its time: it is drawn where the axis ends.
  const along = ({ history }) =>
    (data.seconds ? history.seconds.map((end) => Math.min(end, data.seconds)) : history.loss.map((_, i) => i + 1));
  const curve = (one, column, look) => ({ x: along(one), y: one.history[column], ...look });

  function curvesOf(kind) {
    const behind = [
      { one: data.recorded, colour: GREY, width: 2.5 },
      ...past.map((one, i) => ({ one, colour: data.pastColours[i % 3], width: 1.8 })),
    ];
    const out = behind.flatMap(({ one, colour, width }) => [
      curve(one, kind, { colour, width, dash: "4 3", opacity: 0.8 }),
      curve(one, `val_${kind}`, { colour, width, opacity: 0.8 })]);
    if (run) {
      out.push(curve(run, kind, { colour: ORANGE, dash: "5 3", width: 2 }));
      out.push(curve(run, `val_${kind}`, { colour: BLUE, width: 2 }));
      if (kind === "accuracy" && data.extra) out.push(curve(run, data.extra[0], { colour: GREEN, dash: "2 2", width: 2 }));
    }
    return out;
  }

  function refresh() {
    loss.lines(curvesOf("loss"));
    accuracy.lines(curvesOf("accuracy"));
    names.replaceChildren(legend([
      { label: "training", colour: ORANGE, dash: "5 3", width: 2 },
      { label: "validation", colour: BLUE, width: 2 },
      ...(data.extra ? [{ label: data.extra[1], colour: GREEN, dash: "2 2" }] : []),
      { label: `recorded: ${data.recorded.words}`, colour: GREY, width: 2.5 },
      ...past.map((one, i) => ({ label: `yours: ${one.words}`, colour: data.pastColours[i % 3], width: 1.8 })),
    ]));
    const training = status === "training" || status === "paused";
    const held = box.getRootNode().activeElement; // a button that is disabled would lose the focus
    knobs.forEach(({ input }) => { input.disabled = training; });
    train.disabled = training;
    pause.disabled = !training;
    pause.textContent = status === "paused" ? "Continue" : "Pause";
    reset.disabled = !training && !past.length && !run;
    if (held?.disabled && [train, pause, reset].includes(held)) (training ? pause : train).focus({ preventScroll: true });
    if (told.textContent !== said) told.textContent = said; // or it would be read out again
    numbers.textContent = run?.said ?? data.words;
    numbers.hidden = said.includes(numbers.textContent);
    picture.alt(numbers.textContent);
    box.dataset.status = status;
    box.run = run;
  }

  axes(settings());
  const box = make("div", { className: "labutils", role: "group", "aria-label": data.title },
    make("p", {}, data.question),
    make("div", { className: "lu-row" }, ...knobs.map((one) => one.element)),
    make("div", { className: "lu-row" }, train, pause, reset, make("span", {}, data.cost)),
    told, picture.element, names, numbers);
  begin(el);
  el.append(box);
  model.on("msg:custom", heard);
  refresh();
  return () => {
    quit();
    URL.revokeObjectURL(code);
    model.off("msg:custom", heard);
  };
}

export default { render };
