// The page: what the host says, shown at once; what the operator decides, sent and confirmed.
import { Sound } from "./sound.js";
import { Picture } from "./live.js";
import { Town } from "./town.js";
import { age, clock, el, fill, words } from "./text.js";

const $ = (id) => document.getElementById(id);
const sound = new Sound();
const town = new Town($("map"), place);
const room = {
  pictures: new Map(), crews: [], cameras: [], health: null,
  live: {}, rights: [], chosen: null, token: "", offset: 0, heard: 0, lostSince: null, bounds: null,
};
const tile = new Picture($("tile"), () => room.token);
const now = () => Date.now() + room.offset;

// --- the stream: the whole state first, then each change; silence is a broken link ---

let source = null;

function follow() {
  source?.close();
  source = new EventSource("/stream");
  const on = (name, act) => source.addEventListener(name, (event) => {
    room.heard = Date.now();
    act(event.data ? JSON.parse(event.data) : null);
  });
  on("hello", (hello) => { Object.assign(room, { token: hello.token, rights: hello.rights }); });
  on("state", (state) => {
    room.offset = state.now - Date.now();
    room.pictures = new Map(state.pictures.map((each) => [each.incident, each]));
    Object.assign(room, { crews: state.crews, cameras: state.cameras, health: state.health, live: state.live });
    if (state.bounds && !room.bounds) town.fit(state.bounds);
    room.bounds = state.bounds;
    town.redraw();
    render();
  });
  on("picture", (picture) => {
    const known = room.pictures.get(picture.incident);
    if (known && known.version > picture.version) return; // late: a newer one is shown
    room.pictures.set(picture.incident, picture);
    if (!known) announce(picture);
    render();
  });
  on("live", ({ incident, live }) => { room.live[incident] = live; renderTile(); });
  on("crews", (crews) => { room.crews = crews; later(); });
  on("health", (health) => { room.health = health; renderChain(); });
  on("beat", (beat) => { room.offset = beat.now - Date.now(); });
}

setInterval(() => {
  const silent = Date.now() - room.heard > 12000;
  if (silent && room.heard && !room.lostSince) room.lostSince = room.heard;
  if (!silent) room.lostSince = null;
  $("lost").hidden = !room.lostSince;
  if (room.lostSince) {
    $("lost").textContent = fill(words.lost, { time: clock(room.lostSince) });
    if (source.readyState === EventSource.CLOSED) checkSession();
  }
  renderAges();
  tile.render();
  ring();
}, 1000);

async function checkSession() {
  // The browser gives up for good when it is refused: our session may be over.
  try {
    const answer = await fetch("/api/state");
    if (answer.status === 401) window.location.assign("/login");
    else if (answer.ok) follow();
  } catch { /* still away: asked again in a second */ }
}

// --- alerts ---

const open = () => [...room.pictures.values()].filter((each) => each.phase !== "closed");
const unseen = () => open().filter((each) => each.phase === "new");

function announce(picture) {
  if (picture.phase !== "new") return;
  $("live").textContent = picture.title;
  if (!room.chosen || chosen()?.phase !== "new") choose(picture.incident);
}

function ring() {
  const ringing = unseen();
  sound.ringing(ringing.some((each) => !each.exercise));
  const flash = ringing.length && Math.floor(Date.now() / 1000) % 2;
  document.title = flash ? `● ${words.alertTitle} ${ringing[0].who}` : "Renfort";
  $("sound").textContent = sound.ready ? words.soundOn : words.soundOff;
  $("sound").classList.toggle("main", !sound.ready);
}

function chosen() { return room.pictures.get(room.chosen) ?? null; }

function choose(incident) {
  room.chosen = incident;
  town.follow();
  render();
}

// --- what is drawn ---

function render() {
  if (!chosen() || chosen().phase === "closed") room.chosen = (unseen()[0] ?? open()[0])?.incident ?? room.chosen;
  renderAlerts();
  renderTile();
  later();
}

function renderTile() {
  const picture = chosen();
  const runs = picture && picture.phase !== "closed";
  const status = runs && picture.ended ? { state: "ended" } : room.live[picture?.incident];
  tile.show(runs ? picture.incident : null, status, room.rights.includes("flux_pieton"));
}

// The alert is painted first; the lists and the map, which take longer, follow in the next frame.
let waiting = false;

function later() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => { waiting = false; renderHelp(); renderChain(); draw(); }, 0);
}

const order = { new: 0, taken: 1, engaged: 1, closed: 2 };

function renderAlerts() {
  const cards = [...room.pictures.values()]
    .sort((a, b) => order[a.phase] - order[b.phase] || b.opened - a.opened)
    .map(card);
  $("alerts").replaceChildren(...(cards.length ? cards : [el("p", "quiet", words.quiet)]));
}

function card(picture) {
  const box = el("article", `card ${picture.phase}${picture.exercise ? " drill" : ""}`);
  box.dataset.incident = picture.incident;
  box.dataset.version = picture.version;
  box.setAttribute("aria-current", String(picture.incident === room.chosen));
  box.addEventListener("click", () => choose(picture.incident));
  const state = el("span", "state", words[picture.phase]);
  state.dataset.drill = words.exercise;
  const name = el("h2", "", picture.who);
  name.append(el("small", "", clock(picture.opened)));
  box.append(state, name);
  if (picture.near) box.append(el("p", "street", picture.near));
  box.append(placeLine(picture));
  if (!picture.linkUp) box.append(el("p", "warn", words.linkLost));
  if (picture.ended) box.append(el("p", "warn", fill(words.ended, { time: clock(picture.ended) })));
  if (picture.closedBy) box.append(el("p", "", fill(words.closedBy, { name: picture.closedBy, outcome: picture.outcome })));
  else if (picture.owner) box.append(el("p", "", fill(words.owner, { name: picture.owner })));
  if (picture.phase !== "closed") box.append(acts(picture));
  return box;
}

function placeLine(picture) {
  const line = el("p", "");
  const at = picture.position;
  if (!at) line.append(el("span", "warn", words.positionUnknown));
  else if (picture.lastKnown) {
    const old = el("span", "warn", "");
    if (at.fixed) Object.assign(old.dataset, { since: at.fixed, text: words.lastKnown });
    else old.textContent = words.lastKnownUnknown;
    line.append(old);
  } else {
    const sure = at.accuracy === null ? words.accuracyUnknown : fill(words.accuracy, { metres: Math.max(1, Math.round(at.accuracy)) });
    const old = el("span", "", "");
    if (at.fixed) Object.assign(old.dataset, { since: at.fixed, text: words.positionAge });
    else old.textContent = words.ageUnknown;
    line.append(old, ` · ${at.byOperator ? words.placed : sure}`);
  }
  return line;
}

function acts(picture) {
  const bar = el("div", "acts");
  if (!picture.owner) {
    const take = el("button", "main", words.take);
    take.dataset.act = "take";
    take.addEventListener("click", (event) => { event.stopPropagation(); decide("take", picture.incident); });
    bar.append(take);
  } else {
    const close = el("button", "", words.close);
    close.dataset.act = "close";
    close.addEventListener("click", (event) => { event.stopPropagation(); askClosing(picture); });
    bar.append(close);
  }
  return bar;
}

function renderHelp() {
  const picture = chosen();
  if (!picture || picture.phase === "closed") {
    $("help").replaceChildren(el("p", "quiet", words.noSelection));
    return;
  }
  const parts = [];
  if (picture.missing.length) {
    const gaps = el("ul", "");
    gaps.append(...picture.missing.map((text) => el("li", "gap", text)));
    parts.push(el("h3", "", words.missing), gaps);
  }
  ranked(picture);
  if (picture.crews.length) {
    const crews = el("ol", "");
    crews.append(...picture.crews.map((crew, index) => crewRow(picture, crew, index)));
    parts.push(el("h3", "", words.crews), crews);
  }
  if (picture.cameras.length) {
    const cameras = el("ol", "");
    cameras.append(...picture.cameras.slice(0, 8).map(cameraRow));
    parts.push(el("h3", "", words.cameras), cameras);
  }
  $("help").replaceChildren(...parts);
  renderAges();
}

// The ranking moves with the crews. A hand that presses "1" answers what the eye saw: an order that
// changed less than a reaction ago is not the one meant.
const REACTION_MS = 700;
const ranking = { incident: null, now: [], before: [], changed: 0 };

function ranked(picture) {
  const now = picture.crews.map((crew) => crew.id);
  if (ranking.incident !== picture.incident) Object.assign(ranking, { incident: picture.incident, now, before: now, changed: 0 });
  else if (now.join() !== ranking.now.join()) Object.assign(ranking, { before: ranking.now, now, changed: Date.now() });
}

function meant(picture, number) {
  ranked(picture);
  const order = Date.now() - ranking.changed < REACTION_MS ? ranking.before : ranking.now;
  return picture.crews.find((crew) => crew.id === order[number - 1]);
}

function crewRow(picture, crew, index) {
  const item = el("li", "plainrow");
  const button = el("button", `crew${crew.engaged ? " sent" : ""}${crew.stale ? " stale" : ""}`);
  button.dataset.crew = crew.id;
  button.title = crew.engaged ? words.release : words.engage;
  button.addEventListener("click", () => decide(crew.engaged ? "release" : "engage", picture.incident, { crew: crew.id }));
  const row = el("span", "row");
  row.append(el("span", "n", String(index + 1)), el("span", "name", crew.name), el("span", "time", crew.engaged ? words.engagedCrew : crew.time));
  const why = el("span", "why", crew.means ? `${crew.means} · ${crew.distance}` : crew.distance);
  if (crew.fixed) {
    const old = el("span", crew.stale ? "warn" : "", "");
    Object.assign(old.dataset, { since: crew.fixed, text: words.positionAge });
    why.append(" · ", old);
  }
  for (const reason of crew.reasons) why.append(" · ", el("span", crew.byRoad ? "" : "warn", reason));
  button.append(row, why);
  item.append(button);
  return item;
}

function cameraRow(camera, index) {
  const item = el("li", "");
  item.dataset.camera = camera.id;
  const row = el("div", "row");
  row.append(el("span", "n", index < 4 ? String(index + 1) : ""), el("span", "name", camera.name));
  item.append(row, el("div", "why", camera.reasons.join(" · ")));
  return item;
}

function renderChain() {
  const health = room.health;
  if (!health) return;
  const parts = health.adapters.map((adapter) => {
    const box = el("span", adapter.well ? "" : "ill");
    box.append(el("span", "dot"), el("b", "", adapter.brand));
    const said = [
      ...adapter.failures.map((each) => `${each.why} (${fill(words.since, { time: clock(each.since) })})`),
      ...adapter.links.filter((each) => !each.up).map((each) => `${each.name} : ${each.why} (${fill(words.since, { time: clock(each.since) })})`),
    ];
    if (adapter.behind) said.push(adapter.behind);
    if (said.length) box.append(` ${said.join(" ; ")}`);
    box.dataset.adapter = adapter.name;
    return box;
  });
  parts.push(...health.notes.map((note) => el("span", "ill", note)));
  $("chain").replaceChildren(...(parts.length ? parts : [el("span", "ill", words.noAdapter)]));
}

function renderAges() {
  for (const each of document.querySelectorAll("[data-since]")) {
    const text = fill(each.dataset.text, { age: age(now() - Number(each.dataset.since)) });
    if (each.textContent !== text) each.textContent = text;
  }
}

function draw() {
  const picture = chosen();
  town.show(picture && picture.phase !== "closed" ? picture : null, room);
  $("ask").hidden = !(picture && picture.phase !== "closed" && !picture.position);
  $("ask").textContent = words.positionUnknown;
}

// --- decisions: sent, and shown only once the host says so ---

async function decide(decision, incident, more = {}) {
  try {
    const answer = await fetch("/api/decide", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Renfort-Token": room.token },
      body: JSON.stringify({ decision, incident, ...more }),
    });
    if (answer.status === 401) window.location.assign("/login");
    else if (!answer.ok) complain(fill(words.refused, { why: (await answer.json()).error }));
  } catch {
    complain(words.unreachable);
  }
}

function place(lat, lon) {
  const picture = chosen();
  if (picture && picture.phase !== "closed" && !picture.position) decide("place", picture.incident, { lat, lon });
}

function askClosing(picture) {
  const box = $("closing");
  const choices = el("div", "");
  for (const outcome of words.outcomes.split("|")) {
    const button = el("button", "", outcome);
    button.addEventListener("click", () => { box.close(); decide("close", picture.incident, { outcome }); });
    choices.append(button);
  }
  const cancel = el("button", "plain", words.cancel);
  cancel.addEventListener("click", () => box.close());
  choices.append(cancel);
  box.replaceChildren(el("h2", "", `${picture.who} · ${words.confirmClose}`), choices);
  box.showModal();
}

let complaint = 0;

function complain(text) {
  $("fault").textContent = text;
  $("fault").hidden = false;
  clearTimeout(complaint);
  complaint = setTimeout(() => { $("fault").hidden = true; }, 6000);
}

// --- keys and buttons ---

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || $("closing").open) return;
  const picture = chosen();
  const key = event.key.toLowerCase();
  if (key === "t") return toggleTheme();
  if (key === "arrowdown" || key === "arrowup") return step(key === "arrowdown" ? 1 : -1, event);
  if (!picture || picture.phase === "closed") return undefined;
  if (key === "enter" && !picture.owner && event.target.tagName !== "BUTTON") decide("take", picture.incident);
  if (key === "s") tile.hear(tile.muted);
  if (key === "p") tile.enlarge(!$("tile").classList.contains("large"));
  if (key === "c" && picture.owner) askClosing(picture);
  if (/^[1-9]$/.test(key)) {
    const crew = meant(picture, Number(key));
    if (crew && !crew.engaged) decide("engage", picture.incident, { crew: crew.id });
  }
  return undefined;
});

function step(by, event) {
  const cards = [...document.querySelectorAll(".card")].map((each) => each.dataset.incident);
  if (!cards.length) return;
  event.preventDefault();
  choose(cards[(cards.indexOf(room.chosen) + by + cards.length) % cards.length]);
}

function toggleTheme() {
  const theme = document.documentElement.dataset.theme === "night" ? "day" : "night";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
  town.theme(theme);
  draw();
}

$("theme").addEventListener("click", toggleTheme);
$("sound").addEventListener("click", () => sound.wake());
document.addEventListener("pointerdown", () => sound.wake(), { once: true });
document.addEventListener("keydown", () => sound.wake(), { once: true });
$("logout").addEventListener("click", async () => {
  await fetch("/logout", { method: "POST", headers: { "X-Renfort-Token": room.token } });
  window.location.assign("/login");
});
if (localStorage.getItem("theme") === "day") toggleTheme();
follow();
