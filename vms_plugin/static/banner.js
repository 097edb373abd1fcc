// The chosen alert in letters that are read from three metres: who, where, how it stands, what next.
import { $, aging, button, clock, el, fill, keep, sign, words } from "./text.js";
import { can, chosen, isOpen, mine, now, unseen } from "./room.js";
import { SIGNS, escalation } from "./alerts.js";

export function renderBanner(acts) {
  const picture = chosen();
  $("banner").hidden = !picture;
  if (!picture) return;
  $("banner").className = `${picture.phase}${picture.exercise ? " drill" : ""}`;
  keep($("banner"), [
    ["head", [picture.who, picture.near, picture.phase, picture.exercise], () => head(picture)],
    ["next", nextShown(picture), () => next(picture, acts)],
    ["facts", [picture.incident, picture.version, picture.told], () => facts(picture)],
  ]);
}

function head(picture) {
  const box = el("div", "head");
  const state = el("p", "state");
  state.append(sign(SIGNS[picture.phase]), words[picture.phase]);
  if (picture.exercise) state.append(" ", el("span", "chip drillchip", words.exercise));
  const title = el("h2", "");
  title.append(el("span", "who", picture.who));
  title.append(" ", el("span", "near", picture.near || (picture.position ? "" : words.positionNone)));
  box.append(state, title);
  return box;
}

// --- what to do next: one thing, with its key ---

function nextShown(picture) {
  const first = firstCrew(picture);
  return [picture.incident, picture.phase, picture.owner, first?.id, first?.time, Boolean(unseen().length)];
}

const firstCrew = (picture) => picture.crews.find((each) => !each.engaged && !each.stale);

function next(picture, acts) {
  const box = el("div", "next");
  if (picture.phase === "new" && can("decider")) box.append(act("take", button("main", words.take, acts.take, words.keyEnter)));
  if (picture.phase === "taken" && firstCrew(picture) && can("decider")) {
    const crew = firstCrew(picture);
    box.append(act("first", button("main calm", fill(words.engageFirst, { crew: crew.name, time: crew.time }), () => acts.engage(1), "1")));
  }
  if (isOpen(picture) && picture.owner && can("clore")) box.append(act("close", button("", words.close, acts.close, "C")));
  if (picture.phase !== "new" && unseen().length && can("decider")) box.append(act("other", button("main", words.nextAlert, acts.next, "N")));
  return box;
}

function act(name, made) {
  made.dataset.act = name;
  return made;
}

// --- what is known, and what is not ---

function facts(picture) {
  const box = el("ul", "facts");
  const add = (className, ...parts) => {
    const item = el("li", className);
    item.append(...parts);
    box.append(item);
  };
  if (picture.phase === "closed") {
    add("", fill(words.closedBy, { name: picture.closedBy, outcome: picture.outcome }));
    add("", words.closedNoPicture);
    return box;
  }
  if (picture.escalated) add("warn", escalation(picture));
  if (picture.name) add("", fill(words.officerName, { name: picture.name }));
  add("", fill(words.pressedAt, { time: clock(picture.opened) }));
  if (picture.position) add(...placeLine(picture));
  if (picture.owner) add("", mine(picture) ? words.ownerYou : fill(words.owner, { name: picture.owner }));
  add(...wearerLine(picture));
  if (picture.receivedBy.length) add("", fill(words.receivedBy, { names: picture.receivedBy.join(", ") }));
  if (!picture.linkUp) add("warn", words.linkLost);
  if (picture.ended) add("warn", fill(words.ended, { time: clock(picture.ended) }));
  // A place that is unknown is said in the title, and on the map, where it is mended.
  for (const gap of picture.missing) if (picture.position || !begins(gap, words.positionNone)) add("gap", gap);
  return box;
}

const begins = (text, start) => text.toLowerCase().startsWith(start.toLowerCase());

function wearerLine(picture) {
  if (!picture.owner) return ["", words.wearerUnaware];
  return { yes: ["good", words.wearerKnows], pending: ["warn", words.wearerPending], no: ["warn", words.wearerCannot] }[picture.told.wearer];
}

function placeLine(picture) {
  const at = picture.position;
  if (picture.placedBy) return ["warn", aging("", fill(words.placedBy, { name: picture.placedBy, age: "{age}" }), at.fixed)];
  if (picture.lastKnown) return ["warn", at.fixed ? aging("", words.lastKnown, at.fixed) : words.lastKnownUnknown];
  const sure = at.accuracy === null ? words.accuracyUnknown : fill(words.accuracy, { metres: Math.max(1, Math.round(at.accuracy)) });
  if (!at.fixed) return ["warn", `${words.ageUnknown} · ${sure}`];
  const line = aging("", words.positionAge, at.fixed);
  const old = now() - at.fixed > 30000;
  return [old ? "warn" : "", line, ` · ${sure}`];
}

