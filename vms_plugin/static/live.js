// The officer's picture: asked for by WHEP as soon as he presses, shown with its state, never kept.
import { age, clock, el, fill, words } from "./text.js";

const RETRY_MS = 1000;
const FROZEN_MS = 1500;

export class Picture {
  constructor(box, token) {
    this.box = box;
    this.token = token; // gives the page's token
    this.wanted = null; // the incident to be shown
    this.status = null; // what the host says of its picture
    this.entitled = false;
    this.session = null;
    this.fault = "";
    this.frameAt = 0;
    this.muted = true;
    this.video = el("video", "");
    Object.assign(this.video, { autoplay: true, playsInline: true, muted: true, disablePictureInPicture: true });
    this.video.setAttribute("aria-label", words.liveTitle);
    this.said = el("p", "said", "");
    this.said.setAttribute("role", "status");
    this.ear = el("button", "plain", "");
    this.ear.addEventListener("click", () => this.hear(this.muted));
    this.size = el("button", "plain", "");
    this.size.addEventListener("click", () => this.enlarge(!this.box.classList.contains("large")));
    const bar = el("div", "bar");
    bar.append(this.said, this.ear, this.size);
    box.append(this.video, bar);
    this.watchFrames();
  }

  // What is to be shown: an incident whose activation runs, or nothing.
  show(incident, status, entitled) {
    const changed = incident !== this.wanted;
    this.wanted = incident;
    this.status = status;
    this.entitled = entitled;
    if (changed) { this.stop(); this.fault = ""; this.enlarge(false); }
    const open = incident && entitled && status && status.state !== "ended";
    if (!open) this.stop();
    else if (!this.session) this.start();
    this.render();
  }

  async start() {
    const mine = { incident: this.wanted, peer: new RTCPeerConnection(), place: null };
    this.session = mine;
    const { peer } = mine;
    for (const kind of ["video", "audio"]) {
      const { receiver } = peer.addTransceiver(kind, { direction: "recvonly" });
      // Shown as soon as it is there: an officer's second is worth more than a smooth one.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    }
    const media = new MediaStream();
    peer.addEventListener("track", ({ track }) => { media.addTrack(track); this.video.srcObject = media; });
    peer.addEventListener("connectionstatechange", () => {
      if (["failed", "closed"].includes(peer.connectionState)) this.again(mine);
    });
    try {
      await peer.setLocalDescription();
      const answer = await fetch(`/whep/${mine.incident}`, {
        method: "POST",
        headers: { "Content-Type": "application/sdp", "X-Renfort-Token": this.token() },
        body: peer.localDescription.sdp,
      });
      if (!answer.ok) {
        this.fault = (await answer.json()).error;
        return this.again(mine);
      }
      mine.place = answer.headers.get("Location");
      if (this.session !== mine) return this.leave(mine); // no longer wanted
      this.fault = "";
      await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    } catch {
      this.fault = words.unreachable;
      this.again(mine);
    }
    return this.render();
  }

  again(mine) {
    if (this.session !== mine) return;
    this.leave(mine);
    setTimeout(() => {
      if (this.session !== mine) return;
      this.session = null;
      this.show(this.wanted, this.status, this.entitled);
    }, RETRY_MS);
    this.render();
  }

  leave(mine) {
    mine.peer.close();
    if (mine.place) {
      fetch(mine.place, { method: "DELETE", headers: { "X-Renfort-Token": this.token() }, keepalive: true }).catch(() => {});
      mine.place = null;
    }
  }

  stop() {
    if (this.session) this.leave(this.session);
    this.session = null;
    this.frameAt = 0;
    this.video.srcObject = null; // no last frame stays on the screen
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

  watchFrames() {
    if (!this.video.requestVideoFrameCallback) {
      this.video.addEventListener("timeupdate", () => { this.frameAt = Date.now(); });
      return;
    }
    const seen = () => {
      const first = !this.frameAt;
      this.frameAt = Date.now();
      if (first) this.render();
      this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
  }

  // Called each second too: a picture that stands still says so.
  render() {
    const { box, status } = this;
    box.hidden = !this.wanted;
    if (!this.wanted) return;
    const [text, kind] = this.words(status);
    if (this.said.textContent !== text) this.said.textContent = text;
    box.dataset.state = kind;
    const shown = Boolean(this.session && this.frameAt);
    this.video.hidden = !shown;
    this.ear.hidden = !shown;
    this.size.hidden = !shown;
    this.ear.textContent = this.muted ? words.liveMuted : words.liveHeard;
    this.ear.setAttribute("aria-pressed", String(!this.muted));
    this.size.textContent = box.classList.contains("large") ? words.liveSmaller : words.liveLarger;
  }

  words(status) {
    if (!this.entitled) return [words.liveForPolice, "closed"];
    if (!status) return [words.liveNone, "none"];
    if (status.state === "ended") return [words.liveEnded, "ended"];
    if (status.state === "lost") return [fill(words.liveLost, { time: clock(status.since), why: status.why }), "lost"];
    if (this.fault) return [fill(words.liveRefused, { why: this.fault }), "lost"];
    if (!this.frameAt) return [words.liveOpening, "opening"];
    const still = Date.now() - this.frameAt;
    if (still > FROZEN_MS) return [fill(words.liveFrozen, { age: age(still) }), "lost"];
    return [words.liveShowing, "showing"];
  }
}
