// What a camera sees, cut by walls and masks, as the host ranks by: asked once, when first shown.
const areas = new Map();

export function forget() { areas.clear(); }

// Its outline as [lat, lon] points; null while it is not known. `then` is called when it is.
export function areaOf(camera, then) {
  if (areas.has(camera)) return areas.get(camera);
  areas.set(camera, null);
  fetch(`/api/areas/${encodeURIComponent(camera)}`)
    .then((answer) => (answer.ok ? answer.json() : null))
    .then((area) => { if (area?.length) { areas.set(camera, area); then(); } })
    .catch(() => { areas.delete(camera); });
  return null;
}
