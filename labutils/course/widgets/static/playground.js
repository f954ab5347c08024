// A small network, trained in the kernel's background: the page sends what is chosen and draws what comes back.

function render({ model, el }) {
  const data = model.get("data");
  const locked = [];
  const state = () => ({ ...model.get("state") });
  const choose = (name, place) => {
    model.set("state", { ...state(), [name]: place });
    model.save_changes();
    words();
  };
  const knobs = data.knobs.map((one) => {
    const made = knob(one, state()[one.name] ?? one.start, (place) => choose(one.name, place));
    locked.push(made.input);
    return made.element;
  });
  const button = (label, word) =>
    make("button", { type: "button", onclick: () => model.send({ do: word }) }, label);
  const train = button("Train", "train");
  const pause = button("Pause", "pause");
  const reset = button("Reset", "reset");
  const cost = make("span", {}, data.cost);
  const status = make("p", { role: "status" });
  const numbers = make("p");

  const x = [0, data.seconds ?? data.epochs];
  const xLabel = data.seconds ? "seconds of training" : "epoch";
  const loss = panel({ title: "loss", x, y: [0, data.lossTop], xLabel, guess: data.guessLoss });
  const accuracy = panel({ title: "accuracy", x, y: [0, 1], xLabel, guess: data.guessAccuracy });
  const picture = chart([loss, accuracy]);
  const names = make("div");

  const along = (run) => (data.seconds ? run.history.seconds : run.history.loss.map((_, i) => i + 1));
  const curves = (run, column, look) => ({ x: along(run), y: run.history[column], ...look });

  function curvesOf(kind) {
    const news = model.get("news");
    const out = [];
    const behind = [
      { run: data.recorded, colour: GREY, width: 2.5 },
      ...(news.past ?? []).map((run, i) => ({ run, colour: data.pastColours[i % 3], width: 1.8 })),
    ];
    behind.forEach(({ run, colour, width }) => {
      out.push(curves(run, kind, { colour, width, dash: "4 3", opacity: 0.8 }));
      out.push(curves(run, `val_${kind}`, { colour, width, opacity: 0.8 }));
    });
    if (news.run) {
      out.push(curves(news.run, kind, { colour: ORANGE, dash: "5 3", width: 2 }));
      out.push(curves(news.run, `val_${kind}`, { colour: BLUE, width: 2 }));
      if (kind === "accuracy" && data.extra) {
        out.push(curves(news.run, data.extra[0], { colour: GREEN, dash: "2 2", width: 2 }));
      }
    }
    return out;
  }

  function drawAll() {
    const news = model.get("news");
    loss.lines(curvesOf("loss"));
    accuracy.lines(curvesOf("accuracy"));
    const entries = [
      { label: "training", colour: ORANGE, dash: "5 3", width: 2 },
      { label: "validation", colour: BLUE, width: 2 },
      ...(data.extra ? [{ label: data.extra[1], colour: GREEN, dash: "2 2" }] : []),
      { label: `recorded: ${data.recorded.words}`, colour: GREY, width: 2.5 },
      ...(news.past ?? []).map((run, i) => ({ label: `yours: ${run.words}`, colour: data.pastColours[i % 3], width: 1.8 })),
    ];
    names.replaceChildren(legend(entries));
  }

  function words() {
    const news = model.get("news");
    const now = news.status ?? "loading";
    const training = now === "training" || now === "paused";
    locked.forEach((input) => { input.disabled = training || now === "loading"; });
    train.disabled = now === "loading" || training;
    pause.disabled = !training;
    pause.textContent = now === "paused" ? "Continue" : "Pause";
    reset.disabled = now === "loading" || (!training && !(news.past ?? []).length && !news.run);
    status.textContent = news.said ?? "TensorFlow is being loaded: a few seconds.";
    numbers.textContent = news.run?.said ?? data.words;
    numbers.hidden = status.textContent.includes(numbers.textContent);
    picture.alt(numbers.textContent);
    el.querySelector(".labutils").dataset.status = now;
  }

  const refresh = () => {
    drawAll();
    words();
  };
  begin(el);
  el.append(
    make("div", { className: "labutils", role: "group", "aria-label": data.title },
      make("p", {}, data.question),
      make("div", { className: "lu-row" }, ...knobs),
      make("div", { className: "lu-row" }, train, pause, reset, cost),
      status, picture.element, names, numbers));
  model.on("change:news", refresh);
  refresh();
  return () => model.off("change:news", refresh);
}

export default { render };
