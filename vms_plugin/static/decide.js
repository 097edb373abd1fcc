// Decisions: sent at once, shown once the host says so; for five seconds they can be taken back.
import { $, Hours, button, el, fill, list, refusal, words } from "./text.js";
import { now, room } from "./room.js";
import { logIn } from "./stream.js";

//: A hand that pressed wants to know. After that long it is given up, by the host too, which is told when it was asked:
//: no order is carried out long after it was given by radio.
const SLOW_MS = 3000;
const PATIENCE_MS = 30000;
const UNDO_MS = 5000;
const REASON_MS = 15000;

export async function post(body) {
  try {
    const answer = await answered(fetch("/api/decide", {
      method: "POST",
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: { "Content-Type": "application/json", "X-Renfort-Token": room.token },
      body: JSON.stringify({ ...body, at: Math.round(now()) }),
    }));
    if (answer.ok) return true;
    if (answer.status === 401) logIn();
    else complain(fill(words.refused, { why: await refusal(answer) }));
  } catch {
    complain(words.unanswered); // it may have arrived: what stands on the page is true once its link is back
  }
  return false;
}

async function answered(asked) {
  const slow = setInterval(() => complain(words.slow), SLOW_MS);
  try {
    return await asked;
  } finally {
    clearInterval(slow);
    if ($("fault").textContent === words.slow) $("fault").hidden = true;
  }
}

export const take = (picture) => post({ decision: "take", incident: picture.incident });

// Whoever decides again has done with what he decided before.
export async function engage(picture, crew, rank) {
  settle();
  if (!await post({ decision: "engage", incident: picture.incident, crew: crew.id })) return;
  const back = () => post({ decision: "release", incident: picture.incident, crew: crew.id, undo: true });
  const stands = (each) => each.engaged.includes(crew.id);
  offer(picture, fill(words.undoEngage, { crew: crew.name, who: picture.who }), back, stands, rank > 1 ? reasons(picture, crew) : null);
}

export async function release(picture, crew) {
  settle();
  if (!await post({ decision: "release", incident: picture.incident, crew: crew.id })) return;
  const back = () => post({ decision: "engage", incident: picture.incident, crew: crew.id });
  const stands = (each) => !each.engaged.includes(crew.id);
  offer(picture, fill(words.undoRelease, { crew: crew.name }), back, stands);
}

export async function place(picture, lat, lon) {
  const before = picture.placedBy ? picture.position : null;
  if (!await post({ decision: "place", incident: picture.incident, lat, lon })) return;
  const back = before ? { decision: "place", lat: before.lat, lon: before.lon } : { decision: "unplace" };
  const stands = (each) => each.placedBy === room.user;
  offer(picture, fill(words.undoPlace, { who: picture.who }), () => post({ incident: picture.incident, ...back }), stands);
}

export function unplace(picture) {
  settle();
  return post({ decision: "unplace", incident: picture.incident });
}

// --- taking back ---

let pending = null;

// `stands(picture)`: whether it is so, as the host says it of the alert.
function offer({ incident }, text, back, stands, extra = null) {
  settle();
  pending = { incident, text, back, stands, seen: false, since: new Hours(), timer: 0 };
  const count = el("b", "count", "");
  count.setAttribute("aria-hidden", "true");
  const undo = button("", words.undo, takeBack, "Z");
  undo.dataset.act = "undo";
  const said = el("span", "", text);
  said.setAttribute("role", "status");
  $("undo").replaceChildren(said, undo, count, ...(extra ? [extra] : []));
  $("undo").hidden = false;
  const tick = () => {
    const left = Math.ceil((UNDO_MS - pending.since.passed) / 1000);
    count.textContent = left > 0 ? fill(words.seconds, { n: left }) : "";
    undo.hidden = left <= 0;
    if (left <= 0 && (!extra || pending.since.passed > REASON_MS)) settle();
  };
  pending.timer = setInterval(tick, 200);
  tick();
  recheck(room.pictures.get(incident));
}

// Another operator has decided otherwise meanwhile: what is no longer so is not offered to be taken back.
export function recheck(picture) {
  if (!picture || picture.incident !== pending?.incident) return;
  if (pending.stands(picture)) pending.seen = true;
  else if (pending.seen) {
    complain(fill(words.undoneBy, { what: pending.text }));
    settle();
  }
}

export function takeBack() {
  // Of an order given before the machine slept, nothing is taken back any more.
  if (!pending || pending.since.passed > UNDO_MS) return;
  const { back } = pending;
  settle();
  back();
}

function settle() {
  if (!pending) return;
  clearInterval(pending.timer);
  pending = null;
  $("undo").hidden = true;
}

// Asked after the crew is sent, never before: the reason goes into the log, the crew is on its way.
function reasons(picture, crew) {
  const box = el("span", "reasons", words.whyNotFirst);
  for (const reason of list(words.overrides)) {
    box.append(button("plain", reason, () => {
      settle();
      post({ decision: "explain", incident: picture.incident, crew: crew.id, reason });
    }));
  }
  return box;
}

// --- faults ---

let complaint = 0;

export function complain(text) {
  $("fault").textContent = text;
  $("fault").hidden = false;
  clearTimeout(complaint);
  complaint = setTimeout(() => { $("fault").hidden = true; }, 8000);
}

export function askClosing(picture) {
  const box = $("closing");
  const choices = el("div", "choices");
  list(words.outcomes).forEach((outcome, index) => {
    const choice = button("", outcome, () => {
      box.close();
      settle(); // nothing of it is taken back any more
      post({ decision: "close", incident: picture.incident, outcome });
    }, String(index + 1));
    choices.append(choice);
  });
  choices.append(button("plain", words.cancel, () => box.close(), words.keyEscape));
  const title = el("h2", "", `${picture.who} · ${words.confirmClose}`);
  title.id = "closing-title";
  box.setAttribute("aria-labelledby", title.id);
  box.replaceChildren(title, choices);
  box.showModal();
  // Not the first outcome: nothing takes a closing back, and an Enter meant for a new alert may follow.
  title.tabIndex = -1;
  title.focus();
}
