// Say where the officer really is: a mode of its own, so that no stray click moves him.
import { $, words } from "./text.js";
import { can, chosen, isOpen } from "./room.js";
import { place, unplace } from "./decide.js";

export class Correction {
  #town; #on = false;

  constructor(town) { this.#town = town; }

  get on() { return this.#on; }

  // Without any position the map waits for a click by itself.
  click(lat, lon) {
    const picture = chosen();
    if (!isOpen(picture) || !can("decider") || !(this.#on || !picture.position)) return;
    this.leave();
    this.#town.follow();
    place(picture, lat, lon);
  }

  toggle() {
    if (this.#on) this.leave();
    else if (isOpen(chosen()) && can("decider")) this.#on = true;
    this.render();
  }

  leave() {
    this.#on = false;
    this.render();
  }

  // The keyboard moves the map under the cross, and sets him there.
  confirm() { this.click(this.#town.centre.lat, this.#town.centre.lng); }

  back() { if (isOpen(chosen())) unplace(chosen()); }

  render() {
    const picture = chosen();
    const here = isOpen(picture) && can("decider");
    $("place").classList.toggle("correcting", this.#on && here);
    $("correct").hidden = !here;
    $("correct").setAttribute("aria-pressed", String(this.#on));
    $("unplace").hidden = !(here && picture.placedBy);
    $("follow").hidden = !here || this.#town.following;
    const ask = this.#on ? words.correcting : here && !picture.position ? words.positionUnknown : "";
    $("ask").hidden = !ask;
    if ($("ask").textContent !== ask) $("ask").textContent = ask;
  }
}
