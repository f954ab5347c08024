// You against the network: unlabelled validation images, one key or button for each class, then both are compared.

function render({ model, el }) {
  const data = model.get("data");
  const picture = sprite(data.images);
  const n = data.truth.length;
  let answers = [...(model.get("state").answers ?? [])];
  const stage = make("div");
  const said = make("p", { role: "status" });
  const example = data.examples ? sprite(data.examples) : null;
  const each = data.examples?.each ?? 0;
  const buttons = data.names.map((name, k) => make("button", { type: "button", onclick: () => answer(k) },
    ...(example ? Array.from({ length: each }, (_, i) => example(k * each + i, 56, "")) : []),
    make("div", {}, `${name} (${k + 1})`)));
  const row = make("div", { className: "lu-row" }, ...buttons);
  const keys = data.names.length === 2 ? "1 and 2" : `1 to ${data.names.length}`;
  const shown = example ? `Above each name: ${each} training images of that class. ` : "";
  const hint = make("p", {}, `${shown}Keys ${keys} answer too. Nothing is graded; your own copy keeps the result for you.`);
  const again = make("button", { type: "button", onclick: () => { answers = []; drawAll(true); } }, "Once more");

  function answer(k) {
    if (answers.length >= n) return;
    answers = [...answers, k];
    drawAll(false);
  }

  function drawAll(focus) {
    model.set("state", { answers });
    model.save_changes();
    const done = answers.length >= n;
    hint.hidden = row.hidden = done;
    row.style.display = done ? "none" : "";
    if (!done) {
      stage.replaceChildren(picture(answers.length, 240, `validation image ${answers.length + 1} of ${n}`));
      said.textContent = `Image ${answers.length + 1} of ${n}: which is it?`;
      if (focus) buttons[0].focus();
      return;
    }
    const { right, interval: [low, high], network, onlyYou, onlyNetwork, p, bothWrong } = judgeAnswers(answers, data);
    said.textContent =
      `You: ${right} of ${n} right, ${three(right / n)} [${three(low)}, ${three(high)}]. ` +
      `The network on the same images: ${three(network)}. Only you were right on ${onlyYou}, only the ` +
      `network on ${onlyNetwork}: McNemar's p ${pWords(p)}. ${data.ceiling}`;
    const missed = bothWrong.slice(0, 10).map((i) => make("figure", {},
      picture(i, 70, `wrong by both, true class ${data.names[data.truth[i]]}`),
      make("figcaption", {}, data.names[data.truth[i]])));
    const head = bothWrong.length
      ? `Both got ${bothWrong.length} wrong; the true class is below each:` : "There is no image that both got wrong.";
    stage.replaceChildren(make("p", {}, head), make("div", { className: "lu-images" }, ...missed), again);
    if (focus !== null) again.focus();
  }

  begin(el);
  const box = make("div", { className: "labutils", role: "group", "aria-label": "You against the network", tabIndex: 0,
    onkeydown: (event) => {
      const k = Number(event.key) - 1;
      if (k >= 0 && k < data.names.length && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        event.stopPropagation();
        answer(k);
      }
    } }, said, stage, row, hint);
  el.append(box);
  drawAll(null);
}

export default { render };
