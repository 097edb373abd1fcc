// The officer's picture: asked for as soon as he presses, shown with its state, never kept.
import { el, words } from "./text.js";
import { Player } from "./whep.js";

export class Picture {
  constructor(box, token) {
    this.box = box;
    this.wanted = null; // the incident to be shown
    this.status = null; // what the host says of its picture
    this.entitled = false;
    this.muted = true;
    this.player = new Player(["video", "audio"], token, () => this.render());
    this.video = this.player.video;
    this.video.setAttribute("aria-label", words.liveTitle);
    this.said = el("p", "said", "");
    // Seconds that pass are seen; only what changes is read aloud.
    this.told = el("span", "unseen", "");
    this.told.setAttribute("role", "status");
    this.ear = el("button", "plain", "");
    this.ear.addEventListener("click", () => this.hear(this.muted));
    this.size = el("button", "plain", "");
    this.size.addEventListener("click", () => this.enlarge(!this.box.classList.contains("large")));
    const bar = el("div", "bar");
    this.late = el("span", "late", "");
    bar.append(this.said, this.late, this.ear, this.size);
    box.append(this.video, bar, this.told);
  }

  // What is to be shown: an incident whose activation runs, or nothing.
  show(incident, status, entitled) {
    const changed = incident !== this.wanted;
    Object.assign(this, { wanted: incident, status, entitled });
    const open = incident && entitled && status && status.state !== "ended";
    this.player.want(open ? `/whep/${encodeURIComponent(incident)}` : "");
    if (changed) this.enlarge(false);
    this.render();
  }

  hear(on) {
    this.muted = !on;
    this.video.muted = !on;
    if (on) this.video.play().catch(() => { this.hear(false); });
    this.render();
  }

  enlarge(on) {
    this.box.classList.toggle("large", on);
    this.render();
  }

  // Called each second too: a picture that stands still says so.
  render() {
    const { box, status, player } = this;
    box.hidden = !this.wanted;
    document.body.classList.toggle("enlarged", Boolean(this.wanted) && box.classList.contains("large"));
    if (!this.wanted) return;
    const [text, kind] = this.words(status);
    if (this.said.textContent !== text) this.said.textContent = text;
    if (box.dataset.state !== kind) this.told.textContent = text;
    player.measure();
    this.late.textContent = player.behind();
    box.dataset.state = kind;
    for (const each of [this.video, this.ear, this.size]) each.hidden = !player.shown;
    this.ear.textContent = this.muted ? words.liveMuted : words.liveHeard;
    this.ear.setAttribute("aria-pressed", String(!this.muted));
    this.size.textContent = box.classList.contains("large") ? words.liveSmaller : words.liveLarger;
  }

  words(status) {
    if (!this.entitled) return [words.liveForPolice, "closed"];
    if (!status) return [words.liveNone, "none"];
    if (status.state === "ended") return [words.liveEnded, "ended"];
    return this.player.words(status);
  }
}
