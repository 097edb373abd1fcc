// The stream: the whole state first, then each change; silence is a broken link.
import { now, room } from "./room.js";
import { Hours } from "./text.js";

const SILENCE_MS = 12000;

export class Stream {
  #source = null; #acts; #heard = null;

  // `acts` by event's name; each is given the event's data once the room has heard it.
  constructor(acts) { this.#acts = acts; }

  follow() {
    this.#source?.close();
    this.#source = new EventSource("/stream");
    for (const name of Object.keys(this.#acts)) {
      this.#source.addEventListener(name, (event) => {
        this.#heard = new Hours();
        this.#acts[name](event.data ? JSON.parse(event.data) : null);
      });
    }
  }

  // How long nothing was heard; null before anything was.
  get silence() { return this.#heard && this.#heard.passed; }

  // Called each second: notices the silence, and asks again where the browser gave up.
  check() {
    const silent = this.silence > SILENCE_MS;
    if (silent) room.lostSince ??= now() - this.silence;
    else room.lostSince = null;
    if (this.#source.readyState === EventSource.CLOSED) this.#again();
    else if (this.silence > 3 * SILENCE_MS) this.#again();
  }

  async #again() {
    // The browser gives up for good when it is refused: our session may be over.
    try {
      const answer = await fetch("/api/state");
      if (answer.status === 401) window.location.assign("/login");
      else if (answer.ok) this.follow();
    } catch { /* still away: asked again in a second */ }
  }
}
