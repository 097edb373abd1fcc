// Day and night: chosen by the operator, kept by the browser.
import { $, words } from "./text.js";

export function theme() { return document.documentElement.dataset.theme; }

export function setTheme(name) {
  document.documentElement.dataset.theme = name;
  try { localStorage.setItem("theme", name); } catch { /* a browser that keeps nothing */ }
  if ($("theme")) $("theme").firstChild.textContent = `${name === "night" ? words.themeDay : words.themeNight} `;
}

export function rememberedTheme() {
  try { return localStorage.getItem("theme") === "day" ? "day" : "night"; } catch { return "night"; }
}
