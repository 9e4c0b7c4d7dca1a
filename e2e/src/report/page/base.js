// What the other parts stand on: elements, times, the data, and what the address says.

/** An element; text is never read as markup. */
const h = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

const svg = (tag, attributes, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

/** `0.102 s`, `12.3 s`, `5 min 2 s`. */
const span = (seconds) => {
  if (seconds < 0.0005) return "0 s";
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round(seconds - minutes * 60);
  if (minutes < 60) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** A time on a spec's clock: `2.102`, `5:02.100`. */
const clock = (seconds) => {
  if (Math.abs(seconds) < 60) return `${seconds.toFixed(3)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - minutes * 60).toFixed(1).padStart(4, "0");
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
};

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} kB` : `${(bytes / 1048576).toFixed(1)} MB`);

const OUTCOMES = ["failed", "interrupted", "flaky", "passed", "skipped", "pending"];

/** How an attempt ended. The last one of an interrupted spec is no failure. */
const inAttempt = (spec, attempt) => {
  if (!(attempt.failures || []).length) return "passed";
  return spec.outcome === "interrupted" && attempt === spec.attempts[spec.attempts.length - 1] ? "interrupted" : "failed";
};

/** A short name for a spec that survives a new report. */
const idOf = (spec) => {
  let hash = 0x811c9dc5;
  for (const character of `${spec.suite}\n${spec.tier}\n${spec.name}`) {
    hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193);
  }
  return (hash >>> 0).toString(36);
};

const unpack = async (text) => {
  const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
};

/** Everything that is said in a spec, for the search; made when it is first asked for. */
const haystack = (spec) => {
  if (spec.haystack === undefined) {
    const parts = [spec.name, spec.suite, spec.tier, spec.story, spec.reason, ...(spec.labels || [])];
    for (const attempt of spec.attempts || []) {
      for (const failure of attempt.failures || []) parts.push(failure.message, failure.last_value);
      for (const moment of attempt.timeline || []) {
        parts.push(moment.text, moment.object && `${moment.object.kind} ${moment.object.name}`);
      }
    }
    spec.haystack = parts.filter(Boolean).join("\n").toLowerCase();
  }
  return spec.haystack;
};

/** The state that an address can carry: `#spec=1x2y&only=failed&q=node`. */
const address = {
  read() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    return Object.fromEntries(["spec", "only", "q", "tier", "suite", "label", "show"].map((key) => [key, parameters.get(key) || ""]));
  },
  write(state) {
    const parameters = new URLSearchParams(Object.entries(state).filter(([, value]) => value));
    const hash = parameters.size ? `#${parameters}` : location.pathname + location.search;
    if (`#${parameters}` !== location.hash) history.replaceState(null, "", hash);
  },
};

/** Lines with `+` and `-` in front, or any text. A story has its differences indented, and lists that are none. */
const code = (text, difference) => {
  const lines = text.replace(/\n$/, "").split("\n");
  return h("pre", { class: "code", tabindex: "0" }, lines.map((line) => {
    const marked = difference === "story" ? line.trimStart() : line;
    const listed = difference === "story" && marked[1] === " ";
    const kind = !difference || listed ? null : marked[0] === "+" ? "plus" : marked[0] === "-" ? "minus" : null;
    return h("span", { class: kind }, line);
  }));
};

/** Filled when it is opened: most never are. */
const lazily = (attributes, summary, fill) => {
  const element = h("details", attributes, h("summary", {}, summary));
  element.addEventListener("toggle", () => { if (element.open && element.children.length === 1) element.append(fill()); });
  return element;
};
