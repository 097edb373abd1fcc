// One live picture by WHEP: asked for, shown as it comes, asked for again when it breaks, never kept.
// Who shows it (an officer's picture, a camera's tile) says what is wanted and puts its state in words.
import { age, clock, el, fill, refusal, words } from "./text.js";

const RETRY_MS = 1000;
const FROZEN_MS = 1500;
//: A host that does not answer for that long is asked again.
const PATIENCE_MS = 30000;
// The host shows it, and nothing arrives here for that long: the network between is at fault.
const ASTRAY_MS = 10000;

// The host bounds what one page shows: it tells pages apart by this.
const PAGE = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");

//: A browser asks a host six things at once, the stream for ever among them: however slow the pictures are to be
//: opened and left, there is room for a decision.
const AT_ONCE = 2;
let asking = 0;
let hiding = false;
const waiting = [];

async function turn(first) {
  if (asking < AT_ONCE || hiding) { asking += 1; return; }
  await new Promise((go) => (first ? waiting.unshift(go) : waiting.push(go)));
}

// Ask in one's turn; an officer's picture goes first.
async function inTurn(first, ask) {
  await turn(first);
  try {
    return await ask();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else asking -= 1;
  }
}

// Cameras give H.264. Firefox fetches what decodes it from the internet, and has nothing where there is none.
const decodes = () => RTCRtpReceiver.getCapabilities?.("video")?.codecs.some((each) => each.mimeType.toLowerCase() === "video/h264") ?? true;

export class Player {
  // kinds: what is asked for, ["video"] or ["video", "audio"]; token(): the page's; changed(): called when there is news.
  constructor(kinds, token, changed) {
    Object.assign(this, { kinds, token, changed, wanted: "", session: null, fault: "", frameAt: 0, since: 0, heldMs: 0, wayMs: 0 });
    // One place at a time: what was asked before is answered, and given back, before another is asked for.
    this.before = Promise.resolve();
    this.video = el("video", "");
    Object.assign(this.video, { autoplay: true, playsInline: true, muted: true, disablePictureInPicture: true });
    this.watchFrames();
    window.addEventListener("pagehide", () => { hiding = true; this.want(""); });
  }

  // The address of what is to be shown; "" for nothing.
  want(url) {
    if (url !== this.wanted) { this.stop(); this.fault = ""; }
    this.wanted = url;
    if (url && !this.session) this.start();
  }

  get first() { return this.kinds.length > 1; }

  get shown() { return Boolean(this.session && this.frameAt); }

  start() {
    const mine = { peer: new RTCPeerConnection(), place: null };
    this.session = mine;
    this.before = this.before.then(() => this.ask(mine));
  }

  async ask(mine) {
    if (this.session !== mine) return undefined; // no longer wanted
    if (!decodes()) {
      // Not asked for: each would be a consultation in the register, and none is shown.
      this.fault = words.liveNoCodec;
      return this.again(mine);
    }
    this.since = performance.now();
    const { peer } = mine;
    for (const kind of this.kinds) {
      const { receiver } = peer.addTransceiver(kind, { direction: "recvonly" });
      // Shown as soon as it is there: an officer's second is worth more than a smooth one.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    }
    const media = new MediaStream();
    peer.addEventListener("track", ({ track }) => {
      media.addTrack(track);
      if (this.session === mine) this.video.srcObject = media;
    });
    peer.addEventListener("connectionstatechange", () => {
      if (["failed", "closed"].includes(peer.connectionState)) this.again(mine);
    });
    try {
      await peer.setLocalDescription();
      if (this.session !== mine) return undefined;
      const answer = await inTurn(this.first, () => this.session === mine && fetch(this.wanted, {
        method: "POST",
        signal: AbortSignal.timeout(PATIENCE_MS),
        headers: { "Content-Type": "application/sdp", "X-Renfort-Token": this.token(), "X-Renfort-Page": PAGE },
        body: peer.localDescription.sdp,
      }));
      if (!answer) return undefined; // no longer wanted
      const fault = answer.ok ? "" : await refusal(answer);
      mine.place = answer.headers.get("Location");
      if (this.session !== mine) return this.leave(mine); // no longer wanted
      this.fault = fault;
      if (fault) return this.again(mine);
      await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    } catch {
      if (this.session !== mine) return this.leave(mine);
      this.fault = words.unreachable;
      this.again(mine);
    }
    return this.changed();
  }

  again(mine) {
    if (this.session !== mine) return;
    this.leave(mine);
    this.frameAt = 0;
    setTimeout(() => {
      if (this.session !== mine) return;
      this.session = null;
      this.want(this.wanted);
    }, RETRY_MS);
    this.changed();
  }

  // Done once its place is free again.
  leave(mine) {
    mine.peer.close();
    if (!mine.place) return undefined;
    const place = mine.place;
    mine.place = null;
    const asked = { method: "DELETE", headers: { "X-Renfort-Token": this.token() }, keepalive: true };
    const left = inTurn(this.first, () => fetch(place, { ...asked, signal: AbortSignal.timeout(PATIENCE_MS) })).catch(() => {});
    this.before = this.before.then(() => left);
    return left;
  }

  stop() {
    if (this.session) this.leave(this.session);
    this.session = null;
    this.frameAt = 0;
    this.video.srcObject = null; // no last frame stays on the screen
  }

  watchFrames() {
    if (!this.video.requestVideoFrameCallback) {
      this.video.addEventListener("timeupdate", () => { this.frameAt = performance.now(); });
      return;
    }
    const seen = (now, frame) => {
      const first = !this.frameAt;
      this.frameAt = performance.now();
      // From its last packet's arrival to its painting, smoothed; old browsers do not say.
      if (frame.receiveTime) this.heldMs += ((first ? 1 : 0.05) * (performance.now() - frame.receiveTime - this.heldMs));
      if (first) this.changed();
      this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
  }

  // How far behind what is shown is, from the host to the eye; "" while nobody can tell. In tenths: no instrument.
  behind() {
    if (!this.shown || !this.heldMs || performance.now() - this.frameAt > FROZEN_MS) return "";
    const tenths = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
    const seconds = Math.max(0.1, (this.heldMs + this.wayMs) / 1000);
    return fill(words.liveBehind, { s: seconds.toLocaleString(document.documentElement.lang, tenths) });
  }

  // Called each second: half of the way there and back.
  async measure() {
    const stats = await this.session?.peer.getStats();
    stats?.forEach((each) => {
      if (each.type === "candidate-pair" && each.nominated && each.currentRoundTripTime) this.wayMs = 500 * each.currentRoundTripTime;
    });
  }

  // What is to be read beside the picture, and its kind, from what the host says of it and what is seen here.
  // Called each second too: a picture that stands still says so, and none is awaited without end.
  words(status) {
    const state = status?.state;
    if (state === "lost") return [fill(words.liveLost, { time: clock(status.since), why: status.why }), "lost"];
    if (state === "refused") return [fill(words.liveRefused, { why: status.why }), "refused"];
    if (this.fault) return [fill(words.liveRefused, { why: this.fault }), "lost"];
    if (this.frameAt) {
      const still = performance.now() - this.frameAt;
      return still > FROZEN_MS ? [fill(words.liveFrozen, { age: age(still) }), "lost"] : [words.liveShowing, "showing"];
    }
    if (status?.since !== this.told) Object.assign(this, { told: status?.since, toldAt: performance.now() });
    const astray = state === "showing" && this.session && performance.now() - Math.max(this.since, this.toldAt) > ASTRAY_MS;
    return astray ? [words.liveAstray, "lost"] : [words.liveOpening, "opening"];
  }
}
