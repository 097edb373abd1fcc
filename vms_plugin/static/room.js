// What the page knows: everything the host said, and which alert the operator looks at.
// What has passed here is counted by `performance.now()`: a clock may be set back, and a key would be dead meanwhile.
import { Hours } from "./text.js";

export const room = {
  pictures: new Map(), crews: [], cameras: [], health: null, live: {}, cctv: {}, rights: [], user: "",
  chosen: null, chosenAt: -Infinity, drawnAt: -Infinity, token: "", lostSince: null,
};

//: The host's clock.
export const hours = new Hours();

// Everything, as the host says it: the page has just opened, has come back, or the town is another.
export function restate({ now: at, pictures, crews, cameras, health, live, cctv }) {
  hours.set(at);
  Object.assign(room, { crews, cameras, health, live, cctv });
  room.pictures = new Map(pictures.map((each) => [each.incident, each]));
}

// What the host has put away.
export function forget(incident) {
  room.pictures.delete(incident);
  delete room.live[incident];
}

// The newest of one alert; false when it comes late, and a newer one is shown.
export function renew(picture) {
  if (room.pictures.get(picture.incident)?.version > picture.version) return false;
  room.pictures.set(picture.incident, picture);
  return true;
}

export const now = () => hours.now;
export const chosen = () => room.pictures.get(room.chosen) ?? null;
export const isOpen = (picture) => Boolean(picture) && picture.phase !== "closed";
export const open = () => [...room.pictures.values()].filter(isOpen);
export const unseen = () => open().filter((each) => each.phase === "new").sort((a, b) => a.opened - b.opened);
export const mine = (picture) => isOpen(picture) && picture.owner === room.user;
export const can = (right) => room.rights.includes(right);
export const crewNamed = (id) => room.crews.find((each) => each.id === id);

// New alerts first, who waits longest on top: nobody's card moves down under the hand.
const rank = { new: 0, taken: 1, engaged: 1, closed: 2 };

export function ordered() {
  return [...room.pictures.values()].sort((a, b) => rank[a.phase] - rank[b.phase]
    || (a.phase === "new" ? a.opened - b.opened : b.opened - a.opened));
}

// Whoever works on his own alert, or writes a note, is not torn away from it: what was meant for it
// would go to another.
export function drawnTo(picture) {
  return picture.phase === "new" && !mine(chosen()) && chosen()?.phase !== "new" && !writing();
}

// Of an alert that nobody took, for whoever is called on: only his own work, or another such one, goes before.
export function calledElsewhere(picture) {
  const here = chosen();
  return mine(here) || writing() || here?.incident === picture.incident || Boolean(here?.escalated);
}

const writing = () => document.activeElement?.id === "note-text" && document.activeElement.value !== "";
