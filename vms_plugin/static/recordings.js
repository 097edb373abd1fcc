// What the camera itself recorded of an alert that is over, for those entitled to it: read on a press
// alone, for each reading is a consultation that the register keeps (R241-14). No picture is shown.
import { $, button, clock, el, fill, keep, refusal, words } from "./text.js";
import { can, chosen, isOpen, room } from "./room.js";

const read = { incident: null, found: null, fault: "" };

// The way he went, as the camera recorded it; for the map.
export function recordedTrails() {
  if (read.incident !== room.chosen || !read.found) return [];
  return read.found.recordings.map((each) => each.trail.map(({ lat, lon }) => [lat, lon]));
}

export function renderRecordings(redraw) {
  const picture = chosen();
  const shown = picture && !isOpen(picture) && can("enregistrements");
  $("recordings").hidden = !shown;
  if (!shown) return;
  if (read.incident !== picture.incident) Object.assign(read, { incident: picture.incident, found: null, fault: "" });
  const entries = [["ask", read.found !== null, () => asking(redraw)]];
  if (read.fault) entries.push(["fault", read.fault, () => el("li", "warn", read.fault)]);
  if (read.found && !read.found.recordings.length) entries.push(["none", 0, () => el("li", "why", words.recordingsNone)]);
  for (const each of read.found?.recordings ?? []) entries.push([each.id, each, () => row(each)]);
  keep($("recording-list"), entries);
}

function asking(redraw) {
  const item = el("li", "");
  if (!read.found) item.append(button("", words.recordingsRead, () => fetchThem(redraw)));
  return item;
}

async function fetchThem(redraw) {
  const incident = room.chosen;
  try {
    const answer = await fetch(`/api/incidents/${encodeURIComponent(incident)}/recordings`);
    if (incident !== read.incident) return;
    if (answer.ok) read.found = await answer.json();
    else read.fault = fill(words.refused, { why: await refusal(answer) });
  } catch {
    read.fault = words.unreachable;
  }
  redraw();
}

function row(each) {
  const item = el("li", "line");
  const span = each.started && each.ended ? `${clock(each.started)} – ${clock(each.ended)}` : words.recordingUndated;
  item.append(el("b", "", span), ` · ${each.matched}`);
  const numbers = each.setAside.map((aside) => aside.number).join(", ");
  const until = numbers ? fill(words.recordingAside, { number: numbers }) : fill(words.recordingUntil, { day: day(each.lastDay) });
  item.append(el("p", "why", until));
  for (const said of each.differences) item.append(el("p", "why warn", said));
  return item;
}

const day = (iso) => new Date(`${iso}T12:00`).toLocaleDateString(document.documentElement.lang);
