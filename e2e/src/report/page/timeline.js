// One attempt on one clock: a chart of lanes, and every moment below it.

const LANES = [
  ["Spec", "k-step", ["hook", "step", "clean-up", "artefact"]],
  ["Waits", "k-expectation", ["expectation", "transition", "failure"]],
  ["Objects", "k-watch", ["watch"]],
  ["Events", "k-event", ["event"]],
  ["Logs", "k-log", ["log"]],
  ["Faults", "k-fault", ["fault"]],
];

/** So many moments are drawn at first; the rest on request. */
const AT_FIRST = 600;

/** Round steps for an axis of this length: at most six. */
const ticks = (length) => {
  const rough = length / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const steps = length < 60 ? [1, 2, 5, 10].map((n) => n * power) : [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const step = steps.find((candidate) => candidate >= rough) || rough;
  return Array.from({ length: Math.floor(length / step + 1e-9) + 1 }, (_, index) => index * step);
};

const axisText = (seconds, length) => (seconds === 0 ? "0" : length < 1 ? `${Math.round(seconds * 1000)} ms` : length < 60 ? `${+seconds.toFixed(2)} s` : span(seconds));

const chart = (moments, show) => {
  const length = moments.reduce((end, moment) => Math.max(end, moment.at + (moment.took || 0)), 0) || 0.001;
  const percent = (seconds) => `${Math.min(100, Math.max(0, (seconds / length) * 100))}%`;
  const lanes = LANES.map(([name, tint, kinds]) => {
    const own = moments.filter((moment) => kinds.includes(moment.kind));
    if (!own.length) return null;
    const track = h("div", { class: `track ${tint}`, title: `${name}: ${own.length}` }, own.map((moment) => h("span", {
      class: `mark${moment.took ? " span" : ""}${moment.failed || moment.kind === "failure" ? " bad" : ""}`,
      style: `left:min(${percent(moment.at)}, 100% - 3px);${moment.took ? `width:${percent(moment.took)}` : ""}`,
    })));
    track.addEventListener("click", (event) => {
      const box = track.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width) * length;
      show(own.reduce((near, moment) => (Math.abs(moment.at - at) < Math.abs(near.at - at) ? moment : near)));
    });
    return h("div", { class: "lane" }, h("span", {}, name), track);
  });
  const bands = moments.filter((moment) => moment.kind === "fault" && moment.took).map((moment) =>
    h("span", { class: "band", style: `left:${percent(moment.at)};width:${percent(moment.took)}` }));
  const failure = moments.find((moment) => moment.kind === "failure");
  const line = failure && h("span", { class: "fail-line", style: `left:${percent(failure.at)}` });
  const marks = ticks(length).map((at) => h("i", { style: `left:${percent(at)}`, class: at > length * 0.94 ? "end" : null }, axisText(at, length)));
  return h("div", { class: "chart" }, h("div", { class: "bands" }, bands, line), lanes, h("div", { class: "axis" }, h("span"), h("div", {}, marks)));
};

/** The text of a moment, with whom it is about in front. */
const told = (moment) => {
  const parts = [];
  if (moment.object) {
    const [kind] = moment.object.kind.split(".");
    parts.push(h("span", { class: "who", title: `${moment.object.kind}, revision ${moment.object.revision}` }, `${kind} ${moment.object.name}`), " ", h("span", { class: "what" }, moment.text));
  } else if (moment.kind === "log" && moment.text.includes(": ")) {
    const cut = moment.text.indexOf(": ");
    parts.push(h("span", { class: "what from" }, moment.text.slice(0, cut)), " ", moment.text.slice(cut + 2));
  } else if (moment.kind === "event" && moment.text.includes(": ")) {
    const cut = moment.text.indexOf(": ");
    parts.push(h("span", { class: "who" }, moment.text.slice(0, cut)), " ", h("span", {}, moment.text.slice(cut + 2)));
  } else {
    parts.push(moment.text);
  }
  if (moment.took > 0) parts.push(" ", h("span", { class: "for" }, `for ${span(moment.took)}`));
  return parts;
};

const momentRow = (moment, same, begin) => {
  const absolute = begin ? new Date(begin + moment.at * 1000).toISOString() : "";
  const text = told(moment);
  const difference = moment.object && moment.object.change === "modified";
  return h("li", { class: `moment k-${moment.kind}${moment.failed ? " bad" : ""}`, "data-kind": moment.kind },
    h("time", { class: `at${same ? " same" : ""}`, title: absolute }, clock(moment.at)), h("span", { class: "pin", title: moment.kind }),
    h("div", { class: "text" }, moment.detail ? lazily({}, text, () => code(moment.detail, difference || /^[-+]/m.test(moment.detail))) : text));
};

const timeline = (app, attempt) => {
  const moments = attempt.timeline || [];
  if (!moments.length) return [];
  const rows = h("ol", { class: "moments" });
  const state = { lanes: new Set(LANES.map(([name]) => name)), q: "", all: moments.length <= AT_FIRST * 1.2 };
  const begin = attempt.cluster_started ? Date.parse(attempt.cluster_started) : null;
  const elements = new Map();
  const draw = () => {
    const kinds = new Set(LANES.filter(([name]) => state.lanes.has(name)).flatMap(([, , kinds]) => kinds));
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (moment) => `${moment.object ? `${moment.object.kind} ${moment.object.name} ` : ""}${moment.text}\n${moment.detail || ""}`.toLowerCase();
    const found = moments.filter((moment) => kinds.has(moment.kind) && words.every((word) => text(moment).includes(word)));
    const drawn = state.all ? found : found.slice(-AT_FIRST);
    elements.clear();
    let last = null;
    rows.replaceChildren(
      ...(drawn.length < found.length ? [h("li", {}, h("button", { class: "more", onclick: () => { state.all = true; draw(); } }, `Show the ${found.length - drawn.length} before these`))] : []),
      ...drawn.map((moment) => {
        const row = momentRow(moment, moment.at === last, begin);
        last = moment.at;
        elements.set(moment, row);
        return row;
      }),
      ...(drawn.length ? [] : [h("li", { class: "empty" }, "Nothing matches.")]));
  };
  const show = (moment) => {
    if (!elements.has(moment)) { state.all = true; draw(); }
    const row = elements.get(moment);
    if (!row) return;
    row.scrollIntoView({ block: "center", behavior: "smooth" });
    row.classList.add("flash");
    setTimeout(() => row.classList.remove("flash"), 1600);
  };
  draw();
  return [
    h("h2", {}, "Timeline", h("span", {}, `${plural(moments.length, "moment")} on the cluster's clock`)),
    h("section", { class: "card", id: "timeline" }, chart(moments, show), laneFilter(moments, state, draw), rows),
  ];
};

const laneFilter = (moments, state, draw) => h("div", { class: "kinds", role: "group", "aria-label": "What to show" },
  LANES.map(([name, tint, kinds]) => {
    const count = moments.filter((moment) => kinds.includes(moment.kind)).length;
    return count > 0 && h("button", {
      class: "chip small", "data-lane": name, "aria-pressed": "true",
      onclick: (event) => {
        const on = !state.lanes.has(name);
        if (on) state.lanes.add(name); else state.lanes.delete(name);
        event.currentTarget.setAttribute("aria-pressed", String(on));
        draw();
      },
    }, h("span", { class: `dot ${tint}` }), name, h("b", {}, String(count)));
  }),
  h("input", { type: "search", placeholder: "Search the timeline", "aria-label": "Search the timeline", oninput: (event) => { state.q = event.target.value; draw(); } }));
