// The page: what the host says, shown at once; what the operator decides, sent and confirmed.
import { Picture } from "./live.js";
import { Town } from "./town.js";
import { Stream, logIn } from "./stream.js";
import { Keys } from "./keys.js";
import { Correction } from "./correct.js";
import { $, button, el, renderAges, words } from "./text.js";
import { calledElsewhere, chosen, drawnTo, can, forget, hours, isOpen, now, open, ordered, renew, restate, room, unseen } from "./room.js";
import { askClosing, complain, recheck, take, takeBack } from "./decide.js";
import { announce, renderSound, ring, sound } from "./ring.js";
import { renderAlerts } from "./alerts.js";
import { renderBanner } from "./banner.js";
import { REACTION_MS, engageNumber, renderHelp } from "./help.js";
import { aimed, aimNumber, forgetTurning, pin, renderStrip, renderTiles, shown } from "./strip.js";
import { renderChain } from "./chain.js";
import { recordedTrails, renderRecordings } from "./recordings.js";
import { draftedFor, focusNote, forgetDrafts, leaveNote, renderLog, restoreDrafts, staleLog } from "./log.js";
import { rememberedTheme, setTheme, theme } from "./theme.js";

setTheme(rememberedTheme());
const town = new Town($("map"), { click: (lat, lon) => correction.click(lat, lon), choose, moved: () => correction.render() });
const correction = new Correction(town);
const tile = new Picture($("tile"), () => room.token);

// --- what the host says ---

const stream = new Stream({
  hello: (hello) => { Object.assign(room, hello); },
  state: (state) => {
    const known = room.pictures;
    restate(state);
    restoreDrafts(room.user);
    forgetTurning();
    town.renew(state.bounds);
    // What came while nothing was heard comes now.
    unseen().filter((each) => !known.has(each.incident)).forEach(arrive);
    render();
  },
  picture: (picture) => {
    const known = room.pictures.get(picture.incident);
    if (!renew(picture)) return;
    recheck(picture);
    if (!known && picture.phase === "new") arrive(picture);
    // Nobody answered: whoever is called on now is brought to it, unless he works on his own.
    else if (picture.escalated && known.escalated !== picture.escalated) {
      announce(picture);
      if (room.secondGroup && !calledElsewhere(picture)) { room.drawnAt = performance.now(); choose(picture.incident); }
    }
    if (known?.phase !== picture.phase) staleLog(picture.incident);
    // Fifty alerts that only grow older, while crews drive, must not hold up the one that is new.
    if (known && picture.incident !== room.chosen && sameCard(known, picture)) return sometime();
    render();
  },
  gone: ({ incident }) => {
    // What somebody still looks at stays until he goes to another.
    if (incident !== room.chosen) forget(incident);
    later();
  },
  log: ({ incident }) => staleLog(incident),
  told: ({ incident, told }) => {
    const picture = room.pictures.get(incident);
    if (picture) picture.told = told;
    staleLog(incident);
    later();
  },
  live: ({ incident, live }) => { room.live[incident] = live; renderTile(); },
  cctv: ({ camera, cctv }) => { room.cctv[camera] = cctv; later(); },
  aimed: (said) => { aimed(said); later(); },
  crews: (crews) => { room.crews = crews; later(); },
  health: (health) => { room.health = health; renderChain(); },
  beat: (beat) => { hours.set(beat.now); },
});

function arrive(picture) {
  announce(picture);
  if (!drawnTo(picture)) return;
  room.drawnAt = performance.now();
  choose(picture.incident);
}

// --- what is drawn ---

function choose(incident) {
  room.chosen = incident;
  correction.leave();
  town.follow();
  render();
}

// The alert is painted first; the lists and the map, which take longer, follow in the next task.
function render() {
  if (!chosen()) room.chosen = (unseen()[0] ?? room.pictures.get(draftedFor()) ?? open()[0])?.incident ?? null;
  renderAlerts(choose);
  renderBanner(acts);
  renderTile();
  ring();
  renderAges(now());
  later();
}

const sameCard = (one, other) => ["phase", "owner", "escalated", "near", "ended", "who"].every((name) => one[name] === other[name])
  && Boolean(one.position) === Boolean(other.position);

let some = false;

function sometime() {
  if (some) return;
  some = true;
  setTimeout(() => { some = false; later(); }, 1000);
}

let waiting = false;

function later() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    renderBanner(acts);
    renderHelp();
    renderStrip(later);
    renderLog();
    renderRecordings(later);
    renderChain();
    draw();
    renderAges(now());
  }, 0);
}

function renderTile() {
  const picture = chosen();
  const runs = isOpen(picture);
  const status = runs && picture.ended ? { state: "ended" } : room.live[picture?.incident];
  tile.show(runs ? picture.incident : null, status, can("flux_pieton"));
}

function draw() {
  const picture = chosen();
  town.show(picture, room, isOpen(picture) ? shown(picture) : [], recordedTrails());
  correction.render();
}

setInterval(() => {
  stream.check();
  renderAges(now());
  tile.render();
  renderTiles();
  ring();
  renderSound();
}, 1000);

// --- what the operator does ---

const withChosen = (act) => () => { if (isOpen(chosen())) act(chosen()); };

// A hand that acts less than a reaction after the page went to a new alert by itself meant the one before.
const meant = (act) => (...given) => { if (performance.now() - room.drawnAt > REACTION_MS) act(...given); };

// A camera's number is for the alert that was looked at when it was asked for.
function ofThisAlert(act) {
  const asked = room.chosen;
  return (number) => { if (room.chosen === asked) act(number); };
}

const acts = {
  take: withChosen((picture) => {
    if (picture.owner || !can("decider")) return;
    room.drawnAt = -Infinity; // who takes an alert has seen it: the key that follows is meant for it
    take(picture);
  }),
  engage: meant((number) => { if (isOpen(chosen()) && can("decider")) engageNumber(chosen(), number); }),
  close: meant(withChosen((picture) => { if (picture.owner && can("clore")) askClosing(picture); })),
  next: () => { if (unseen()[0]) choose(unseen()[0].incident); },
};

function enter() {
  if (correction.on) return correction.confirm();
  if (isOpen(chosen()) && !chosen().owner) return acts.take();
  return acts.next();
}

function arrow(dx, dy) {
  if (correction.on) return town.pan(dx * 40, dy * 40);
  const cards = ordered().filter(isOpen).map((each) => each.incident);
  if (!dy || !cards.length) return undefined;
  return choose(cards[(cards.indexOf(room.chosen) + dy + cards.length) % cards.length]);
}

function toggleTheme() {
  setTheme(theme() === "night" ? "day" : "night");
  town.theme(theme());
  draw();
}

// What is under the enlarged picture is looked at to be used.
const seen = (act) => () => { tile.enlarge(false); act(); };
const recentre = () => { town.follow(); draw(); };

async function logOut() {
  const answer = await fetch("/logout", { method: "POST", headers: { "X-Renfort-Token": room.token } }).catch(() => null);
  // Whoever came by an identity provider leaves it too.
  if (answer?.ok) forgetDrafts();
  if (answer?.ok || answer?.status === 401) window.location.assign(answer.headers.get("X-Renfort-Next") ?? "/login");
  else complain(words.unreachable);
}

// Who works here, and the way out, also where the top line has no room for them.
function showKeys() {
  const session = el("p", "session", room.user);
  session.append(" ", button("plain", words.logOut, logOut));
  keys.showMap(session);
}

const keys = new Keys([
  ["enter", words.keyEnter, words.keyTake, enter],
  ["digit", "1 – 9", words.keyEngage, () => {}],
  ["n", "N", words.keyNext, acts.next],
  ["c", "C", words.keyClose, acts.close],
  ["z", "Z", words.keyUndo, takeBack],
  ["arrowdown", "↑ ↓", words.keyArrows, () => arrow(0, 1)],
  ["arrowup", "", "", () => arrow(0, -1)],
  ["arrowleft", "", "", () => arrow(-1, 0)],
  ["arrowright", "", "", () => arrow(1, 0)],
  ["l", "L", words.keyPlace, seen(() => correction.toggle())],
  ["o", "O 1 – 4", words.keyAim, () => keys.awaitDigit(words.modeAim, ofThisAlert((number) => aimNumber(number, later)))],
  ["e", "E 1 – 4", words.keyPin, () => keys.awaitDigit(words.modePin, ofThisAlert((number) => pin(number, later)))],
  ["j", "J", words.keyNote, seen(focusNote)],
  ["p", "P", words.keyPicture, () => tile.enlarge(!$("tile").classList.contains("large"))],
  ["s", "S", words.keySound, () => tile.hear(tile.muted)],
  ["r", "R", words.keyRecentre, recentre],
  // Not by "−", whose key on a French keyboard is also the 6 that sends a crew; the numeric pad has its own.
  ["pageup", "Page ↑ ↓", words.keyZoom, () => town.zoom(1)],
  ["pagedown", "", "", () => town.zoom(-1)],
  ["+", "", "", () => town.zoom(1)],
  ["-", "", "", () => town.zoom(-1)],
  ["t", "T", words.keyTheme, toggleTheme],
  ["?", "?", words.keyMap, showKeys],
], acts.engage, () => { correction.leave(); leaveNote(); });

$("theme").addEventListener("click", toggleTheme);
$("keys").addEventListener("click", showKeys);
$("correct").addEventListener("click", () => correction.toggle());
$("unplace").addEventListener("click", () => correction.back());
$("follow").addEventListener("click", recentre);
$("sound").addEventListener("click", () => sound.wake().then(renderSound));
for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, () => { if (!sound.ready) sound.wake(); });
$("logout").addEventListener("click", logOut);
// A click leaves no focus behind, but where one writes: the next Enter is for the alert, not for the
// button once clicked.
document.addEventListener("click", (event) => {
  const where = document.activeElement;
  if (event.detail && !where?.matches("input") && !document.querySelector("dialog[open]")) where?.blur();
});
renderSound();
stream.follow();
