// What the controls share: elements, images out of a sprite, charts with fixed axes.

const SVG = "http://www.w3.org/2000/svg";
const BLUE = "#0072B2";
const ORANGE = "#B84E00";
const GREEN = "#00775A";
const PURPLE = "#A03E86";
const GREY = "#6B6B6B";
const INK = "#333333";
let counted = 0;

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  // JupyterLab would take arrows and digits for commands; it asks the element that has the focus.
  if (["input", "select", "button"].includes(tag) || "tabIndex" in properties) {
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  element.append(...children);
  return element;
}

/** Mark a control as alive: the still picture beside it goes. */
function begin(el) {
  el.classList.add("labutils-live");
}

function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A labelled slider over places 0 to n - 1; its value is said in words. */
function slider(label, n, place, words, moved) {
  const id = `labutils-${(counted += 1)}-${Math.random().toString(36).slice(2)}`;
  const said = make("output", { htmlFor: id });
  const input = make("input", { type: "range", id, min: 0, max: n - 1, step: 1 });
  input.value = place;
  const say = () => {
    said.textContent = words(Number(input.value));
    input.setAttribute("aria-valuetext", said.textContent);
  };
  input.addEventListener("input", () => {
    say();
    moved(Number(input.value));
  });
  say();
  const element = make("label", { htmlFor: id }, label, input, said);
  return { element, input, set: (value) => { input.value = value; say(); } };
}

function select(label, choices, place, moved) {
  const input = make("select", { onchange: () => moved(input.selectedIndex) });
  choices.forEach((choice) => input.append(make("option", {}, choice)));
  input.selectedIndex = place;
  const set = (value) => { input.selectedIndex = value; };
  return { element: make("label", {}, label, input), input, set };
}

function checkbox(label, place, moved) {
  const input = make("input", { type: "checkbox", checked: Boolean(place), onchange: () => moved(Number(input.checked)) });
  return { element: make("label", {}, input, label), input, set: (value) => { input.checked = Boolean(value); } };
}

/** A knob of one of the kinds that the kernel knows. */
function knob({ kind, label, choices }, place, moved) {
  if (kind === "slider") return slider(label, choices.length, place, (i) => choices[i], moved);
  return kind === "box" ? checkbox(label, place, moved) : select(label, choices, place, moved);
}

function table(caption, heads, rows) {
  const head = make("tr", {}, ...heads.map((text) => make(text ? "th" : "td", text ? { scope: "col" } : {}, text)));
  const body = rows.map(([first, ...rest]) =>
    make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((text) => make("td", {}, text))));
  return make("table", { "aria-label": caption }, ...(heads.some(Boolean) ? [make("thead", {}, head)] : []),
    make("tbody", {}, ...body));
}

const WIDTH = 330;
const HEIGHT = 230;
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 10, 26, 38];

function ticks([low, high], n = 5) {
  const rough = (high - low) / n;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * unit).find((size) => size >= rough * 0.999);
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9; k++) out.push(Number((k * step).toPrecision(10)));
  return out;
}

/** One pair of axes with fixed ends; `lines` draws curves into them. */
function panel({ title, x, y, xLabel, guess }) {
  const across = (value) => LEFT + ((value - x[0]) / (x[1] - x[0])) * (WIDTH - LEFT - RIGHT);
  const down = (value) => {
    const share = (Math.min(Math.max(value, y[0]), y[1]) - y[0]) / (y[1] - y[0]);
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  };
  const [right, bottom] = [WIDTH - RIGHT, HEIGHT - BOTTOM];
  const curves = draw("g");
  const element = draw("g", {}, draw("text", { x: LEFT, y: TOP - 10 }, title));
  ticks(y).forEach((value) => {
    element.append(draw("path", { d: `M${LEFT} ${down(value)}H${right}`, stroke: GREY, "stroke-opacity": 0.3 }));
    element.append(draw("text", { x: LEFT - 5, y: down(value) + 4, "text-anchor": "end" }, String(value)));
  });
  ticks(x).forEach((value) =>
    element.append(draw("text", { x: across(value), y: bottom + 14, "text-anchor": "middle" }, String(value))));
  element.append(
    draw("path", { d: `M${LEFT} ${TOP}V${bottom}H${right}`, fill: "none", stroke: GREY }),
    draw("text", { x: (LEFT + right) / 2, y: bottom + 30, "text-anchor": "middle" }, xLabel));
  if (guess !== undefined && guess !== null) {
    element.append(
      draw("path", { d: `M${LEFT} ${down(guess)}H${right}`, stroke: GREY, "stroke-dasharray": "1 3" }),
      draw("text", { x: right, y: down(guess) - 3, "text-anchor": "end" }, "guessing"));
  }
  element.append(curves);
  const lines = (list) => {
    curves.replaceChildren(
      ...list.filter((line) => line.x.length).map((line) => {
        const points = line.x.map((value, i) => `${across(value).toFixed(1)},${down(line.y[i]).toFixed(1)}`);
        const look = {
          fill: "none",
          stroke: line.colour,
          "stroke-width": line.width ?? 1.8,
          "stroke-dasharray": line.dash ?? "none",
          "stroke-opacity": line.opacity ?? 1,
        };
        if (line.x.length > 1) return draw("polyline", { points: points.join(" "), ...look });
        const [cx, cy] = points[0].split(",");
        return draw("circle", { cx, cy, r: 2.5, fill: line.colour });
      }));
  };
  return { element, lines };
}

/** Panels side by side; `alt` puts the picture into words. */
function chart(panels) {
  const width = WIDTH * panels.length;
  const element = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img" });
  panels.forEach((one, i) => element.append(draw("g", { transform: `translate(${i * WIDTH},0)` }, one.element)));
  return { element, alt: (words) => element.setAttribute("aria-label", words) };
}

function legend(entries) {
  return make("div", { className: "lu-row lu-legend" }, ...entries.map(({ label, colour, dash, width }) => {
    const sample = draw("svg", { width: 26, height: 8, "aria-hidden": "true" },
      draw("path", { d: "M0 4H26", stroke: colour, "stroke-width": width ?? 1.8, "stroke-dasharray": dash ?? "none" }));
    return make("span", { style: "display: inline-flex; gap: 6px; align-items: center" }, sample, label);
  }));
}

/** Grey or colour images, packed as base64 of bytes (images, side, side, channels), drawn one by one. */
function sprite(packed) {
  const bytes = Uint8Array.from(atob(packed.bytes), (c) => c.charCodeAt(0));
  const { side, channels } = packed;
  return (index, size, alt) => {
    const said = alt ? { role: "img", "aria-label": alt } : { "aria-hidden": "true" };
    const canvas = make("canvas", { width: side, height: side, ...said });
    canvas.style.width = canvas.style.height = `${size}px`;
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(side, side);
    for (let i = 0; i < side * side; i++) {
      for (let c = 0; c < 3; c++) {
        pixels.data[4 * i + c] = bytes[(index * side * side + i) * channels + (channels === 3 ? c : 0)];
      }
      pixels.data[4 * i + 3] = 255;
    }
    context.putImageData(pixels, 0, 0);
    return canvas;
  };
}

const percent = (share) => `${(100 * share).toFixed(0)} %`;
const three = (value) => (value === null ? "none" : value.toFixed(3));
const pWords = (p) => (p >= 0.0005 ? `= ${p.toFixed(3)}` : "< 0.001");
