// The head with the run's figures and filters, and the list of specs.

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

const head = (app) => {
  const { report } = app.data;
  const bad = report.failed;
  const ended = report.interrupted ? h("span", {}, ", ", h("b", { class: "interrupted" }, `${report.interrupted} interrupted`)) : null;
  const verdict = report.specs.length === 0 ? "No specs ran" : bad
    ? h("span", {}, h("b", { class: "failed" }, `${bad} failed`), ended, `, ${report.passed + report.flaky} passed`)
    : h("span", {}, h("b", { class: "passed" }, `${report.passed + report.flaky} passed`), ended);
  const dated = report.specs.flatMap((spec) => (spec.attempts || []).filter((attempt) => attempt.started));
  const facts = [];
  const tiers = distinct(report.specs.map((spec) => spec.tier));
  if (tiers.length) facts.push(`on ${tiers.join(", ")}`);
  if (dated.length) {
    const begins = dated.map((attempt) => Date.parse(attempt.started));
    const begin = begins.reduce((a, b) => Math.min(a, b));
    const end = dated.reduce((last, attempt, index) => Math.max(last, begins[index] + attempt.seconds * 1000), begin);
    facts.push(`in ${span((end - begin) / 1000)}`, new Date(begin).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }));
  }
  const seeds = distinct(report.specs.map((spec) => spec.seed).filter((seed) => seed !== undefined));
  if (seeds.length === 1) facts.push(`seed ${seeds[0]}`);
  const mark = svg("svg", { viewBox: "0 0 32 32", "aria-hidden": "true" }, svg("path", { d: "M15 4v17H5zM17 8l9 13h-9zM3 24h26l-4 5H7z" }));
  return [
    h("div", { class: "line" },
      h("span", { class: "brand" }, mark, "Seatrial"), h("span", { class: "verdict" }, verdict),
      h("span", { class: "facts" }, facts.map((fact) => h("span", {}, fact))),
      h("button", { class: "theme", title: "Light or dark", "aria-label": "Light or dark", onclick: switchTheme }, "◐")),
    course(app), tools(app),
  ];
};

const distinct = (values) => [...new Set(values)].sort();

const switchTheme = () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const root = document.documentElement;
  root.dataset.theme = (root.dataset.theme || (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
};

/** All specs on the machine's one clock, a lane for each worker. */
const course = (app) => {
  const entries = app.data.report.specs.flatMap((spec) => (spec.attempts || [])
    .filter((attempt) => attempt.started)
    .map((attempt) => ({ spec, attempt, begin: Date.parse(attempt.started) / 1000 })));
  if (entries.length < 2) return null;
  const first = entries.reduce((begin, entry) => Math.min(begin, entry.begin), Infinity);
  const length = entries.reduce((end, entry) => Math.max(end, entry.begin + entry.attempt.seconds), 0) - first || 1;
  // Several processes number their workers each from 0: whoever is free takes the next, as they do.
  const free = [];
  entries.sort((a, b) => a.begin - b.begin);
  for (const entry of entries) {
    let lane = free.findIndex((until) => until <= entry.begin + 0.0005);
    if (lane < 0) lane = free.length;
    free[lane] = entry.begin + entry.attempt.seconds;
    entry.lane = lane;
  }
  const height = Math.max(5, Math.min(12, 60 / free.length));
  const rects = entries.map(({ spec, attempt, begin, lane }) => {
    const ended = inAttempt(spec, attempt);
    const bad = ended !== "passed";
    const rect = svg("rect", {
      x: ((begin - first) / length) * 1000, y: lane * height + 1, height: height - 2,
      width: Math.max(1.2, (attempt.seconds / length) * 1000 - 0.6), rx: 1,
      style: `fill: var(--${bad && spec.outcome === "flaky" ? "flaky" : ended}); opacity: ${bad ? 1 : 0.55}`,
    }, svg("title", {}, `${spec.name}, ${span(attempt.seconds)}`));
    rect.addEventListener("click", () => app.open(spec));
    rect.dataset.spec = spec.id;
    return rect;
  });
  const drawing = svg("svg", { viewBox: `0 0 1000 ${free.length * height}`, preserveAspectRatio: "none", height: Math.min(72, free.length * height) }, ...rects);
  return h("div", { class: "course", title: "Each spec on the machine's clock, a lane for each that ran at the same time" }, drawing);
};

const tools = (app) => {
  const { report } = app.data;
  const chip = (only, name, count) => h("button", {
    class: "chip", "data-only": only || "all", "aria-pressed": String(app.state.only === only), disabled: Boolean(only) && !count,
    onclick: () => app.set({ only: app.state.only === only ? "" : only }),
  }, only && h("span", { class: `dot ${only}` }), name, h("b", {}, String(count)));
  const choice = (key, all, values) => values.length > 1 && h("select", {
    "aria-label": all, "data-key": key, onchange: (event) => app.set({ [key]: event.target.value }),
  }, h("option", { value: "" }, all), values.map((value) => h("option", { value, selected: app.state[key] === value }, value)));
  const counts = OUTCOMES.map((outcome) => [outcome, report[outcome] || 0]).filter(([outcome, count]) => count || outcome === "failed");
  const search = h("input", {
    type: "search", id: "search", placeholder: "Search names, failures, objects, logs", "aria-label": "Search", value: app.state.q,
    oninput: (event) => app.set({ q: event.target.value }),
  });
  return h("div", { class: "line tools" },
    h("div", { class: "search" }, search),
    h("div", { class: "chips", role: "group", "aria-label": "Outcome" },
      chip("", "All", report.specs.length), counts.map(([outcome, count]) => chip(outcome, outcome, count))),
    choice("tier", "All tiers", distinct(report.specs.map((spec) => spec.tier))),
    choice("suite", "All suites", distinct(report.specs.map((spec) => spec.suite))),
    choice("label", "All labels", distinct(report.specs.flatMap((spec) => spec.labels || []))));
};

/** The specs that the filters let through. */
const chosen = (app) => {
  const { only, q, tier, suite, label } = app.state;
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return app.data.report.specs.filter((spec) =>
    (!only || spec.outcome === only) && (!tier || spec.tier === tier) && (!suite || spec.suite === suite)
    && (!label || (spec.labels || []).includes(label)) && words.every((word) => haystack(spec).includes(word)));
};

const row = (app, spec) => {
  const path = spec.path && spec.path.length ? spec.path : [spec.name];
  const several = app.tiers > 1 ? `${spec.tier} · ` : "";
  const where = several + (spec.reason || path.slice(0, -1).join(" › "));
  return h("button", {
    class: "row", "data-spec": spec.id, "aria-current": String(app.state.spec === spec.id), onclick: () => app.open(spec),
  }, h("span", { class: `dot ${spec.outcome}`, title: spec.outcome }), h("span", { class: "name" }, path[path.length - 1]),
  h("span", { class: "took" }, spec.attempts && spec.attempts.length ? span(spec.seconds) : ""),
  where && h("span", { class: "where" }, where));
};

const list = (app) => {
  const specs = chosen(app);
  const sections = OUTCOMES.map((outcome) => [outcome, specs.filter((spec) => spec.outcome === outcome)]).filter(([, found]) => found.length);
  if (!sections.length) return [h("p", { class: "empty" }, app.data.report.specs.length ? "Nothing matches." : "No specs are in this report.")];
  return sections.flatMap(([outcome, found]) => [
    h("div", { class: "section" }, outcome[0].toUpperCase() + outcome.slice(1), h("span", {}, String(found.length))),
    ...found.map((spec) => row(app, spec)),
  ]);
};
