/** What a tick takes follows what the last one could do; what max_rate lets through. */
import { describe, expect, it } from 'vitest';
import { AdmissionRate, RateLimit } from '../../runtime/tick/admission-rate.ts';

describe('back-pressure', () => {
  it('takes less after slow ticks, and more again when they are fast', () => {
    const rate = new AdmissionRate(true);
    expect(rate.shareOf(0, 0)).toBeLessThan(0.1);
    for (let i = 0; i < 4; i++) rate.observe(10, true);
    expect(rate.shareOf(1, 0)).toBe(1);
    rate.observe(500, true);
    expect(rate.shareOf(2, 0)).toBeCloseTo(0.1);
    rate.observe(25, true);
    expect(rate.shareOf(3, 0)).toBeCloseTo(0.2);
    for (let i = 0; i < 10; i++) rate.observe(1, true);
    expect(rate.shareOf(4, 0)).toBe(1);
  });

  it('settles where a tick takes as long as it should', () => {
    const rate = new AdmissionRate(true);
    for (let i = 0; i < 50; i++) rate.observe(5 + 800 * rate.shareOf(i, 0), true);
    expect(5 + 800 * rate.shareOf(50, 0)).toBeCloseTo(50, 0);
  });

  it('learns nothing from ticks that took all there was', () => {
    const rate = new AdmissionRate(true);
    const before = rate.shareOf(0, 0);
    for (let i = 0; i < 100; i++) rate.observe(1, false);
    expect(rate.shareOf(1, 0)).toBe(before);
  });

  it('never comes to a stand, however slow ticks are', () => {
    const rate = new AdmissionRate(true);
    for (let i = 0; i < 100; i++) rate.observe(60_000, true);
    expect(rate.shareOf(1, 0)).toBeGreaterThan(0.01);
  });

  it('can be off', () => {
    const rate = new AdmissionRate(false);
    rate.observe(500, true);
    expect(rate.shareOf(1, 0)).toBe(1);
  });

  it('slows near the memory limit and stops at it', () => {
    const rate = new AdmissionRate(true);
    const asked = (pressure: number): number =>
      Array.from({ length: 80 }, (_, tick) => rate.shareOf(tick, pressure)).filter((share) => share > 0)
        .length;
    expect([asked(0.79), asked(0.8), asked(0.99), asked(1), asked(2)]).toEqual([80, 10, 10, 0, 0]);
  });
});

describe('max_rate', () => {
  /** Rows in `seconds` where a full poll brings `full` rows and ticks are `everyMs` apart. */
  function rowsIn(limit: RateLimit, seconds: number, everyMs: number, full: number): number {
    let rows = 0;
    for (let at = 0; at < seconds * 1000; at += everyMs) {
      const share = limit.allowed(at * 1000, 1);
      const got = share === 0 ? 0 : Math.ceil(share * full);
      limit.took(got, share);
      rows += got;
    }
    return rows;
  }

  it.each([
    [1000, 1, 30_000],
    [1000, 100, 30_000],
    [50_000, 10, 65_536],
    [3, 100, 4096],
  ])('%d rows a second, ticks of %d ms, up to %d rows a poll', (rate, everyMs, full) => {
    const rows = rowsIn(new RateLimit(rate), 20, everyMs, full);
    expect(rows).toBeGreaterThan(0.9 * 20 * rate - 1);
    expect(rows).toBeLessThan(1.1 * 20 * rate + 2);
  });

  it('does not save up what was not used', () => {
    const limit = new RateLimit(1000);
    rowsIn(limit, 1, 100, 4096);
    const share = limit.allowed(3600e6, 1);
    expect(Math.ceil(share * 4096)).toBeLessThan(1100);
  });
});
