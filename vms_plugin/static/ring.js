// What cannot be missed: the sound, the tab's title and its icon, until somebody takes the alert.
import { $, fill, words } from "./text.js";
import { escalation } from "./alerts.js";
import { unseen } from "./room.js";
import { Sound } from "./sound.js";

export const sound = new Sound();
const icon = document.querySelector("link[rel=icon]");

// Called each second, and at once for a new alert.
export function ring() {
  const ringing = unseen();
  const real = ringing.filter((each) => !each.exercise);
  sound.ringing(real.some((each) => each.escalated) ? "louder" : real.length ? "alert" : ringing.length ? "exercise" : null);
  const flash = ringing.length > 0 && Math.floor(Date.now() / 1000) % 2 === 0;
  const first = (real[0] ?? ringing[0]);
  const word = real.length ? words.alertTitle : words.exercise;
  const more = ringing.length > 1 ? `(${ringing.length}) ` : "";
  document.title = flash ? `● ${more}${word} ${first.who}` : ringing.length ? `${more}${first.who} — Renfort` : "Renfort";
  const wanted = flash ? "/static/icon-alert.svg" : "/static/icon.svg";
  if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  document.body.classList.toggle("alarmed", real.length > 0);
}

export function renderSound() {
  const bell = $("sound");
  const text = sound.ready ? words.soundOn : words.soundOff;
  if (bell.textContent !== text) bell.textContent = text;
  bell.classList.toggle("main", !sound.ready);
}

export function announce(picture) {
  const more = picture.escalated ? `${escalation(picture)}. ` : "";
  $("live").textContent = more + fill(words.announced, { title: picture.title });
}
