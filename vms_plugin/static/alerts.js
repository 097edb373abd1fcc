// The alerts, one card each: who, where, since when, whose it is. Ten of them stay readable.
import { $, aging, button, clock, el, fill, keep, sign, words } from "./text.js";
import { can, isOpen, mine, ordered, room, unseen } from "./room.js";
import { take } from "./decide.js";

export const SIGNS = { new: "▲", taken: "●", engaged: "▶", closed: "■" };
//: Above that many open alerts, cards keep their first lines only.
const ROOMY = 3;

// That nobody confirmed; those who are called on then are told that it is their turn.
export const escalation = ({ escalated }) => (escalated === "room" && room.secondGroup ? words.roomYou : words[escalated]);

export function renderAlerts(choose) {
  const cards = ordered();
  const live = cards.filter(isOpen);
  const dense = live.length > ROOMY;
  $("alerts").classList.toggle("dense", dense);
  const waiting = unseen().length;
  $("waiting").hidden = !waiting;
  $("waiting").textContent = waiting > 1 ? fill(words.waitingMany, { count: waiting }) : words.waitingOne;
  $("quiet").hidden = live.length > 0;
  keep($("cards"), live.map((picture) => entry(picture, choose)));
  if (!$("closed")) return; // the wall shows what runs
  const closed = cards.filter((each) => !isOpen(each));
  $("closed").hidden = !closed.length;
  $("closed-count").textContent = fill(words.closedCount, { count: closed.length });
  keep($("closed-cards"), closed.map((picture) => entry(picture, choose)));
}

function entry(picture, choose) {
  const current = picture.incident === room.chosen;
  const { incident, version, phase, owner, escalated } = picture;
  return [incident, [version, phase, owner, current, escalated, mine(picture), can("decider")], () => card(picture, current, choose)];
}

function card(picture, current, choose) {
  const box = el("li", `card ${picture.phase}${picture.exercise ? " drill" : ""}`);
  box.dataset.incident = picture.incident;
  box.dataset.version = picture.version;
  const state = el("p", "state");
  state.append(sign(SIGNS[picture.phase]), words[picture.phase]);
  if (picture.exercise) state.append(" ", el("span", "chip drillchip", words.exercise));
  const name = el("h2", "");
  const pick = button("pick", "", () => choose(picture.incident));
  pick.append(el("span", "called", picture.who), " ");
  pick.dataset.act = "pick";
  if (current) pick.setAttribute("aria-current", "true");
  pick.append(picture.phase === "new" ? aging("small waiting", words.waits, picture.opened) : el("span", "small", clock(picture.opened)));
  name.append(pick);
  box.append(state, name);
  box.append(picture.position || picture.near ? el("p", "street", picture.near) : el("p", "street warn", words.positionNone));
  if (picture.escalated) box.append(el("p", "more warn", escalation(picture)));
  if (picture.phase === "new" && can("decider")) box.append(takeButton(picture));
  if (picture.ended && isOpen(picture)) box.append(el("p", "more", fill(words.ended, { time: clock(picture.ended) })));
  if (picture.closedBy) box.append(el("p", "more", fill(words.closedBy, { name: picture.closedBy, outcome: picture.outcome })));
  else if (picture.owner) box.append(el("p", "more", mine(picture) ? words.ownerYou : fill(words.owner, { name: picture.owner })));
  return box;
}

function takeButton(picture) {
  const act = button("take", words.takeShort, () => take(picture));
  act.setAttribute("aria-label", fill(words.takeOf, { who: picture.who }));
  act.dataset.act = "take";
  return act;
}
