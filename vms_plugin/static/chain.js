// The health line: every link of the chain, what fails named, with since when and why; when the chain
// last proved itself whole.
import { $, age, button, clock, el, fill, keep, sign, words } from "./text.js";
import { can, now, room } from "./room.js";
import { complain } from "./decide.js";

const OLD_MAP_MS = 400 * 86400e3;

export function renderChain() {
  const { health } = room;
  if (!health) return;
  const parts = [];
  const add = (well, ...part) => parts.push({ well, part });
  for (const adapter of health.adapters) add(adapter.well, adapter.name, adapter, () => link(adapter));
  if (!can("sante")) add(health.well, "whole", health.well, () => item(health.well, "", health.well ? words.chainWell : words.chainIll));
  else if (!health.adapters.length) add(false, "none", 0, () => item(false, "", words.noAdapter));
  if (health.exercise) add(health.exercise.well, "exercise", health.exercise, () => exercise(health.exercise));
  if (health.unwritten) add(false, "unwritten", 1, () => item(false, "", words.unwritten));
  if (health.unlawful) add(false, "unlawful", health.unlawful, () => item(false, "", health.unlawful));
  for (const note of health.notes) add(false, note, note, () => item(false, "", note));
  if (health.mapDate) add(fresh(health.mapDate), "map", Math.floor((now() - health.mapDate) / 3600e3), () => map(health.mapDate));
  // What fails comes first: a small pane shows two lines of it.
  keep($("chain"), parts.sort((one, other) => one.well - other.well).map(({ part }) => part));
}

const fresh = (date) => now() - date < OLD_MAP_MS;

function item(well, name, said, mark = well ? "●" : "▲") {
  const box = el("li", well ? "" : "ill");
  box.append(sign(mark));
  if (name) box.append(el("b", "", name), " ");
  box.append(el("span", "", said));
  return box;
}

function link(adapter) {
  const since = (each) => fill(words.since, { time: clock(each.since) });
  const said = adapter.failures.map((each) => `${each.why} (${since(each)})`);
  if (adapter.down) said.unshift(adapter.down);
  else said.push(...adapter.links.filter((each) => !each.up).map((each) => `${each.name} : ${each.why} (${since(each)})`));
  if (adapter.skew) said.push(adapter.skew);
  if (adapter.behind) said.push(adapter.behind);
  // All well, a name and its sign are enough to see; a screen reader is told in words.
  const box = item(adapter.well, adapter.down ? "" : adapter.brand, said.length ? said.join(" ; ") : words.well);
  if (!said.length) box.lastChild.className = "unseen";
  box.dataset.adapter = adapter.name;
  return box;
}

function exercise(proof) {
  // Never tried is neither well nor ill.
  const box = proof.at === null ? item(true, "", proof.said, "○") : item(proof.well, "", proof.said);
  if (!can("exercice")) return box;
  const act = button("plain", words.exerciseNow, async () => {
    act.disabled = true;
    const answer = await fetch("/api/exercise", { method: "POST", headers: { "X-Renfort-Token": room.token } }).catch(() => null);
    if (!answer?.ok) complain(words.exerciseFailed);
    act.disabled = false;
  });
  act.dataset.act = "exercise";
  box.append(" ", act);
  return box;
}

function map(date) {
  return item(fresh(date), "", fill(words.mapAge, { age: age(now() - date) }));
}
