// Who can come, how soon and why; who was sent, and how far he is.
import { $, aging, button, el, fill, keep, refusal, sign, words } from "./text.js";
import { can, chosen, crewNamed, isOpen } from "./room.js";
import { complain, engage, release } from "./decide.js";

export function renderHelp() {
  const picture = chosen();
  $("help").hidden = !isOpen(picture);
  if (!isOpen(picture)) return;
  ranked(picture);
  const sent = sentOf(picture);
  $("sent-title").hidden = !sent.length;
  keep($("sent"), sent.map((crew) => [crew.id, [crew, status(crew.id), picture.told.crews[crew.id]], () => sentRow(picture, crew)]));
  const waiting = candidates(picture);
  keep($("crews"), waiting.map((crew, index) => [crew.id, [index, { ...crew, route: 0 }], () => crewRow(picture, crew, index)]));
  $("no-crew").hidden = waiting.length > 0;
  $("no-crew").textContent = picture.position ? words.noCrew : words.noCrewNoPlace;
}

const status = (id) => crewNamed(id)?.status ?? "unknown";
const candidates = (picture) => picture.crews.filter((each) => !each.engaged);

// Whoever was sent stays on the page, ranked or not: his radio may have fallen silent.
function sentOf(picture) {
  return picture.engaged.map((id) => picture.crews.find((each) => each.id === id)
    ?? { id, name: crewNamed(id)?.name ?? id, time: "", distance: "", means: "", reasons: [], byRoad: true, fixed: crewNamed(id)?.position?.fixed });
}

// --- the number pressed is the one seen ---

// The ranking moves with the crews. A hand that presses "1" answers what the eye saw: an order that
// changed less than a reaction ago is not the one meant.
export const REACTION_MS = 700;
const ranking = { incident: null, now: [], before: [], changed: -Infinity };

function ranked(picture) {
  const now = candidates(picture).map((crew) => crew.id);
  if (ranking.incident !== picture.incident) Object.assign(ranking, { incident: picture.incident, now, before: now, changed: -Infinity });
  else if (now.join() !== ranking.now.join()) Object.assign(ranking, { before: ranking.now, now, changed: performance.now() });
}

export function engageNumber(picture, number) {
  ranked(picture);
  const order = performance.now() - ranking.changed < REACTION_MS ? ranking.before : ranking.now;
  const crew = candidates(picture).find((each) => each.id === order[number - 1]);
  if (crew) engage(picture, crew, number);
  else complain(fill(words.noNumber, { n: number }));
}

// --- rows ---

function crewRow(picture, crew, index) {
  const item = el("li", `crew${crew.stale ? " stale" : ""}`);
  const act = button("pick", "", () => engage(picture, crew, index + 1));
  act.dataset.crew = crew.id;
  act.disabled = !can("decider");
  act.dataset.act = "engage";
  act.append(el("span", "n", index < 9 ? String(index + 1) : ""), el("span", "name", crew.name), el("span", "time", crew.time));
  act.setAttribute("aria-label", fill(words.engageCrew, { crew: crew.name, time: crew.time }));
  item.append(act, why(crew));
  return item;
}

function why(crew) {
  const box = el("p", "why", "");
  const parts = [crew.means, crew.distance].filter(Boolean);
  if (crew.fixed) parts.push(aging(crew.stale ? "warn" : "", words.positionAge, crew.fixed));
  parts.push(...crew.reasons.map((reason) => el("span", crew.byRoad ? "" : "warn", reason)));
  parts.forEach((part, index) => box.append(index ? " · " : "", part));
  return box;
}

const STEPS = ["alerted", "en_route", "on_scene"];

function sentRow(picture, crew) {
  const item = el("li", "crew sent");
  item.dataset.crew = crew.id;
  const head = el("p", "row");
  head.append(el("span", "name", crew.name), el("span", "time", status(crew.id) === "on_scene" ? "" : crew.time));
  const told = picture.told.crews[crew.id] ?? "pending";
  const reached = Math.max(0, STEPS.indexOf(status(crew.id)));
  const steps = el("p", "steps");
  steps.append(...STEPS.map((step, index) => {
    const done = index <= reached && (index > 0 || told === "yes" || reached > 0);
    const made = el("span", index === reached && done ? "step now" : done ? "step done" : "step");
    made.append(sign(done ? "●" : "○"), words[step]);
    if (done && index === reached) made.setAttribute("aria-current", "step");
    return made;
  }));
  item.append(head, steps);
  if (reached === 0 && told !== "yes") item.append(el("p", "warn", told === "pending" ? words.orderPending : words.orderByRadio));
  item.append(why(crew));
  if (!can("decider")) return item;
  const back = button("plain", words.release, () => release(picture, crew));
  back.dataset.act = "release";
  back.setAttribute("aria-label", fill(words.releaseCrew, { crew: crew.name }));
  const link = button("plain", words.crewLink, () => showLink(picture, crew));
  link.dataset.act = "link";
  link.setAttribute("aria-label", fill(words.crewLinkOf, { crew: crew.name }));
  item.append(back, link);
  return item;
}

// The crew's own page, for who sends its link by other means: whoever has the link has the page.
async function showLink(picture, crew) {
  let link = "";
  try {
    const answer = await fetch(`/api/incidents/${encodeURIComponent(picture.incident)}/crew-link?crew=${encodeURIComponent(crew.id)}`);
    if (!answer.ok) { complain(await refusal(answer)); return; }
    ({ link } = await answer.json());
  } catch { complain(words.unreachable); return; }
  if (!link) { complain(words.crewLinkNone); return; }
  const box = $("crewlink");
  const title = el("h2", "", fill(words.crewLinkOf, { crew: crew.name }));
  title.id = "crewlink-title";
  box.setAttribute("aria-labelledby", title.id);
  const field = el("input", "");
  Object.assign(field, { readOnly: true, value: link });
  field.setAttribute("aria-labelledby", title.id);
  box.replaceChildren(title, field, el("p", "", words.crewLinkWhat), button("", words.done, () => box.close(), words.keyEscape));
  box.showModal();
  field.select();
}
