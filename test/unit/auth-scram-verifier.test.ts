/** What is kept of a password, against RFC 7677's example and PostgreSQL's text form. */
import { describe, expect, it } from 'vitest';
import {
  formatVerifier,
  isPasswordOf,
  makeVerifier,
  parseVerifier,
  preparePassword,
} from '../../server/auth/scram-verifier.ts';

const key = 'A'.repeat(43);

describe('verifier', () => {
  it('is that of RFC 7677 for its password', async () => {
    const verifier = await makeVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
    expect(formatVerifier(verifier)).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });

  it('is the same read back, and another for the same password', async () => {
    const [first, second] = await Promise.all([makeVerifier('Grüße'), makeVerifier('Grüße')]);
    expect(parseVerifier(formatVerifier(first))).toEqual(first);
    expect(first.storedKey).not.toEqual(second.storedKey);
    expect(await isPasswordOf('Grüße', first)).toBe(true);
    expect(await isPasswordOf('Gru\u0308ße', first)).toBe(true);
    expect(await isPasswordOf('Grüsse', first)).toBe(false);
  });

  it.each([
    ['md5', 'md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
    ['no rounds', `SCRAM-SHA-256$0:AAAA$${key}=:${key}=`],
    ['rounds without end', `SCRAM-SHA-256$999999999:AAAA$${key}=:${key}=`],
    ['a short key', `SCRAM-SHA-256$4096:AAAA$AAAA:${key}=`],
    ['no salt', `SCRAM-SHA-256$4096:$${key}=:${key}=`],
    ['a line behind it', `SCRAM-SHA-256$4096:AAAA$${key}=:${key}=\n`],
    ['nothing', ''],
  ])('is not %s', (_, text) => {
    expect(parseVerifier(text)).toBeNull();
  });

  it.each([
    ['I\u00adX', 'IX'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    // prohibited, or mixed directions: as it is
    ['\u0007', '\u0007'],
    ['\u0627\u0031', '\u0627\u0031'],
    ['\u00ad', '\u00ad'],
  ])('prepares %j', (password, prepared) => {
    expect(preparePassword(password)).toBe(prepared);
  });
});
