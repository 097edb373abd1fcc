// The main courante of the chosen alert: it writes itself; operators add notes. Newest first while it
// is open, in order once closed, with who watched, as the register says.
import { $, button, clock, el, fill, keep, refusal, words } from "./text.js";
import { can, chosen, isOpen, room } from "./room.js";
import { post } from "./decide.js";

// Reading the log of what is over is a consultation (R241-14): it is read once, when it is chosen.
const QUIET_MS = 400;
const read = { incident: null, log: null, fault: "", stale: false, timer: 0 };

export function staleLog(incident) {
  if (incident !== read.incident) return;
  clearTimeout(read.timer);
  read.timer = setTimeout(fetchLog, QUIET_MS);
}

export function focusNote() {
  if (!$("note").hidden && !$("log").hidden) $("note-text").focus();
}

// A note belongs to the alert it was begun for; what is not finished waits there.
const drafts = new Map(); // incident → { text, corrects }
let corrects = null; // the line that the note being written corrects

function keepDraft(incident) {
  if (incident) drafts.set(incident, { text: $("note-text").value, corrects });
}

function takeDraft(incident) {
  const draft = drafts.get(incident) ?? { text: "", corrects: null };
  $("note-text").value = draft.text;
  ask(draft.corrects);
}

function ask(line) {
  corrects = line;
  $("note-text").placeholder = line ? fill(words.logCorrecting, { line: line.text }) : words.logWrite;
}

export function leaveNote() {
  if (document.activeElement !== $("note-text")) return;
  ask(null);
  $("note-text").blur();
}

export function renderLog() {
  const picture = chosen();
  $("log").hidden = !picture || !can("main_courante");
  if ($("log").hidden) return;
  if (picture.incident !== read.incident) {
    keepDraft(read.incident);
    takeDraft(picture.incident);
    Object.assign(read, { incident: picture.incident, log: null, fault: "" });
    $("lines").replaceChildren();
    fetchLog();
  }
  $("note").hidden = !can("decider");
  const address = `/api/incidents/${encodeURIComponent(picture.incident)}/log`;
  $("exports").hidden = !can("exporter");
  $("export-pdf").href = `${address}.pdf`;
  $("export-csv").href = `${address}.csv`;
}

async function fetchLog() {
  const incident = read.incident;
  try {
    const answer = await fetch(`/api/incidents/${encodeURIComponent(incident)}/log`);
    const log = answer.ok ? await answer.json() : null;
    const fault = log ? "" : fill(words.logUnread, { why: await refusal(answer) });
    if (incident !== read.incident) return; // another alert was chosen meanwhile
    Object.assign(read, { fault, log: log ?? read.log });
  } catch {
    read.fault = fill(words.logUnread, { why: words.unreachable });
  }
  draw();
}

function draw() {
  const lines = read.log?.lines ?? [];
  const newestFirst = isOpen(room.pictures.get(read.incident));
  const entries = (newestFirst ? [...lines].reverse() : lines).map((line) => [line.id, line, () => row(line)]);
  if (read.fault) entries.unshift(["fault", read.fault, () => el("li", "warn", read.fault)]);
  if (!entries.length) entries.push(["none", 0, () => el("li", "why", words.logNone)]);
  const views = newestFirst ? [] : (read.log?.views ?? []);
  if (views.length) entries.push(["views", 0, () => el("li", "title", words.logViews)]);
  views.forEach((view, index) => entries.push([`view ${index}`, view, () => watched(view)]));
  keep($("lines"), entries);
}

function row(line) {
  const item = el("li", `line ${line.kind}${line.corrected ? " corrected" : ""}`);
  const time = el("time", "", clock(line.at));
  item.append(time, " ", el("span", "said", line.text));
  if (line.corrected) item.append(" ", el("span", "chip", words.logCorrected));
  else if (SAID.has(line.kind) && can("decider")) item.append(" ", correcting(line));
  return item;
}

// What people said, and may have said wrongly; nothing is erased: a correction is one more line.
const SAID = new Set(["Noted", "Explained", "Closed"]);

function correcting(line) {
  const act = button("plain correct", words.logCorrect, () => { ask(line); focusNote(); });
  act.dataset.act = "correct";
  act.setAttribute("aria-label", fill(words.logCorrecting, { line: line.text }));
  return act;
}

function watched(view) {
  const item = el("li", "line view");
  item.append(el("time", "", clock(Date.parse(view.at))), ` ${view.who} : ${view.what}`);
  return item;
}

$("note")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("note-text").value.trim();
  const incident = read.incident;
  if (!text || !incident) return;
  if (!await post({ decision: "note", incident, text, ...(corrects && { corrects: corrects.id }) })) return;
  drafts.delete(incident);
  if (incident === read.incident) {
    takeDraft(incident);
    $("note-text").blur();
  }
  staleLog(incident);
});
