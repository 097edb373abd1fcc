// The map: the town, the officer and how sure that is, who sees him, who can come.
/* global L */
import { el } from "./text.js";

const pin = (className, text) => {
  const mark = el("span", className, text);
  const box = el("div", "pin");
  box.append(mark);
  return box;
};
const icon = (className, text, size) =>
  L.divIcon({ html: pin(className, text), className: "", iconSize: size, iconAnchor: size.map((n) => n / 2) });
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Town {
  #map; #tiles; #marks = L.layerGroup(); #following = true; #shown = null;

  constructor(box, onClick) {
    this.#map = L.map(box, { zoomControl: false, preferCanvas: false, maxZoom: 20, keyboard: false });
    this.#map.attributionControl.setPrefix("");
    L.control.zoom({ position: "bottomright" }).addTo(this.#map);
    this.theme(document.documentElement.dataset.theme);
    this.#marks.addTo(this.#map);
    this.#map.setView([46.6, 2.5], 6);
    this.#map.on("click", (event) => onClick(event.latlng.lat, event.latlng.lng));
    this.#map.on("dragstart", () => { this.#following = false; });
  }

  theme(name) {
    this.#tiles?.remove();
    this.#tiles = L.tileLayer(`/map/${name}/{z}/{x}/{y}.svg`, { maxZoom: 20, attribution: "© OpenStreetMap" });
    this.#tiles.addTo(this.#map);
  }

  redraw() { this.#tiles.redraw(); }

  fit([west, south, east, north]) { this.#map.fitBounds([[south, west], [north, east]]); }

  // Go back to following the alert that was chosen.
  follow() { this.#following = true; this.#shown = null; }

  show(picture, room) {
    this.#marks.clearLayers();
    const best = new Map((picture?.cameras ?? []).slice(0, 4).map((each, index) => [each.id, { ...each, n: index + 1 }]));
    for (const camera of room.cameras) this.#camera(camera, best.get(camera.id));
    this.#crews(picture, room.crews);
    if (picture?.position) this.#officer(picture);
  }

  #officer(picture) {
    const { lat, lon, accuracy } = picture.position;
    const color = css("--alert");
    if (picture.trail.length > 1) L.polyline(picture.trail, { color, weight: 3, opacity: 0.7, dashArray: "2 6" }).addTo(this.#marks);
    if (accuracy) L.circle([lat, lon], { radius: accuracy, color, weight: 1.5, fillOpacity: 0.15, dashArray: picture.lastKnown ? "6 6" : null }).addTo(this.#marks);
    const mark = icon(`man${picture.lastKnown ? " old" : ""}`, "", [30, 30]);
    L.marker([lat, lon], { icon: mark, zIndexOffset: 1000, interactive: false, title: picture.who }).addTo(this.#marks);
    const key = `${picture.incident} ${lat} ${lon}`;
    if (this.#following && this.#shown !== key) {
      const zoom = this.#shown?.startsWith(picture.incident) ? this.#map.getZoom() : 17;
      this.#map.setView([lat, lon], zoom, { animate: false });
      this.#shown = key;
    }
  }

  #camera(camera, best) {
    const { lat, lon } = camera.position;
    if (best) this.#wedge(camera, best);
    const mark = best ? icon("cam", String(best.n), [24, 24]) : icon("cam other", "", [9, 9]);
    L.marker([lat, lon], { icon: mark, zIndexOffset: best ? 500 : 0, title: camera.name, opacity: camera.enabled ? 1 : 0.35 })
      .addTo(this.#marks);
  }

  // The field of view: where it looks now, or would once turned (dashed).
  #wedge(camera, best) {
    const { lat, lon } = camera.position;
    const heading = best.mustTurn || camera.heading === null ? best.bearing : camera.heading;
    const half = Math.min(camera.fov ?? 60, 350) / 2;
    const reach = 60;
    const points = [[lat, lon]];
    for (let step = -6; step <= 6; step += 1) {
      const bearing = ((heading + (step / 6) * half) * Math.PI) / 180;
      points.push([
        lat + (reach * Math.cos(bearing)) / 111320,
        lon + (reach * Math.sin(bearing)) / (111320 * Math.cos((lat * Math.PI) / 180)),
      ]);
    }
    const sure = !best.mustTurn && camera.heading !== null;
    L.polygon(points, { color: css("--accent"), weight: 1, fillOpacity: sure ? 0.18 : 0.07, dashArray: sure ? null : "4 5", interactive: false })
      .addTo(this.#marks);
  }

  #crews(picture, crews) {
    const ranked = new Map((picture?.crews ?? []).map((each) => [each.id, each]));
    const first = picture?.crews.find((each) => !each.stale)?.id;
    for (const [id, crew] of ranked) {
      if (id !== first && !crew.engaged) continue;
      L.polyline(crew.route, { color: css(crew.engaged ? "--engaged" : "--soft"), weight: crew.engaged ? 5 : 4, opacity: 0.8, dashArray: crew.byRoad ? null : "6 8", interactive: false })
        .addTo(this.#marks);
    }
    for (const crew of crews) {
      if (!crew.position || crew.status === "off_duty") continue;
      const near = ranked.get(crew.id);
      const look = near?.engaged ? " sent" : crew.status === "free" ? " free" : "";
      const text = near && !near.engaged ? `${crew.name} · ${near.time}` : crew.name;
      const size = [16 + 7 * text.length, 24];
      L.marker([crew.position.lat, crew.position.lon], { icon: icon(`team${look}${near?.stale ? " old" : ""}`, text, size), zIndexOffset: 700, title: crew.statusText })
        .addTo(this.#marks);
    }
  }
}
