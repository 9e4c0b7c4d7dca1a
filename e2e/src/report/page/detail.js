// One spec: what came of it, why, the timeline, and what was collected.

const rerun = (spec) => {
  const quoted = `'${spec.name.replaceAll("'", "'\\''")}'`;
  const seed = spec.seed === undefined ? "" : `SEATRIAL_SEED=${spec.seed} `;
  return `SEATRIAL_TIER=${spec.tier} ${seed}cargo test --test ${spec.suite} -- --exact ${quoted}`;
};

const copyButton = (text) => h("button", {
  class: "copy",
  onclick: async (event) => {
    const button = event.currentTarget;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      prompt("The command that runs it again:", text);
    }
    setTimeout(() => { button.textContent = "Copy rerun command"; }, 1500);
  },
}, "Copy rerun command");

const failureCard = (failure, index) => {
  const [first, ...rest] = failure.message.split("\n");
  const parts = [h("p", { class: "message" }, first)];
  if (failure.place) parts.push(h("p", { class: "place" }, `${failure.place.file}:${failure.place.line}:${failure.place.column}`));
  if (rest.length) parts.push(h("h3", {}, "In full"), code(rest.join("\n"), "story"));
  if (failure.expected && !failure.message.includes(failure.expected)) parts.push(h("h3", {}, "Expected"), h("p", {}, failure.expected));
  if (failure.difference) parts.push(h("h3", {}, "Difference: − expected, + seen"), code(failure.difference, true));
  if (failure.last_api_error) parts.push(h("h3", {}, "Last API error"), h("p", {}, `${failure.last_api_error.text} (at ${clock(failure.last_api_error.at)})`));
  const transitions = failure.transitions || [];
  if (transitions.length) {
    const table = () => h("table", { class: "steps" },
      h("tbody", {}, transitions.map(({ at, text }) => h("tr", {}, h("td", {}, clock(at)), h("td", {}, text)))));
    const title = `What it went through (${transitions.length})`;
    if (transitions.length > 6) parts.push(lazily({ class: "fold" }, title, table));
    else parts.push(h("h3", {}, title), table());
  }
  if (failure.last_value) parts.push(lazily({ class: "fold" }, "Last value", () => code(failure.last_value)));
  return h("section", { class: `card failure${index ? " later" : ""}` }, h("div", { class: "body" }, parts));
};

const artefacts = (app, attempt) => {
  const files = attempt.artefacts || [];
  const lacking = attempt.uncollected || [];
  if (!files.length && !lacking.length) return [];
  const file = (artefact) => {
    const content = app.data.contents[artefact.path];
    const short = artefact.path.split("/").slice(4).join("/") || artefact.path;
    const name = [h("span", {}, artefact.title), h("span", { class: "path" }, short), h("span", { class: "size" }, size(artefact.bytes))];
    const link = () => h("a", { href: artefact.path.split("/").map(encodeURIComponent).join("/") }, "the whole file");
    return h("li", {}, content ? lazily({ "data-file": short }, name, () => h("div", {},
      content.cut ? h("p", { class: "muted" }, `${content.cut} `, link()) : null, code(content.text)))
      : h("details", {}, h("summary", {}, name), h("p", { class: "muted" }, "It is not in this page: ", link())));
  };
  return [
    h("h2", {}, "Collected at the failure", h("span", {}, plural(files.length, "file"))),
    h("section", { class: "card", id: "artefacts" }, files.length ? h("ul", { class: "files" }, files.map(file)) : null,
      lacking.length ? h("div", { class: "lacking" }, h("div", {}, "Could not be collected:"), h("ul", {}, lacking.map((note) => h("li", {}, note)))) : null),
  ];
};

const attemptView = (app, spec, attempt) => [
  ...(attempt.failures || []).map(failureCard),
  !(attempt.failures || []).length && spec.story && ["failed", "interrupted"].includes(spec.outcome)
    ? h("section", { class: "card failure" }, h("div", { class: "body" }, h("p", { class: "message long" }, spec.story))) : null,
  ...timeline(app, attempt),
  ...artefacts(app, attempt),
];

const detail = (app) => {
  const spec = app.data.report.specs.find((candidate) => candidate.id === app.state.spec);
  if (!spec) return [h("p", { class: "empty" }, "Choose a spec.")];
  const path = spec.path && spec.path.length ? spec.path : [spec.name];
  const attempts = spec.attempts || [];
  const body = h("div", { id: "attempt" });
  const tabs = attempts.map((attempt, index) => h("button", {
    class: "chip small", "aria-pressed": "false", onclick: () => choose(index),
  }, h("span", { class: `dot ${inAttempt(spec, attempt)}` }), `Attempt ${index + 1}`));
  const choose = (index) => {
    tabs.forEach((tab, other) => tab.setAttribute("aria-pressed", String(other === index)));
    body.replaceChildren(...attemptView(app, spec, attempts[index]).filter(Boolean));
  };
  // The attempt that explains: the last one that failed.
  if (attempts.length) choose(Math.max(attempts.findLastIndex((attempt) => (attempt.failures || []).length), attempts.length === 1 ? 0 : -1, 0));
  return [
    h("button", { class: "back", onclick: () => app.close() }, "‹ All specs"),
    h("p", { class: "path" }, [spec.suite, ...path.slice(0, -1)].join(" › ")), h("h1", {}, path[path.length - 1]),
    h("div", { class: "tags" },
      h("span", { class: `badge ${spec.outcome}` }, h("span", { class: "dot" }), spec.outcome),
      attempts.length ? h("span", {}, span(spec.seconds)) : null, h("span", {}, `on ${spec.tier}`),
      spec.seed !== undefined ? h("span", {}, `seed ${spec.seed}`) : null,
      spec.worker !== undefined ? h("span", {}, `worker ${spec.worker}`) : null,
      (spec.labels || []).map((label) => h("span", { class: "label" }, label)),
      attempts.length ? copyButton(rerun(spec)) : null),
    spec.reason ? h("section", { class: "card" }, h("div", { class: "body" }, spec.reason)) : null,
    attempts.length > 1 ? h("div", { class: "tabs" }, tabs) : null, body,
  ].filter(Boolean);
};
