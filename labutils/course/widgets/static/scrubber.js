// One slider over the epochs of stored runs: confusion matrix, ROC curve, calibration and changed images move together.

function render({ model, el }) {
  const data = model.get("data");
  const runs = data.runs.map(unpack);
  const picture = data.images ? sprite(data.images) : null;
  let place = model.get("state").run ?? 0;
  let epoch = model.get("state").epoch ?? runs[place].best;

  const matrix = make("div");
  const changed = make("div", { className: "lu-images" });
  const said = make("p", { role: "status" });
  const two = runs[0].names.length === 2;
  const roc = panel({ title: "ROC curve: share found", x: [0, 1], y: [0, 1], xLabel: "share of false alarms" });
  const calibration = panel({ title: "calibration: share that is so", x: [0, 1], y: [0, 1], xLabel: "predicted probability" });
  const figure = chart(two ? [roc, calibration] : [calibration]);

  function drawAll() {
    const run = runs[place];
    const at = Math.min(epoch, run.epochs - 1);
    const now = atEpoch(run, at);
    matrix.replaceChildren(table("confusion matrix", ["true \\ predicted", ...run.names],
      now.confusion.map((row, k) => [run.names[k], ...row.map(String)])));
    const diagonal = { x: [0, 1], y: [0, 1], colour: GREY, dash: "2 3", width: 1 };
    const bins = reliability(run, at);
    calibration.lines([
      diagonal,
      { x: bins.map((bin) => bin.predicted), y: bins.map((bin) => bin.observed), colour: BLUE },
    ]);
    if (two) {
      const points = rocCurve(run, at);
      roc.lines([diagonal, { x: points.map((p) => p[0]), y: points.map((p) => p[1]), colour: BLUE }]);
    }
    const labels = predictedLabels(run, at);
    const shown = picture ? now.changed.slice(0, 12) : [];
    changed.replaceChildren(...shown.map((i) => {
      const right = labels[i] === run.labels[i];
      const words = `${run.names[run.labels[i]]}, now ${right ? "right" : `taken for ${run.names[labels[i]]}`}`;
      return make("figure", {}, picture(i, 70, words), make("figcaption", {}, words));
    }));
    const auc = now.auc === null ? "" : `, AUC ${three(now.auc)}`;
    const more = picture && shown.length < now.changed.length ? `, ${shown.length} of them shown` : "";
    said.textContent =
      `${run.title}, epoch ${at + 1} of ${run.epochs}: accuracy ${three(now.accuracy)}${auc}; ` +
      `${now.changed.length === 1 ? "1 image changes its" : `${now.changed.length} images change their`} class here${more}.`;
    figure.alt(said.textContent);
    model.set("state", { run: place, epoch: at });
    model.save_changes();
  }

  const longest = Math.max(...runs.map((run) => run.epochs));
  const over = slider("epoch", longest, epoch, (i) => `${i + 1}`, (i) => { epoch = i; drawAll(); });
  const which = select("run", runs.map((run) => run.title), place, (i) => { place = i; drawAll(); });
  begin(el);
  el.append(make("div", { className: "labutils", role: "group", "aria-label": "Epoch by epoch" },
    make("div", { className: "lu-row" }, which.element, over.element), said,
    make("div", { className: "lu-side" }, matrix, figure.element), changed));
  drawAll();
}

export default { render };
