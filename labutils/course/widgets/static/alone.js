// A control without a kernel: what the page needs was packed, and what the kernel would say to it was written down.

/** The model of a control: `played` are pictures by the places of the knobs, `answered` the news by what is sent. */
function recording({ data, state, news, played, answered }) {
  const values = { data, state, news };
  const heard = {};
  const tell = (now) => {
    values.news = { ...now, turn: values.state.turn };
    (heard["change:news"] ?? []).forEach((listener) => listener());
  };
  return {
    get: (name) => values[name],
    set: (name, value) => { values[name] = value; },
    on: (name, listener) => { (heard[name] ??= []).push(listener); },
    off() {},
    save_changes() { if (played) tell(played[data.knobs.map(({ name }) => values.state[name]).join()]); },
    send(message) { if (answered) tell(answered[message.commit]); },
  };
}

/** Unpack what was packed by control.static_page, and put the control in the place of its still picture if it works. */
async function wake(render, el, packed) {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const model = recording(JSON.parse(await new Response(unpacked).text()));
  const alive = el.cloneNode();
  render({ model, el: alive });
  el.replaceWith(alive);
}
