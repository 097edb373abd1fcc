// Words, times and elements. Every sentence comes from the host's catalogue.
export const words = JSON.parse(document.body.dataset.words);
export const $ = (id) => document.getElementById(id);
export const list = (text) => text.split("|");

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

const lang = document.documentElement.lang;
const { zone } = document.body.dataset;
const OTHER_DAY_MS = 20 * 3600e3;

// The room's hours, whatever zone this machine is in: they stand beside hours that the host wrote.
// What is about a day away is of another day, and says so.
export function clock(millis) {
  const at = new Date(millis);
  const hour = at.toLocaleTimeString(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
  if (Math.abs(Date.now() - millis) < OTHER_DAY_MS) return hour;
  return `${at.toLocaleDateString("fr", { day: "2-digit", month: "2-digit", timeZone: zone })} ${hour}`;
}

// What o'clock it is elsewhere, since it was last heard. Of the two measures of what has passed since, the
// longer: a clock may be set back, and ticks stop while a machine sleeps; nothing looks younger than it is.
export class Hours {
  #at = 0; #date = 0; #tick = 0;

  constructor(at = Date.now()) { this.set(at); }

  set(at) { this.#at = at; this.#date = Date.now(); this.#tick = performance.now(); }

  get passed() { return Math.max(Date.now() - this.#date, performance.now() - this.#tick); }

  get now() { return this.#at + this.passed; }
}

export function age(millis) {
  const seconds = Math.max(0, Math.round(millis / 1000));
  if (seconds < 60) return fill(words.seconds, { n: seconds });
  if (seconds < 3600) return fill(words.minutes, { n: Math.floor(seconds / 60) });
  if (seconds < 86400) return fill(words.hours, { n: Math.floor(seconds / 3600) });
  return fill(words.days, { n: Math.floor(seconds / 86400) });
}

export function el(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

// Why the host refuses, in its own words; it has none when it is in trouble itself.
export async function refusal(answer) {
  const said = await answer.json().catch(() => null);
  return said?.error ?? words.unreachable;
}

// A sign beside a word says it again for who does not see colours; screen readers skip it.
export function sign(mark) {
  const made = el("span", "sign", mark);
  made.setAttribute("aria-hidden", "true");
  return made;
}

export function button(className, text, act, key) {
  const made = el("button", className, text);
  made.type = "button";
  if (key) made.append(" ", el("kbd", "", key));
  made.addEventListener("click", act);
  return made;
}

// A text that grows old by itself: written anew each second by `renderAges`.
export function aging(className, text, since) {
  const made = el("span", className, "");
  Object.assign(made.dataset, { since, text });
  return made;
}

export function renderAges(now) {
  for (const each of document.querySelectorAll("[data-since]")) {
    const text = fill(each.dataset.text, { age: age(now - Number(each.dataset.since)) });
    if (each.textContent !== text) each.textContent = text;
  }
}

// Draw a list: what did not change stays the very same element, so that neither the focus nor the
// mouse loses it; what did change takes its focus along. Entries are [key, what it shows, make].
export function keep(box, entries) {
  const before = new Map([...box.children].map((node) => [node.dataset.key, node]));
  const focused = box.contains(document.activeElement) ? focusName(document.activeElement, box) : null;
  const nodes = entries.map(([key, shown, make]) => {
    const sign = JSON.stringify(shown);
    const known = before.get(key);
    if (known?.dataset.sign === sign) return known;
    const made = make();
    Object.assign(made.dataset, { key, sign });
    return made;
  });
  const same = nodes.length === box.children.length && nodes.every((node, index) => node === box.children[index]);
  if (same) return;
  // Only what is new is put in: fifty cards are not laid out again because one more has come.
  const kept = new Set(nodes);
  for (const node of [...box.children]) if (!kept.has(node)) node.remove();
  nodes.forEach((node, index) => { if (box.children[index] !== node) box.insertBefore(node, box.children[index] ?? null); });
  if (!focused) return;
  // What was pressed may be gone: its card is not, and chooses no more than itself.
  const there = box.querySelector(focused) ?? box.querySelector(focused.replace(/ \[data-act=.*$/, ' [data-act="pick"]'));
  there?.focus({ preventScroll: true });
}

function focusName(node, box) {
  const entry = node.closest("[data-key]");
  if (!entry || !box.contains(entry)) return null;
  const act = node.dataset.act ? `[data-act="${CSS.escape(node.dataset.act)}"]` : "button";
  return `[data-key="${CSS.escape(entry.dataset.key)}"] ${act}`;
}
