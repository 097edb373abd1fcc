// The map: the town, the officer and how sure that is, who sees him, who can come.
/* global L */
import { el, fill, words } from "./text.js";
import { areaOf, forget } from "./areas.js";
import { isOpen, open } from "./room.js";

const pin = (className, text) => {
  const mark = el("span", className, text);
  const box = el("div", "pin");
  box.append(mark);
  return box;
};
const icon = (className, text, size) =>
  L.divIcon({ html: pin(className, text), className: "", iconSize: size, iconAnchor: size.map((n) => n / 2) });

// The page's style, read once for a drawing: asked between two marks, the browser would lay out the
// page anew for each of them.
const COLOURS = ["--accent", "--alert", "--engaged", "--ground", "--soft"];
let style = {};
const css = (name) => style[name];
const rem = () => style.rem;
// A label is read at a glance: a long name is whole in the lists.
const MOST = 26;
const short = (name) => (name.length > MOST ? `${name.slice(0, MOST - 1)}…` : name);
const label = (text) => [(1.1 + 0.5 * text.length) * rem(), 1.65 * rem()];

// From 3 000 px on.
const isLarge = () => rem() >= 24;

function readStyle() {
  const root = getComputedStyle(document.documentElement);
  const read = { rem: parseFloat(root.fontSize) };
  for (const name of COLOURS) read[name] = root.getPropertyValue(name).trim();
  const changed = JSON.stringify(read) !== JSON.stringify(style);
  style = read;
  return changed;
}

// Where it would look once turned: dashed, for it does not look there now.
function wedge(camera, seen, look) {
  const { lat, lon } = camera.position;
  const half = Math.min(camera.fov ?? 60, 350) / 2;
  const points = [[lat, lon]];
  for (let step = -6; step <= 6; step += 1) {
    const bearing = ((seen.bearing + (step / 6) * half) * Math.PI) / 180;
    points.push([
      lat + (60 * Math.cos(bearing)) / 111320,
      lon + (60 * Math.sin(bearing)) / (111320 * Math.cos((lat * Math.PI) / 180)),
    ]);
  }
  return L.polygon(points, { ...look, fillOpacity: 0.05, dashArray: "4 5" });
}

export class Town {
  #map; #tiles; #canvas = L.canvas({ padding: 0.3 }); #all = L.layerGroup(); #marks = L.layerGroup();
  #kept = new Map(); #drawn = new Set();
  #following = true; #shown = null; #cameras = null; #choose; #centre = null; #bounds = null;
  #theme; #large;

  constructor(box, { click, choose, moved = () => {} }) {
    this.#choose = choose;
    readStyle();
    this.#map = L.map(box, { zoomControl: false, maxZoom: 20, keyboard: false });
    this.#map.attributionControl.setPrefix("");
    L.control.zoom({ position: "bottomright", zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut }).addTo(this.#map);
    this.theme(document.documentElement.dataset.theme);
    this.#all.addTo(this.#map);
    this.#marks.addTo(this.#map);
    this.#map.setView([46.6, 2.5], 6);
    this.#map.on("click", (event) => click(event.latlng.lat, event.latlng.lng));
    this.#map.on("dragstart", () => { this.#following = false; moved(); });
    // The strip of cameras comes and goes under the map: he stays in its middle.
    new ResizeObserver(() => {
      this.#map.invalidateSize({ pan: false });
      if (this.#following && this.#centre) this.#map.setView(this.#centre, this.#map.getZoom(), { animate: false });
    }).observe(box);
  }

  theme(name) {
    this.#theme = name;
    this.#pave();
    this.#cameras = null;
  }

  // Where all that is written is large, as on a wall that is read from its far end, so are the streets' names.
  #pave() {
    this.#large = isLarge();
    this.#tiles?.remove();
    this.#tiles = L.tileLayer(`/map/${this.#theme}/{z}/{x}/{y}.svg`, {
      maxZoom: 20, attribution: "© OpenStreetMap", alt: "", ...(this.#large && { tileSize: 512, zoomOffset: -1 }),
    });
    if (this.#map.getSize().x) this.#tiles.addTo(this.#map); // who may not see it is not shown it
  }

  // The town as the host knows it now; the first time the map shows all of it.
  renew(bounds) {
    forget();
    this.#tiles.redraw();
    if (bounds && !this.#bounds) this.#map.fitBounds([[bounds[1], bounds[0]], [bounds[3], bounds[2]]]);
    this.#bounds = bounds;
  }
  zoom(by) { this.#map.setZoom(this.#map.getZoom() + by); }
  pan(dx, dy) { this.#following = false; this.#map.panBy([dx, dy], { animate: false }); }
  get centre() { return this.#map.getCenter(); }
  get following() { return this.#following; }

  // Go back to following the alert that was chosen.
  follow() { this.#following = true; this.#shown = null; this.#centre = null; }

  // `cameras`: those before the operator, with their numbers.
  // `recorded`: the ways the camera itself recorded, of an alert that is over.
  show(picture, room, cameras, recorded = []) {
    if (readStyle()) this.#forget();
    if (isLarge() !== this.#large) this.#pave();
    this.#everyCamera(room.cameras);
    this.#drawn.clear();
    for (const each of cameras) this.#camera(each, room.cameras.find((one) => one.id === each.id));
    this.#crews(isOpen(picture) ? picture : null, room.crews);
    for (const each of open()) if (each.incident !== picture?.incident && each.position) this.#other(each);
    recorded.filter((way) => way.length > 1).forEach((way, number) => {
      this.#put(`recorded ${number}`, way, () => L.polyline(way, { color: css("--accent"), weight: 4, opacity: 0.9, interactive: false }));
    });
    if (picture?.position) this.#officer(picture);
    for (const key of this.#kept.keys()) if (!this.#drawn.has(key)) this.#take(key);
  }

  // Draw one thing: what did not change stays the very same mark. Crews drive and fifty alerts grow
  // older each second; drawing all of it again would hold up the alert that comes meanwhile.
  #put(key, shown, make) {
    const sign = JSON.stringify(shown);
    this.#drawn.add(key);
    if (this.#kept.get(key)?.sign === sign) return;
    this.#take(key);
    this.#kept.set(key, { sign, mark: make().addTo(this.#marks) });
  }

  #take(key) {
    const known = this.#kept.get(key);
    if (known) this.#marks.removeLayer(known.mark);
    this.#kept.delete(key);
  }

  #forget() {
    this.#cameras = null;
    this.#kept.clear();
    this.#marks.clearLayers();
  }

  // Hundreds of them: on one canvas, drawn again only when one has changed.
  #everyCamera(cameras) {
    if (cameras === this.#cameras) return;
    this.#cameras = cameras;
    this.#all.clearLayers();
    for (const each of cameras) {
      const well = each.enabled && each.alive;
      const look = well
        ? { radius: 4, weight: 1, color: css("--ground"), fillColor: css("--soft"), fillOpacity: 0.9 }
        : { radius: 4, weight: 1.5, color: css("--soft"), fillOpacity: 0, dashArray: "2 2" };
      L.circleMarker([each.position.lat, each.position.lon], { ...look, renderer: this.#canvas })
        .bindTooltip(well ? each.name : fill(words.cameraDead, { name: each.name }))
        .addTo(this.#all);
    }
  }

  #camera(seen, camera) {
    if (!camera?.position) return;
    const { lat, lon } = camera.position;
    const area = seen.mustTurn ? null : areaOf(camera.id, () => { this.#cameras = null; });
    const look = { color: css("--accent"), weight: 1.5, interactive: false };
    const field = [lat, lon, camera.fov, area ?? seen.bearing ?? null];
    if (area) this.#put(`field ${camera.id}`, field, () => L.polygon(area, { ...look, fillOpacity: 0.16 }));
    else if (seen.bearing !== undefined) this.#put(`field ${camera.id}`, field, () => wedge(camera, seen, look));
    this.#put(`camera ${camera.id}`, [lat, lon, seen.n, seen.pinned, camera.name], () => L.marker([lat, lon], {
      icon: icon(`cam${seen.pinned ? " held" : ""}`, String(seen.n), [1.65 * rem(), 1.65 * rem()]), zIndexOffset: 500, title: camera.name, keyboard: false,
      interactive: false,
    }));
  }

  #officer(picture) {
    const { lat, lon, accuracy } = picture.position;
    const past = !isOpen(picture);
    const unsure = picture.lastKnown || past;
    const color = css(past ? "--soft" : "--alert");
    if (picture.trail.length > 1) this.#put("trail", [picture.trail, past], () => L.polyline(picture.trail, { color, weight: 3, opacity: 0.8, dashArray: "2 6", interactive: false }));
    if (accuracy) {
      this.#put("accuracy", [lat, lon, accuracy, past, unsure], () => L.circle([lat, lon], { radius: accuracy, color, weight: 2, fillOpacity: 0.15, dashArray: unsure ? "6 6" : null, interactive: false }));
    }
    const look = `man${unsure ? " old" : ""}${picture.placedBy ? " placed" : ""}${past ? " past" : ""}`;
    this.#put("man", [lat, lon, look], () => L.marker([lat, lon], { icon: icon(look, "", [1.9 * rem(), 1.9 * rem()]), zIndexOffset: 1000, interactive: false, keyboard: false }));
    this.#put("manname", [lat, lon, picture.who, past], () => L.marker([lat, lon], { icon: icon(`manname${past ? " past" : ""}`, short(picture.who), label(short(picture.who))), zIndexOffset: 1100, interactive: false, keyboard: false }));
    const key = `${picture.incident} ${lat} ${lon}`;
    if (this.#following && this.#shown !== key) {
      const zoom = this.#shown?.startsWith(picture.incident) ? this.#map.getZoom() : 17;
      this.#map.setView([lat, lon], zoom, { animate: false });
      this.#shown = key;
      this.#centre = [lat, lon];
    }
  }

  // Another alert that is open: told on the map too, a click goes to it.
  #other(picture) {
    const { lat, lon } = picture.position;
    const text = `▲ ${short(picture.who)}`;
    this.#put(`other ${picture.incident}`, [lat, lon, text, picture.phase], () => L.marker([lat, lon], {
      icon: icon(`elsewhere ${picture.phase}`, text, label(text)), zIndexOffset: 900, keyboard: false,
    }).on("click", () => this.#choose(picture.incident)));
  }

  #crews(picture, crews) {
    const ranked = new Map((picture?.crews ?? []).map((each) => [each.id, each]));
    const first = picture?.crews.find((each) => !each.stale && !each.engaged)?.id;
    for (const [id, crew] of ranked) {
      if (id !== first && !crew.engaged) continue;
      this.#put(`way ${id}`, [crew.route, crew.engaged, crew.byRoad], () => L.polyline(crew.route, { color: css(crew.engaged ? "--engaged" : "--soft"), weight: crew.engaged ? 6 : 4, opacity: 0.85, dashArray: crew.byRoad ? null : "6 8", interactive: false }));
    }
    for (const crew of crews) {
      if (!crew.position || crew.status === "off_duty") continue;
      const near = ranked.get(crew.id);
      const sent = near?.engaged || picture?.engaged.includes(crew.id);
      const look = sent ? " sent" : crew.status === "free" ? " free" : "";
      const name = short(crew.name);
      const text = sent ? `▶ ${name}` : near ? `${name} · ${near.time}` : name;
      const { lat, lon } = crew.position;
      const kind = `team${look}${near?.stale ? " old" : ""}`;
      this.#put(`crew ${crew.id}`, [lat, lon, kind, text, crew.statusText], () => L.marker([lat, lon], {
        icon: icon(kind, text, label(text)), zIndexOffset: 700, title: crew.statusText, keyboard: false, interactive: false,
      }));
    }
  }
}
