// A threshold and a prevalence: what a stored run's probabilities mean for those who come.

function render({ model, el }) {
  const data = model.get("data");
  const run = unpack(data.run);
  let { threshold, prevalence } = { threshold: 50, prevalence: data.prevalence, ...model.get("state") };
  const [ill, other] = run.names;
  const numbers = make("div");
  const said = make("p", { role: "status" });
  const spread = panel({ title: `probability of ${ill}`, x: [0, 1], y: [0, data.top], xLabel: "probability, twenty bins" });
  const figure = chart([spread]);

  function drawAll() {
    const now = atThreshold(run, threshold / 100, data.prevalences[prevalence], run.best);
    const heights = [0, 1].map(() => Array(20).fill(0));
    run.labels.forEach((label, i) => {
      heights[label === 0 ? 0 : 1][Math.min(19, Math.floor(probabilities(run, run.best, i)[0] * 20))] += 1;
    });
    const centres = heights[0].map((_, k) => (k + 0.5) / 20);
    spread.lines([
      { x: centres, y: heights[0], colour: PURPLE, dash: "5 3" },
      { x: centres, y: heights[1], colour: GREEN },
      { x: [threshold / 100, threshold / 100], y: [0, data.top], colour: INK, width: 2 },
    ]);
    numbers.replaceChildren(table("at this threshold", ["", `called ${ill}`, `called ${other}`], [
      [ill, String(now.tp), String(now.fn)],
      [other, String(now.fp), String(now.tn)],
    ]), table("what it means", ["", ""], [
      ["sensitivity", three(now.sensitivity)],
      ["specificity", three(now.specificity)],
      [`${ill} among those called ${ill} (PPV)`, three(now.ppv)],
      [`${other} among those called ${other} (NPV)`, three(now.npv)],
    ]));
    said.textContent =
      `Called ${ill} from ${(threshold / 100).toFixed(2)} on: sensitivity ${three(now.sensitivity)}, specificity ` +
      `${three(now.specificity)}. Where ${percentWords(data.prevalences[prevalence])} of those who come have it, ` +
      `PPV ${three(now.ppv)}, NPV ${three(now.npv)}.`;
    figure.alt(said.textContent);
    model.set("state", { threshold, prevalence });
    model.save_changes();
  }

  const percentWords = (share) => `${Number((100 * share).toPrecision(2))} %`;
  const at = slider("threshold", 101, threshold, (i) => (i / 100).toFixed(2), (i) => { threshold = i; drawAll(); });
  const among = slider("prevalence", data.prevalences.length, prevalence, (i) => percentWords(data.prevalences[i]),
    (i) => { prevalence = i; drawAll(); });
  begin(el);
  el.append(make("div", { className: "labutils", role: "group", "aria-label": "Threshold and prevalence" },
    make("div", { className: "lu-row" }, at.element, among.element), said,
    make("div", { className: "lu-side" }, figure.element, numbers),
    legend([{ label: ill, colour: PURPLE, dash: "5 3" }, { label: run.names[1], colour: GREEN },
      { label: "threshold", colour: INK }])));
  drawAll();
}

export default { render };
