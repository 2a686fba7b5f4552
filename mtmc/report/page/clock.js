// One clock for all panels: scene time in seconds, playing or standing.

export class Clock {
  constructor(start, end) {
    Object.assign(this, { start, end, time: start, playing: false, rate: 1, listeners: [] });
    this.last = performance.now();
    const tick = (now) => {
      this.advance((now - this.last) / 1000);
      this.last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  /** Call `listener(clock)` before every picture while time goes on, and after every jump. */
  on(listener) {
    this.listeners.push(listener);
  }

  tell() {
    for (const listener of this.listeners) listener(this);
  }

  advance(seconds) {
    if (!this.playing) return;
    this.time = Math.min(this.time + Math.min(seconds, 0.25) * this.rate, this.end);
    if (this.time >= this.end) this.playing = false;
    this.tell();
  }

  seek(time) {
    this.time = Math.max(this.start, Math.min(time, this.end));
    this.tell();
  }

  play(playing = !this.playing) {
    if (playing && this.time >= this.end - 0.05) this.time = this.start;
    this.playing = playing;
    this.tell();
  }
}
