// The alert's sound: three sharp notes again and again, more of them once nobody answered; an exercise has two slow soft ones.
const PATTERNS = {
  alert: { notes: [880, 660, 880], step: 0.28, every: 1800, loud: 0.5 },
  louder: { notes: [880, 660, 880, 660, 988], step: 0.22, every: 1300, loud: 0.8 },
  exercise: { notes: [392, 523], step: 0.5, every: 4000, loud: 0.2 },
};

export class Sound {
  #context = null;
  #last = -Infinity;

  get ready() { return this.#context?.state === "running"; }

  // Browsers play nothing before a gesture: called at the first one.
  async wake() {
    try {
      this.#context ??= new AudioContext();
      await this.#context.resume();
    } catch { /* a machine without sound: the page says that it is off */ }
  }

  ringing(name) {
    const pattern = PATTERNS[name];
    if (!pattern || !this.ready || performance.now() - this.#last < pattern.every) return;
    this.#last = performance.now();
    document.body.dataset.rang = name; // what was heard last
    const start = this.#context.currentTime;
    pattern.notes.forEach((note, index) => this.#note(note, start + index * pattern.step, pattern));
  }

  #note(frequency, at, { step, loud }) {
    const note = this.#context.createOscillator();
    const volume = this.#context.createGain();
    note.frequency.value = frequency;
    note.type = "triangle";
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(loud, at + 0.02);
    volume.gain.linearRampToValueAtTime(0, at + step - 0.02);
    note.connect(volume).connect(this.#context.destination);
    note.start(at);
    note.stop(at + step);
  }
}
