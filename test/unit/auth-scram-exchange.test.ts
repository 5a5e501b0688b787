/** The server's side of SCRAM without a wire: RFC 7677's example, and whoever tries to get around it. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { mockVerifier } from '../../server/auth/mock-verifier.ts';
import { SCRAM, SCRAM_PLUS, ScramExchange } from '../../server/auth/scram-exchange.ts';
import { makeVerifier, type ScramVerifier } from '../../server/auth/scram-verifier.ts';
import { readChallenge, ScramClient, type ScramClientOptions } from '../support/scram-client.ts';

const END_POINT = createHash('sha256').update('certificate').digest();
let verifier: ScramVerifier;

beforeAll(async () => {
  verifier = await makeVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
});

const exchange = (
  options: { known?: boolean; endPoint?: Buffer | null; nonce?: string } = {},
): ScramExchange => new ScramExchange({ verifier, known: true, endPoint: null, nonce: 'ours', ...options });

/** Both messages; null where the password is wrong. */
function logIn(
  server: ScramExchange,
  password: string,
  mechanism: string = SCRAM,
  options: ScramClientOptions = {},
): string | null {
  const client = new ScramClient(password, options);
  const challenge = server.begin(mechanism, Buffer.from(client.first));
  return server.finish(Buffer.from(client.final(challenge)));
}

describe('SCRAM-SHA-256', () => {
  it('is as in RFC 7677', () => {
    const server = exchange({ nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' });
    expect(server.begin(SCRAM, Buffer.from('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'))).toBe(
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    );
    const final =
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
    expect(server.finish(Buffer.from(final))).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  });

  it('takes the right password only', () => {
    expect(logIn(exchange(), 'pencil')).toMatch(/^v=/);
    expect(logIn(exchange(), 'pencils')).toBeNull();
    expect(logIn(exchange(), '')).toBeNull();
  });

  it('takes no password of a user that is not there, not even its made-up one', () => {
    expect(logIn(exchange({ known: false }), 'pencil')).toBeNull();
    const key = Buffer.alloc(32, 7);
    expect(mockVerifier('anna', key)).toEqual(mockVerifier('anna', key));
    expect(mockVerifier('anna', key).salt).not.toEqual(mockVerifier('ann', key).salt);
    expect(mockVerifier('anna', key).salt).not.toEqual(mockVerifier('anna', Buffer.alloc(32, 8)).salt);
  });

  it('takes no recorded proof', () => {
    const client = new ScramClient('pencil', { nonce: 'fixed' });
    const first = exchange({ nonce: 'one' });
    const recorded = client.final(first.begin(SCRAM, Buffer.from(client.first)));
    expect(first.finish(Buffer.from(recorded))).toMatch(/^v=/);
    const second = exchange({ nonce: 'two' });
    second.begin(SCRAM, Buffer.from(client.first));
    expect(() => second.finish(Buffer.from(recorded))).toThrow(
      expect.objectContaining({ code: '08P01', detail: 'Nonce does not match.' }),
    );
    const third = exchange({ nonce: 'two' });
    third.begin(SCRAM, Buffer.from(client.first));
    expect(third.finish(Buffer.from(recorded.replace('r=fixedone', 'r=fixedtwo')))).toBeNull();
  });

  it('takes no proof for other words than were said', () => {
    const server = exchange();
    const client = new ScramClient('pencil');
    const final = client.final(server.begin(SCRAM, Buffer.from(client.first)));
    expect(server.finish(Buffer.from(final.replace(',p=', ',x=more,p=')))).toBeNull();
  });
});

describe('channel binding', () => {
  const bound = { head: 'p=tls-server-end-point,,', binding: END_POINT };

  it('is offered, and holds', () => {
    expect(exchange().mechanisms).toEqual([SCRAM]);
    expect(exchange({ endPoint: END_POINT }).mechanisms).toEqual([SCRAM_PLUS, SCRAM]);
    expect(logIn(exchange({ endPoint: END_POINT }), 'pencil', SCRAM_PLUS, bound)).toMatch(/^v=/);
    // a client that can't
    expect(logIn(exchange({ endPoint: END_POINT }), 'pencil')).toMatch(/^v=/);
    // one that can, where we can't
    expect(logIn(exchange(), 'pencil', SCRAM, { head: 'y,,' })).toMatch(/^v=/);
  });

  it.each([
    ['another certificate', SCRAM_PLUS, { ...bound, binding: Buffer.alloc(32) }, '28000'],
    ['no certificate', SCRAM_PLUS, { head: bound.head }, '28000'],
    ['a list that was cut in between', SCRAM, { head: 'y,,' }, '28000'],
    ['a binding of another kind', SCRAM_PLUS, { head: 'p=tls-unique,,', binding: END_POINT }, '08P01'],
    ['a bound mechanism without binding', SCRAM_PLUS, { head: 'n,,' }, '08P01'],
    ['a plain mechanism with binding', SCRAM, bound, '08P01'],
    ['bytes of a binding that was not asked for', SCRAM, { binding: END_POINT }, '08P01'],
    ['another mechanism', 'PLAIN', {}, '08P01'],
  ])('refuses %s', (_, mechanism, options, code) => {
    expect(() => logIn(exchange({ endPoint: END_POINT }), 'pencil', mechanism, options)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it('is no mechanism without a certificate', () => {
    expect(() => logIn(exchange(), 'pencil', SCRAM_PLUS, bound)).toThrow(
      'client selected an invalid SASL authentication mechanism',
    );
  });
});

describe('messages', () => {
  it.each([
    ['nothing', '', '08P01'],
    ['a zero byte', 'n,,n=,r=a\0', '08P01'],
    ['another flag', 'x,,n=,r=a', '08P01'],
    ['no head', 'n=,r=a', '08P01'],
    ['an identity', 'n,a=root,n=,r=a', '0A000'],
    ['a mandatory extension', 'n,,m=x,n=,r=a', '0A000'],
    ['no nonce', 'n,,n=', '08P01'],
    ['an empty nonce', 'n,,n=,r=', '08P01'],
    ['a nonce with a space', 'n,,n=,r=a b', '08P01'],
    ['a nonce first', 'n,,r=a,n=', '08P01'],
  ])('refuses %s first', (_, text, code) => {
    expect(() => exchange().begin(SCRAM, Buffer.from(text))).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    ['nothing', ''],
    ['no proof', 'c=biws,r=aours'],
    ['a short proof', 'c=biws,r=aours,p=AAAA'],
    ['a proof that is not base64', `c=biws,r=aours,p=${'*'.repeat(44)}`],
    ['a proof with more behind it', `c=biws,r=aours,p=${'A'.repeat(43)}=,x=y`],
    ['no binding', `r=aours,p=${'A'.repeat(43)}=`],
    ['our nonce alone', `c=biws,r=ours,p=${'A'.repeat(43)}=`],
  ])('refuses %s second', (_, text) => {
    const server = exchange();
    server.begin(SCRAM, Buffer.from('n,,n=,r=a'));
    expect(() => server.finish(Buffer.from(text))).toThrow(expect.objectContaining({ code: '08P01' }));
  });

  it('survives any bytes', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.string().map((text) => Buffer.from(text)),
    );
    const first = fc.oneof(
      noise,
      fc.string().map((text) => Buffer.from(`n,,n=${text},r=abc`)),
    );
    const second = fc.oneof(
      noise,
      fc.string().map((text) => Buffer.from(`c=biws,r=abcours,p=${text}`)),
    );
    fc.assert(
      fc.property(first, second, (begin, finish) => {
        const server = exchange();
        try {
          server.begin(SCRAM, Buffer.from(begin));
          expect(server.finish(Buffer.from(finish))).toBeNull();
        } catch (error) {
          expect(error).toBeInstanceOf(SqlError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('shows a challenge that clients can read', () => {
    const challenge = exchange().begin(SCRAM, Buffer.from('n,,n=,r=abc'));
    expect(readChallenge(challenge)).toEqual({ nonce: 'abcours', salt: verifier.salt, iterations: 4096 });
  });
});
