// Words, times and elements. Every sentence comes from the host's catalogue.
export const words = JSON.parse(document.body.dataset.words);

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

export const clock = (millis) =>
  new Date(millis).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });

export function age(millis) {
  const seconds = Math.max(0, Math.round(millis / 1000));
  if (seconds < 60) return fill(words.seconds, { n: seconds });
  if (seconds < 3600) return fill(words.minutes, { n: Math.floor(seconds / 60) });
  return fill(words.hours, { n: Math.floor(seconds / 3600) });
}

export function el(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
