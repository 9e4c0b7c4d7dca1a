// Puts the parts together. The page's state is in its address, so a link to a spec is a link.

const app = {
  data: null, state: address.read(), tiers: 1,

  set(change) {
    Object.assign(app.state, change);
    address.write(app.state);
    app.draw("spec" in change);
  },
  open(spec) {
    app.scroll = scrollY;
    app.set({ spec: spec.id });
    document.body.classList.add("reading");
    document.getElementById("detail").scrollTop = 0;
    if (innerWidth <= 820) scrollTo(0, 0);
  },
  close() {
    document.body.classList.remove("reading");
    app.set({ spec: "" });
    scrollTo(0, app.scroll || 0);
  },
  draw(specToo) {
    document.getElementById("list").replaceChildren(...list(app));
    for (const chip of document.querySelectorAll("[data-only]")) {
      chip.setAttribute("aria-pressed", String((app.state.only || "all") === chip.dataset.only));
    }
    for (const rect of document.querySelectorAll(".course rect")) {
      rect.classList.toggle("on", rect.dataset.spec === app.state.spec);
    }
    if (specToo) document.getElementById("detail").replaceChildren(...detail(app));
  },
};

/** Up and down walk through the specs, `/` goes to the search. */
const keys = (event) => {
  if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search").focus();
  }
  const step = { j: 1, k: -1 }[event.key];
  if (step) {
    const rows = [...document.querySelectorAll("#list .row")];
    const current = rows.findIndex((candidate) => candidate.dataset.spec === app.state.spec);
    const next = rows[Math.min(rows.length - 1, Math.max(0, current + step))];
    if (next) {
      next.click();
      document.querySelector(`#list [data-spec="${next.dataset.spec}"]`).scrollIntoView({ block: "nearest" });
    }
  }
};

const begin = async () => {
  app.data = await unpack(document.getElementById("data").textContent);
  const { report } = app.data;
  for (const spec of report.specs) spec.id = idOf(spec);
  app.tiers = distinct(report.specs.map((spec) => spec.tier)).length;
  document.title = `${report.failed ? `${report.failed} failed` : `${report.passed + report.flaky} passed`} · Seatrial report`;
  const linked = report.specs.some((spec) => spec.id === app.state.spec);
  if (linked) document.body.classList.add("reading");
  else {
    const first = OUTCOMES.map((outcome) => report.specs.find((spec) => spec.outcome === outcome)).find(Boolean);
    app.state.spec = first && innerWidth > 820 ? first.id : "";
  }
  document.getElementById("top").replaceChildren(...head(app).filter(Boolean));
  app.draw(true);
  addEventListener("keydown", keys);
  addEventListener("hashchange", () => { app.state = address.read(); app.draw(true); document.body.classList.toggle("reading", Boolean(app.state.spec)); });
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
};

begin().catch((error) => {
  document.getElementById("detail").replaceChildren(h("p", { class: "empty" }, `This report cannot be drawn: ${error.message}. A browser of 2023 or later is needed.`));
  document.body.classList.add("reading");
  throw error;
});
