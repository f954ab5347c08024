// A question before its answer: choices, a button, and what the kernel says once the reader has committed.

function render({ model, el }) {
  const data = model.get("data");
  const name = `labutils-question-${(counted += 1)}-${Math.random().toString(36).slice(2)}`;
  const radios = data.choices.map(() => make("input", { type: "radio", name }));
  const rows = data.choices.map((words, i) => make("div", {}, make("label", {}, radios[i], ` ${words}`)));
  const said = make("div", { role: "status" });
  const commit = make("button", {
    type: "button",
    title: "Commit to this choice and see the answer",
    onclick: () => {
      const chosen = radios.findIndex((one) => one.checked);
      if (chosen < 0) said.textContent = data.unchosen;
      else model.send({ commit: chosen });
    },
  }, "Commit");

  function refresh() {
    const { chosen, said: lines } = model.get("news");
    const done = chosen !== undefined;
    radios.forEach((one, i) => {
      if (done) one.checked = i === chosen;
      one.disabled = done;
    });
    commit.disabled = done;
    said.replaceChildren(...(done ? lines : [data.unchosen]).map((line, i) =>
      make("p", {}, done && i === 0 ? make("b", {}, line) : line)));
  }

  begin(el);
  el.append(make("div", { className: "labutils", role: "radiogroup", "aria-label": data.question },
    make("p", {}, make("b", {}, "Predict: "), data.question), ...rows,
    make("div", { className: "lu-row" }, commit), said));
  model.on("change:news", refresh);
  refresh();
  return () => model.off("change:news", refresh);
}

export default { render };
