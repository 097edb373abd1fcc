// The cameras that show him: four at most, in the host's order, which holds still as he walks; those
// that an operator pinned stay whatever happens. Under each, why it is there.
import { CameraTile } from "./cctv.js";
import { complain, post } from "./decide.js";
import { $, aging, button, el, fill, keep, sign, words } from "./text.js";
import { can, chosen, isOpen, now, room } from "./room.js";

const TILES = 4;
const pins = new Map(); // incident → place in the strip → camera

const pinsOf = (incident) => pins.get(incident) ?? {};

// The cameras before the operator, by place; the first four of the map bear the same numbers.
export function shown(picture) {
  const kept = pinsOf(picture.incident);
  const ids = new Set(Object.values(kept));
  const fresh = picture.cameras.filter((each) => !ids.has(each.id));
  return Array.from({ length: TILES }, (_, place) => {
    const camera = kept[place] ? known(picture, kept[place]) : fresh.shift();
    return camera && { ...camera, n: place + 1, pinned: Boolean(kept[place]) };
  }).filter(Boolean);
}

function known(picture, id) {
  const ranked = picture.cameras.find((each) => each.id === id);
  if (ranked) return ranked;
  const camera = room.cameras.find((each) => each.id === id);
  return { id, name: camera?.name ?? id, turns: false, mustTurn: false, reasons: [words.pinnedAway], bearing: 0 };
}

export function pin(number, redraw) {
  const picture = chosen();
  const camera = isOpen(picture) && shown(picture).find((each) => each.n === number);
  if (!camera) { complain(fill(words.noNumber, { n: number })); return; }
  const kept = { ...pinsOf(picture.incident) };
  if (camera.pinned) delete kept[number - 1];
  else kept[number - 1] = camera.id;
  pins.set(picture.incident, kept);
  redraw();
}

// A place of the strip keeps its element, and its picture, while the words under it change.
const places = [];

function placeOf(number) {
  places[number] ??= (() => {
    const item = el("li", "cam");
    const picture = el("div", "");
    const under = el("div", "under");
    item.append(picture, under);
    return { item, under, tile: new CameraTile(picture, () => room.token) };
  })();
  return places[number];
}

export function renderStrip(redraw) {
  const picture = chosen();
  const cameras = isOpen(picture) ? shown(picture) : [];
  $("strip").hidden = !cameras.length;
  const items = Array.from({ length: TILES }, (_, number) => {
    const place = placeOf(number);
    const camera = cameras.find((each) => each.n === number + 1);
    place.item.hidden = !camera;
    if (!camera) { place.tile.stop(); return place.item; }
    place.item.dataset.camera = camera.id;
    place.item.classList.toggle("pinned", camera.pinned);
    if (can("videoprotection")) place.tile.show(picture.incident, camera, room.cctv[camera.id]);
    keep(place.under, [[camera.id, [camera, turned.get(camera.id), picture.incident], () => caption(camera, redraw)]]);
    return place.item;
  });
  if ($("tiles").childElementCount !== TILES) $("tiles").replaceChildren(...items);
  const rest = isOpen(picture) ? picture.cameras.filter((each) => !cameras.some((one) => one.id === each.id)) : [];
  $("others").textContent = rest.length ? fill(words.otherCameras, { names: rest.slice(0, 6).map((each) => each.name).join(", ") }) : "";
}

// Called each second: a picture that stands still says so.
export function renderTiles() { places.forEach((place) => place.tile.render()); }

function caption(camera, redraw) {
  const box = el("div", "");
  const head = el("p", "row");
  head.append(el("span", "n", String(camera.n)), el("span", "name", camera.name));
  if (camera.pinned) head.append(sign("◆"), el("span", "chip", words.pinned));
  const bar = el("p", "bar");
  const hold = button("plain", camera.pinned ? words.unpin : words.pin, () => pin(camera.n, redraw));
  hold.dataset.act = "pin";
  hold.setAttribute("aria-pressed", String(camera.pinned));
  if (can("decider")) bar.append(hold);
  if (camera.turns && can("videoprotection") && can("decider")) {
    const aim = button("plain", words.aim, () => turn(camera, redraw));
    aim.dataset.act = "aim";
    bar.append(aim);
  }
  const said = turned.get(camera.id);
  box.append(head, el("p", "why", camera.reasons.join(" · ")));
  if (said?.incident === room.chosen) box.append(answer(said));
  box.append(bar);
  return box;
}

// --- turning ---

const turned = new Map(); // camera → what came of turning it the last time, for whom and when, as the host says

function turn(camera, redraw) {
  turned.set(camera.id, { incident: room.chosen, done: true, how: words.aiming, at: null });
  redraw();
  post({ decision: "aim", incident: room.chosen, camera: camera.id }).then((sent) => {
    if (sent) return;
    turned.delete(camera.id);
    redraw();
  });
}

// The link was cut: what a camera answered meanwhile is in the log, and nothing is said to be turning for ever.
export function forgetTurning() {
  for (const [camera, { at }] of turned) if (!at) turned.delete(camera);
}

export function aimNumber(number, redraw) {
  const picture = chosen();
  const camera = isOpen(picture) && shown(picture).find((each) => each.n === number);
  if (camera?.turns) turn(camera, redraw);
  else complain(camera ? fill(words.aimFixed, { name: camera.name }) : fill(words.noNumber, { n: number }));
}

export function aimed({ incident, camera, done, how }) { turned.set(camera, { incident, done, how, at: now() }); }

// He moves, and others turn cameras too: how long ago that was is always said.
function answer({ done, how, at }) {
  const said = el("p", done ? "why good" : "why warn", how);
  if (at) said.append(" · ", aging("", words.ago, at));
  return said;
}

