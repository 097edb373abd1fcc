// The main courante of the chosen alert: it writes itself; operators add notes. Newest first while it
// is open, in order once closed, with who watched, as the register says.
import { $, button, clock, el, fill, keep, refusal, words } from "./text.js";
import { can, chosen, isOpen, room } from "./room.js";
import { post } from "./decide.js";

// Reading the log of what is over is a consultation (R241-14): it is read once, when it is chosen.
const QUIET_MS = 400;
const PATIENCE_MS = 15000;
const read = { incident: null, log: null, fault: "", timer: 0, asked: 0 };

// What comes together is read together; what never ceases to come is read all the same.
export function staleLog(incident) {
  if (incident !== read.incident || read.timer) return;
  read.timer = setTimeout(() => { read.timer = 0; fetchLog(); }, QUIET_MS);
}

export function focusNote() {
  if (!$("note").hidden && !$("log").hidden) $("note-text").focus();
}

// A note belongs to the alert it was begun for; what is not finished waits there. The tab keeps it, for whoever began
// it alone: a session that ends, or a page that is read again, loses no half-written note.
const KEPT = "drafts";
const drafts = new Map(); // incident → { text, corrects }
let corrects = null; // the line that the note being written corrects
let writer = "";

function keepDraft(incident) {
  if (!incident) return;
  const text = $("note-text").value;
  if (text) drafts.set(incident, { text, corrects });
  else drafts.delete(incident);
  save();
}

function save() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ writer, notes: [...drafts] }));
  } catch { /* a browser that keeps nothing */ }
}

export function restoreDrafts(user) {
  if (writer === user) return;
  writer = user;
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    if (kept?.writer === user) for (const [incident, draft] of kept.notes) drafts.set(incident, draft);
    else forgetDrafts();
  } catch { /* nothing is kept */ }
}

export function forgetDrafts() {
  try { sessionStorage.removeItem(KEPT); } catch { /* nothing is kept */ }
}

// The alert whose note waits to be finished.
export const draftedFor = () => [...drafts.keys()].find((incident) => room.pictures.has(incident));

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
  read.asked += 1;
  const { asked } = read;
  try {
    const answer = await fetch(`/api/incidents/${encodeURIComponent(incident)}/log`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const log = answer.ok ? await answer.json() : null;
    const fault = log ? "" : fill(words.logUnread, { why: await refusal(answer) });
    if (asked !== read.asked) return; // another alert was chosen meanwhile, or this one was asked for again
    Object.assign(read, { fault, log: log ?? read.log });
  } catch {
    if (asked !== read.asked) return;
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

$("note-text")?.addEventListener("input", () => keepDraft(read.incident));

$("note")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("note-text").value.trim();
  const incident = read.incident;
  if (!text || !incident) return;
  if (!await post({ decision: "note", incident, text, ...(corrects && { corrects: corrects.id }) })) return;
  drafts.delete(incident);
  if (incident === read.incident && $("note-text").value.trim() === text) {
    takeDraft(incident);
    $("note-text").blur();
  }
  save();
  staleLog(incident);
});
