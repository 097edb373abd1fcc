// Every action has a key, and every key stands on the map of keys: one table makes both.
import { $, button, el, words } from "./text.js";

// Digits by their place on the keyboard: on a French one they are typed with Shift, or without.
export function digitOf(event) {
  const found = /^(?:Digit|Numpad)([1-9])$/.exec(event.code) ?? (/^[1-9]$/.exec(event.key) && [0, event.key]);
  return found ? Number(found[1]) : 0;
}

// A window that was just closed still holds the focus, until the browser's next frame.
const typing = (target) => Boolean(target.matches?.("input, textarea, select") && !target.closest("dialog:not([open])"));

export class Keys {
  #table; #digit; #mode = null; #escape;

  // `table`: [key, what it shows as, its words, act]; `digit(n)` where no mode holds; `escape()`.
  constructor(table, digit, escape) {
    this.#table = table;
    this.#digit = digit;
    this.#escape = escape;
    document.addEventListener("keydown", (event) => this.#pressed(event));
    document.addEventListener("pointerdown", () => this.leave());
  }

  // The next digit is for `act`; anything else leaves the mode. `text` says so on the page.
  awaitDigit(text, act) {
    this.#mode = act;
    $("mode").textContent = text;
    $("mode").hidden = false;
  }

  leave() {
    this.#mode = null;
    $("mode").hidden = true;
  }

  #pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const box = document.querySelector("dialog[open]");
    const number = digitOf(event);
    if (box) {
      if (number) box.querySelectorAll(".choices > button:not(.plain)")[number - 1]?.click();
      return;
    }
    if (event.key === "Escape") { this.leave(); this.#escape(); return; }
    if (typing(event.target)) return;
    if (number) {
      const act = this.#mode ?? this.#digit;
      this.leave();
      act(number);
      return;
    }
    this.leave();
    const key = event.key.toLowerCase();
    // The browser's own click; but the card of the alert that is shown has nothing more to choose.
    const under = event.target.closest?.("button, a, summary");
    if (key === "enter" && under && !under.matches("#cards [aria-current]")) return;
    // Whoever reads a list by the keyboard turns its pages.
    if (key.startsWith("page") && event.target.closest?.("#alerts, #strip, #side, #chain")) return;
    const row = this.#table.find(([name]) => name === key);
    if (!row) return;
    event.preventDefault();
    row[3]();
  }

  // `below`: what stands under it.
  showMap(below) {
    const box = $("keymap");
    const list = el("dl", "");
    const rows = [...this.#table.filter((row) => row[1]), ["", words.keyEscape, words.keyCancel]];
    for (const [, shown, said] of rows) {
      const name = el("dt", "");
      name.append(el("kbd", "", shown));
      list.append(name, el("dd", "", said));
    }
    const title = el("h2", "", words.keysTitle);
    title.id = "keymap-title";
    box.setAttribute("aria-labelledby", title.id);
    const close = button("", words.done, () => box.close(), words.keyEscape);
    box.replaceChildren(title, list, below, close);
    box.showModal();
    close.focus();
  }
}
