/** Who guesses waits; nobody else does. Time is what the test says it is. */
import { describe, expect, it } from 'vitest';
import { LoginThrottle } from '../../server/auth/login-throttle.ts';

const A = '192.0.2.1';

describe('LoginThrottle', () => {
  const make = (): { throttle: LoginThrottle; at: (ms: number) => void } => {
    let now = 0;
    return { throttle: new LoginThrottle(() => now), at: (ms) => (now = ms) };
  };
  const fail = (throttle: LoginThrottle, times: number, user = 'anna', address = A): void => {
    for (let i = 0; i < times; i++) throttle.failed(user, address);
  };

  it('lets a few failures go, then doubles the time between two attempts', () => {
    const { throttle, at } = make();
    for (let i = 0; i < 5; i++) {
      expect(throttle.takeTurn('anna', A)).toBe(0);
      throttle.failed('anna', A);
    }
    const waits: (number | null)[] = [];
    let now = 0;
    for (let i = 0; i < 9; i++) {
      const wait = throttle.takeTurn('anna', A);
      waits.push(wait);
      throttle.failed('anna', A);
      now += wait ?? 20_000;
      at(now);
    }
    expect(waits.slice(0, 6)).toEqual([100, 100, 200, 400, 800, 1_600]);
    expect(waits.at(-2)).toBeNull();
    // it is never for good
    expect(waits.at(-1)).toBe(0);
  });

  it('gives turns to those who come at once, and sends the last ones away', () => {
    const { throttle } = make();
    fail(throttle, 5);
    const waits = Array.from({ length: 40 }, () => throttle.takeTurn('anna', A));
    expect(waits.slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(waits.filter((wait) => wait === null).length).toBeGreaterThan(30);
  });

  it('counts by user and address, and forgets with the right password', () => {
    const { throttle } = make();
    fail(throttle, 10);
    expect(throttle.takeTurn('anna', '192.0.2.2')).toBe(0);
    expect(throttle.takeTurn('bob', A)).toBe(0);
    expect(throttle.takeTurn('anna', A)).toBeGreaterThan(0);
    throttle.succeeded('anna', A);
    expect(throttle.takeTurn('anna', A)).toBe(0);
  });

  it('takes the addresses of one IPv6 network for one', () => {
    const { throttle } = make();
    for (let i = 0; i < 5; i++) throttle.failed('anna', `2001:db8:0:1::${i}`);
    expect(throttle.takeTurn('anna', '2001:db8:0:1:ffff::1')).toBeGreaterThan(0);
    expect(throttle.takeTurn('anna', '2001:db8:0:2::1')).toBe(0);
  });

  it('keeps a bounded number of them', () => {
    const { throttle } = make();
    fail(throttle, 10);
    for (let i = 0; i < 10_000; i++) throttle.failed(`user ${i}`, A);
    expect(throttle.takeTurn('anna', A)).toBe(0);
  });
});
