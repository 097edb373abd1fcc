// A crew's own page: the place, the way there, what the crew says of itself, what the officer films.
/* global L */
import { Hours, age, clock, fill, words } from "./text.js";

const $ = (id) => document.getElementById(id);
const base = window.location.pathname.replace(/\/$/, "");
//: Where the network hangs, it is said by radio.
const PATIENCE_MS = 8000;
const state = { told: null, heard: new Hours(), hours: new Hours(), over: false };

// --- the map ---

const map = L.map("map", { zoomControl: false, maxZoom: 20, keyboard: false }).setView([46.6, 2.5], 6);
map.attributionControl.setPrefix("");
const night = window.matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "day";
L.tileLayer(`${base}/map/${night}/{z}/{x}/{y}.svg`, { maxZoom: 20, attribution: "© OpenStreetMap" }).addTo(map);
const marks = L.layerGroup().addTo(map);
let framed = "";

function draw(told) {
  marks.clearLayers();
  const color = getComputedStyle(document.documentElement).getPropertyValue("--alert").trim();
  const points = told.route ?? [];
  if (points.length > 1) L.polyline(points, { color: "#0a5cad", weight: 6, opacity: 0.8 }).addTo(marks);
  if (!told.position) return;
  const { lat, lon, accuracy } = told.position;
  if (accuracy) L.circle([lat, lon], { radius: accuracy, color, weight: 1.5, fillOpacity: 0.15 }).addTo(marks);
  const mark = document.createElement("span");
  mark.className = "man";
  L.marker([lat, lon], { icon: L.divIcon({ html: mark, className: "", iconSize: [26, 26] }), interactive: false, keyboard: false }).addTo(marks);
  // Framed when the place or the way is new; afterwards the crew looks where it wants.
  const key = points.length > 1 ? "way" : "place";
  if (framed === key) return;
  framed = key;
  if (points.length > 1) map.fitBounds(L.latLngBounds([...points, [lat, lon]]).pad(0.15));
  else map.setView([lat, lon], 17);
}

// --- what is told ---

const SILENCE_MS = 12000;
let source = null;
let begun = new Hours();
let asking = false;

function follow() {
  source?.close();
  begun = new Hours();
  source = new EventSource(`${base}/stream`);
  source.addEventListener("state", (event) => {
    const told = JSON.parse(event.data);
    Object.assign(state, { told, heard: new Hours() });
    render();
  });
  source.addEventListener("beat", (event) => { Object.assign(state, { heard: new Hours(), hours: new Hours(Number(event.data)) }); });
  source.addEventListener("over", end);
}
follow();

// Called each second: a browser that was refused gives up, and a phone that slept may hold a link that is dead.
async function check() {
  const tried = Math.min(state.heard.passed, begun.passed);
  if (asking || state.over || (source.readyState !== EventSource.CLOSED && tried < 3 * SILENCE_MS)) return;
  asking = true;
  try {
    const answer = await fetch(base, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.status === 410) end(); // the order no longer stands
    else if (answer.ok) follow();
  } catch { /* still away: asked again in a second */ }
  asking = false;
}

function end() {
  if (state.over) return;
  state.over = true;
  source.close();
  leave();
  window.location.reload(); // the host says it in its own words
}

function render() {
  const { told } = state;
  if (!told) return;
  $("drill").hidden = !told.exercise;
  $("title").textContent = told.near ? `${told.who}, ${told.near}` : told.who;
  $("where").textContent = told.where;
  const way = told.time ? fill(words.way, { time: told.time, distance: told.distance }) : words.noWay;
  $("way").textContent = told.status === "on_scene" ? words.arrived : way;
  for (const button of document.querySelectorAll("[data-status]")) {
    button.setAttribute("aria-pressed", String(button.dataset.status === told.status));
  }
  $("tile").hidden = !told.live;
  if (!told.live) leave();
  draw(told);
  ages();
}

function ages() {
  const silent = state.heard.passed > SILENCE_MS;
  $("lost").hidden = !silent;
  if (silent) $("lost").textContent = fill(words.lost, { time: clock(state.hours.now - state.heard.passed) });
  const fixed = state.told?.position?.fixed;
  const late = fixed && state.hours.now - fixed > 10000;
  if (late) $("where").textContent = `${state.told.where} ${fill(words.aged, { age: age(state.hours.now - fixed) })}`;
}
setInterval(() => { ages(); check(); }, 1000);

// --- what the crew says ---

for (const button of document.querySelectorAll("[data-status]")) {
  button.addEventListener("click", async () => {
    $("fault").hidden = true;
    button.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${base}/status`, {
        method: "POST",
        signal: AbortSignal.timeout(PATIENCE_MS),
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ status: button.dataset.status }),
      });
      if (answer.status === 410) return end();
      if (!answer.ok) throw new Error(await answer.text());
    } catch {
      $("fault").textContent = words.unsaid;
      $("fault").hidden = false;
    } finally {
      button.removeAttribute("aria-busy");
    }
    return undefined;
  });
}

// --- the picture: only when it is asked for, each look is in the register ---

const video = document.querySelector("video");
let session = null;

$("look").addEventListener("click", () => (session ? leave() : look()));

async function look() {
  const mine = { peer: new RTCPeerConnection(), place: null };
  session = mine;
  $("look").textContent = words.unlook;
  $("live").textContent = words.opening;
  const media = new MediaStream();
  for (const kind of ["video", "audio"]) mine.peer.addTransceiver(kind, { direction: "recvonly" });
  mine.peer.addEventListener("track", ({ track }) => { media.addTrack(track); video.srcObject = media; video.hidden = false; });
  mine.peer.addEventListener("connectionstatechange", () => {
    if (session === mine && ["failed", "closed"].includes(mine.peer.connectionState)) leave(words.gone);
  });
  video.onplaying = () => { $("live").textContent = words.live; };
  try {
    await mine.peer.setLocalDescription();
    const answer = await fetch(`${base}/whep`, {
      method: "POST", headers: { "Content-Type": "application/sdp" }, body: mine.peer.localDescription.sdp,
    });
    if (!answer.ok) return leave((await answer.json()).error);
    mine.place = answer.headers.get("Location");
    await mine.peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  } catch {
    return leave(words.gone);
  }
  return undefined;
}

function leave(why = "") {
  const was = session;
  session = null;
  video.srcObject = null;
  video.hidden = true;
  $("live").textContent = why;
  $("look").textContent = words.look;
  if (!was) return;
  was.peer.close();
  if (was.place) fetch(was.place, { method: "DELETE", keepalive: true }).catch(() => {});
}
window.addEventListener("pagehide", () => leave());
