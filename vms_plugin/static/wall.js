// The room's wall: the same truth as the page, nothing to press. Each open alert in its turn, those
// that nobody has taken first; how old what it shows is, always said.
import { Picture } from "./live.js";
import { Town } from "./town.js";
import { Stream } from "./stream.js";
import { $, age, clock, fill, renderAges, words } from "./text.js";
import { can, chosen, forget, hours, isOpen, now, open, renew, restate, room, unseen } from "./room.js";
import { renderAlerts } from "./alerts.js";
import { renderBanner } from "./banner.js";
import { renderHelp } from "./help.js";
import { aimed, renderStrip, renderTiles, shown } from "./strip.js";
import { renderChain } from "./chain.js";
import { rememberedTheme, setTheme } from "./theme.js";

const TURN_MS = 12000;
// A wall is seen by whoever is in the room: officers' pictures only where the settings say so.
const bodyWorn = document.body.dataset.bodyWorn === "yes";
const readOnly = new Set(["decider", "clore", "exporter", "main_courante", ...(bodyWorn ? [] : ["flux_pieton"])]);

setTheme(rememberedTheme());
const town = new Town($("map"), { click: () => {}, choose });
const tile = new Picture($("tile"), () => room.token);

const stream = new Stream({
  hello: (hello) => Object.assign(room, hello, { user: "", rights: hello.rights.filter((right) => !readOnly.has(right)) }),
  state: (state) => {
    restate(state);
    town.renew(state.bounds);
    render();
  },
  picture: (picture) => {
    const known = room.pictures.get(picture.incident);
    if (!renew(picture)) return;
    if (!known && picture.phase === "new") room.chosen = picture.incident;
    render();
  },
  gone: ({ incident }) => { forget(incident); render(); },
  told: ({ incident, told }) => { const picture = room.pictures.get(incident); if (picture) picture.told = told; render(); },
  live: ({ incident, live }) => { room.live[incident] = live; render(); },
  cctv: ({ camera, cctv }) => { room.cctv[camera] = cctv; render(); },
  aimed: (said) => { aimed(said); render(); },
  crews: (crews) => { room.crews = crews; render(); },
  health: (health) => { room.health = health; render(); },
  beat: (beat) => { hours.set(beat.now); },
});

function choose(incident) {
  room.chosen = incident;
  room.chosenAt = performance.now();
  town.follow();
  render();
}

// What nobody has taken stays before everybody; else each open alert has its turn.
function turn() {
  const before = chosen();
  const waiting = unseen();
  const turns = waiting.length ? waiting : open();
  if (!turns.length) { room.chosen = null; return; }
  const here = turns.findIndex((each) => each.incident === before?.incident);
  if (here >= 0 && performance.now() - room.chosenAt < TURN_MS) return;
  const next = turns[(here + 1) % turns.length].incident;
  if (next !== room.chosen) choose(next);
  else room.chosenAt = performance.now();
}

let waiting = false;

function render() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    turn();
    const picture = chosen();
    const runs = isOpen(picture);
    renderAlerts(choose);
    renderBanner({});
    renderHelp();
    renderStrip(render);
    renderChain();
    tile.show(runs && bodyWorn ? picture.incident : null, runs && picture.ended ? { state: "ended" } : room.live[picture?.incident], can("flux_pieton"));
    town.show(picture, room, runs ? shown(picture) : []);
    renderAges(now());
  }, 0);
}

setInterval(() => {
  stream.check();
  $("hour").textContent = clock(now());
  $("heard").textContent = stream.silence === null ? "" : fill(words.heardAgo, { age: age(stream.silence) });
  renderAges(now());
  tile.render();
  renderTiles();
  render();
}, 1000);
stream.follow();
