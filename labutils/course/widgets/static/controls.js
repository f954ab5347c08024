// Sliders, menus, boxes and buttons whose picture comes from the kernel. While the kernel draws, only the last move is
// kept: a slider that is dragged never piles up work.

function render({ model, el }) {
  const data = model.get("data");
  let sent = model.get("state").turn ?? 0;
  let behind = false;
  let taken = model.get("news").set?.turn ?? 0;
  const chosen = {};
  const setters = {};

  function tell() {
    if ((model.get("news").turn ?? 0) < sent) {
      behind = true;
      return;
    }
    behind = false;
    sent += 1;
    model.set("state", { ...chosen, turn: sent });
    model.save_changes();
  }

  const knobs = data.knobs.map((one) => {
    chosen[one.name] = model.get("state")[one.name] ?? one.start;
    const made = knob(one, chosen[one.name], (place) => { chosen[one.name] = place; tell(); });
    setters[one.name] = made.set;
    return made.element;
  });
  const buttons = data.buttons.map(([word, label]) =>
    make("button", { type: "button", onclick: () => model.send({ do: word }) }, label));
  const picture = make("div");
  const said = make("div", { role: "status" });

  function refresh() {
    const news = model.get("news");
    if (news.set && news.set.turn > taken) {
      taken = news.set.turn;
      Object.entries(news.set.places).forEach(([name, place]) => {
        chosen[name] = place;
        setters[name](place);
      });
    }
    if (picture.dataset.shown !== news.picture) picture.innerHTML = picture.dataset.shown = news.picture ?? "";
    said.replaceChildren(...(news.words ?? "").split("\n").map((line) => make("p", {}, line)));
    buttons.forEach((button) => { button.disabled = Boolean(news.busy); });
    box.dataset.turn = news.turn ?? 0;
    if (behind) tell();
  }

  const rows = [...knobs, ...(buttons.length ? [make("div", { className: "lu-row" }, ...buttons)] : [])];
  const box = make("div", { className: "labutils", role: "group", "aria-label": data.title },
    ...(data.side
      ? [make("div", { className: "lu-side" }, make("div", { className: "lu-column" }, ...rows), make("div", { className: "lu-wide" }, picture, said))]
      : [make("div", { className: "lu-row" }, ...rows), picture, said]));
  begin(el);
  el.append(box);
  model.on("change:news", refresh);
  refresh();
  return () => model.off("change:news", refresh);
}

export default { render };
