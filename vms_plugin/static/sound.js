// The alert's sound: two notes, again and again, until someone takes the alert in charge.
export class Sound {
  #context = null;
  #ringing = false;
  #last = 0;

  get ready() { return this.#context?.state === "running"; }

  // Browsers play nothing before a gesture: called at the first one.
  async wake() {
    this.#context ??= new AudioContext();
    await this.#context.resume();
  }

  ringing(wanted) {
    this.#ringing = wanted;
    if (wanted && this.ready && Date.now() - this.#last > 1800) this.#ring();
  }

  #ring() {
    this.#last = Date.now();
    const start = this.#context.currentTime;
    [880, 660, 880].forEach((frequency, index) => this.#note(frequency, start + index * 0.28));
  }

  #note(frequency, at) {
    const note = this.#context.createOscillator();
    const volume = this.#context.createGain();
    note.frequency.value = frequency;
    note.type = "triangle";
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.5, at + 0.02);
    volume.gain.linearRampToValueAtTime(0, at + 0.26);
    note.connect(volume).connect(this.#context.destination);
    note.start(at);
    note.stop(at + 0.27);
  }
}
