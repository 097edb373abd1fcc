// A fixed camera's tile: its live picture, mute, for as long as its incident is open.
//
//   const tile = new CameraTile(box, () => token);   box: an element of its own; token(): the page's
//   tile.show(incident, camera, status);             incident: its id; camera: {id, name}; status: what the host
//                                                    says of it (`cctv` of the state and of the stream), or nothing
//   tile.render();                                   each second: ages and silences are told
//   tile.stop();                                     shows nothing, and lets the camera go at once
//
// The same camera again changes nothing, another one takes its place. The host shows four to a page at most, and
// ends each with its incident by itself. box.dataset.state: opening, showing, lost, refused; box.dataset.camera.
import { el } from "./text.js";
import { Player } from "./whep.js";

export class CameraTile {
  constructor(box, token) {
    Object.assign(this, { box, incident: null, camera: null, status: null });
    this.player = new Player(["video"], token, () => this.render());
    this.name = el("span", "name", "");
    this.said = el("p", "said", "");
    // Four of them that come are not read aloud one by one; one that fails is, once.
    this.told = el("span", "unseen", "");
    this.told.setAttribute("role", "status");
    const bar = el("div", "bar");
    this.late = el("span", "late", "");
    bar.append(this.name, this.said, this.late);
    box.classList.add("cctv");
    box.append(this.player.video, bar, this.told);
    this.render();
  }

  show(incident, camera, status) {
    // The host speaks of it no more: it let the camera go, and what was seen last is not to be looked at.
    if (this.status && !status) this.player.stop();
    Object.assign(this, { incident, camera, status });
    const asked = `?incident=${encodeURIComponent(incident)}`;
    this.player.want(incident && camera ? `/whep/camera/${encodeURIComponent(camera.id)}${asked}` : "");
    this.render();
  }

  stop() {
    Object.assign(this, { incident: null, camera: null, status: null });
    this.player.want("");
    this.render();
  }

  render() {
    const { box, camera, player } = this;
    box.hidden = !camera;
    if (!camera) { delete box.dataset.camera; delete box.dataset.state; return; }
    const [text, kind] = player.words(this.status);
    if (this.name.textContent !== camera.name) this.name.textContent = camera.name;
    player.video.setAttribute("aria-label", camera.name);
    if (this.said.textContent !== text) this.said.textContent = text;
    const fails = kind === "lost" || kind === "refused";
    if (box.dataset.state !== kind) this.told.textContent = fails ? `${camera.name} : ${text}` : "";
    player.measure();
    this.late.textContent = player.behind();
    box.dataset.state = kind;
    box.dataset.camera = camera.id;
    player.video.hidden = !player.shown;
  }
}
