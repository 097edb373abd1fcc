// The stream: the whole state first, then each change; silence is a broken link.
import { can, now, room } from "./room.js";
import { $, Hours, clock, fill, words } from "./text.js";

const SILENCE_MS = 12000;
//: A host that does not answer for that long is asked again.
const PATIENCE_MS = 10000;

// The session is over: who logs in again comes back to this very page.
export const logIn = () => window.location.assign(`/login?over=1&next=${encodeURIComponent(window.location.pathname)}`);

export class Stream {
  #source = null; #acts; #heard = null; #begun = new Hours(); #asking = false;

  // `acts` by event's name; each is given the event's data once the room has heard it.
  constructor(acts) { this.#acts = { over: logIn, ...acts }; }

  follow() {
    this.#source?.close();
    this.#begun = new Hours();
    this.#source = new EventSource("/stream");
    for (const name of Object.keys(this.#acts)) {
      this.#source.addEventListener(name, (event) => {
        this.#heard = new Hours();
        this.#acts[name](event.data ? JSON.parse(event.data) : null);
        if (name === "state") this.#say();
      });
    }
  }

  // How long nothing was heard; null before anything was.
  get silence() { return this.#heard && this.#heard.passed; }

  // Called each second: notices the silence, and asks again where the browser gave up.
  check() {
    const silence = this.silence ?? this.#begun.passed;
    if (silence > SILENCE_MS) room.lostSince ??= now() - silence;
    else if (this.#heard) room.lostSince = null;
    this.#say();
    const tried = Math.min(silence, this.#begun.passed);
    if (this.#source.readyState === EventSource.CLOSED || tried > 3 * SILENCE_MS) this.#again();
  }

  // A page that nothing reaches does not say that there is nothing.
  #say() {
    const lost = Boolean(room.lostSince);
    const time = clock(room.lostSince);
    const text = lost ? this.#heard ? fill(words.lost, { time }) : words.lostAlways : "";
    $("lost").hidden = !lost;
    if ($("lost").textContent !== text) $("lost").textContent = text;
    const quiet = !lost || !can("alertes") && this.#heard ? $("quiet").dataset.quiet : this.#heard ? fill(words.quietUntil, { time }) : words.linking;
    if ((this.#heard || lost) && $("quiet").textContent !== quiet) $("quiet").textContent = quiet;
  }

  // One question at a time: what is cut leaves them all unanswered, and a browser asks a host six at most, a
  // decision among them.
  async #again() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      // The browser gives up for good when it is refused: our session may be over.
      const answer = await fetch("/api/state", { signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.status === 401) logIn();
      else if (answer.ok) this.follow();
    } catch { /* still away: asked again in a second */ }
    this.#asking = false;
  }
}
