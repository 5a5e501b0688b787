/** Logging in on the wire, message by message: who is let in, what the others are told, and that all are told the same. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  challenged,
  initialResponse,
  lastSaid,
  readChallenge,
  saslResponse,
  saslText,
  ScramClient,
} from '../support/scram-client.ts';
import { type ServerHere, startServerHere } from '../support/server-here.ts';
import { cstring, describeMessage, frame, int32, startupPacket, WirePeer } from '../support/wire-peer.ts';

let server: ServerHere;

beforeAll(async () => {
  server = await startServerHere();
  await server.setRole('anna', 'Geheim 1');
  await server.setRole('nobody', 'x', { login: false });
  await server.setRole('late', 'x', { validUntil: 0 });
  await server.setRole('blank', null);
});
afterAll(() => server.stop());

/** What the server says last. */
async function lastWord(peer: WirePeer): Promise<string> {
  let line = '';
  for (let message = await peer.receive(); message !== null; message = await peer.receive())
    line = describeMessage(message);
  return line;
}

const logIn = (user: string, password: string): Promise<string> => lastSaid(server.pgPort, user, password);

describe('before the first password', () => {
  it('anybody from this machine is let in', async () => {
    const open = await startServerHere();
    const peer = await WirePeer.open(open.pgPort, { user: 'whoever', database: 'millrace' });
    expect(await peer.query('SELECT session_user')).toContain('DataRow "whoever"');
    // who is in stays in
    await open.setRole('anna', 'x');
    expect(await peer.query('SELECT 1')).toContain('DataRow "1"');
    peer.close();
    await expect(WirePeer.open(open.pgPort)).rejects.toThrow('a password is asked for');
    await open.stop();
  });

  it('never comes back, whoever loses a password', async () => {
    const open = await startServerHere();
    await open.setRole('anna', 'x');
    await open.setRole('anna', null);
    for (const user of ['anna', 'millrace']) (await challenged(open.pgPort, user)).peer.close();
    await open.stop();
  });
});

describe('login', () => {
  it('opens a session for the right password', async () => {
    expect(await logIn('anna', 'Geheim 1')).toBe('ReadyForQuery I');
  });

  it.each([
    ['a wrong password', 'anna', 'geheim 1'],
    ['no password', 'anna', ''],
    ['a user that is not there', 'mallory', 'Geheim 1'],
    ['a role without a password', 'blank', ''],
    ['a password that ran out', 'late', 'x'],
    ['a wrong password of one that may not log in', 'nobody', 'y'],
  ])('refuses %s, all in the same words', async (_, user, password) => {
    expect(await logIn(user, password)).toBe(
      `ErrorResponse FATAL 28P01 "password authentication failed for user \\"${user}\\""`,
    );
  });

  it('tells NOLOGIN to who knows the password', async () => {
    const { peer } = await challenged(server.pgPort, 'nobody');
    const client = new ScramClient('x');
    peer.send(initialResponse('SCRAM-SHA-256', client.first));
    peer.send(saslResponse(client.final((await saslText(peer))!)));
    expect(await lastWord(peer)).toBe(
      'ErrorResponse FATAL 28000 "role \\"nobody\\" is not permitted to log in"',
    );
  });

  it('shows users that are not there as if they were, each time the same', async () => {
    const ask = async (user: string): Promise<{ salt: string; iterations: number }> => {
      const { peer, mechanisms } = await challenged(server.pgPort, user);
      expect(mechanisms).toEqual(['SCRAM-SHA-256']);
      peer.send(initialResponse('SCRAM-SHA-256', new ScramClient('').first));
      const { salt, iterations } = readChallenge((await saslText(peer))!);
      peer.close();
      return { salt: salt.toString('hex'), iterations };
    };
    const [anna, mallory, again, other] = [
      await ask('anna'),
      await ask('mallory'),
      await ask('mallory'),
      await ask('mallet'),
    ];
    expect(mallory).toEqual(again);
    expect(mallory.salt).not.toBe(other.salt);
    expect([mallory.salt.length, mallory.iterations]).toEqual([anna.salt.length, anna.iterations]);
  });

  it('takes no proof that was recorded', async () => {
    const client = new ScramClient('Geheim 1', { nonce: 'recorded' });
    const first = await challenged(server.pgPort, 'anna');
    first.peer.send(initialResponse('SCRAM-SHA-256', client.first));
    const recorded = client.final((await saslText(first.peer))!);
    first.peer.send(saslResponse(recorded));
    expect(await saslText(first.peer)).toMatch(/^v=/);
    first.peer.close();
    const second = await challenged(server.pgPort, 'anna');
    second.peer.send(initialResponse('SCRAM-SHA-256', client.first), saslResponse(recorded));
    expect(await lastWord(second.peer)).toBe('ErrorResponse FATAL 08P01 "invalid SCRAM response"');
  });
});

describe('whoever does not answer as asked', () => {
  it.each([
    ['a statement', frame('Q', cstring('SELECT 1')), '08P01 "expected SASL response, got message type 81"'],
    ['a password in clear', frame('p', cstring('Geheim 1')), '08P01 "insufficient data left in message"'],
    [
      'a mechanism of its own',
      initialResponse('PLAIN', 'anna\0Geheim 1'),
      '08P01 "client selected an invalid',
    ],
    [
      'a bound one without TLS',
      initialResponse('SCRAM-SHA-256-PLUS', 'p=tls-server-end-point,,n=,r=a'),
      '08P01',
    ],
    ['nothing', frame('p', Buffer.alloc(0)), '08P01'],
    ['a zero byte', initialResponse('SCRAM-SHA-256', 'n,,n=,r=a\0b'), '08P01 "malformed SCRAM message"'],
    ['less than it says', frame('p', cstring('SCRAM-SHA-256'), int32(50), Buffer.from('n,,')), '08P01'],
    ['too much', frame('p', Buffer.alloc(5_000, 65)), '08P01 "invalid message length"'],
    ['a length without end', Buffer.from('p\x7f\xff\xff\xff', 'latin1'), '08P01 "invalid message length"'],
    ['a second startup', startupPacket({ user: 'anna' }), '08P01 "expected SASL response'],
  ])('is sent away: %s', async (_, bytes, words) => {
    const { peer } = await challenged(server.pgPort, 'anna');
    peer.send(bytes);
    expect(await lastWord(peer)).toContain(`ErrorResponse FATAL ${words}`);
  });

  it('becomes nobody else by what it asks for at startup', async () => {
    await server.setRole('plain', 'plain', { superuser: false });
    for (const parameters of [
      { options: '-c role=millrace' },
      { options: '-c session_authorization=millrace' },
      { role: 'millrace' },
      { session_authorization: 'millrace' },
      { is_superuser: 'on' },
    ]) {
      const peer = new WirePeer(server.pgPort);
      peer.send(
        startupPacket({ user: 'plain', database: 'millrace', ...parameters } as Record<string, string>),
      );
      await peer.receive();
      const client = new ScramClient('plain');
      peer.send(initialResponse('SCRAM-SHA-256', client.first));
      peer.send(saslResponse(client.final((await saslText(peer))!)));
      const lines: string[] = [];
      for (let message = await peer.receive(); message !== null; message = await peer.receive()) {
        lines.push(describeMessage(message));
        if (lines.at(-1)?.startsWith('ReadyForQuery')) break;
      }
      if (!lines.at(-1)?.startsWith('ReadyForQuery')) {
        expect(lines.at(-1), JSON.stringify(parameters)).toMatch(
          /^ErrorResponse FATAL (42501|55P02|42704|22023)/,
        );
        continue;
      }
      expect(await peer.query('SELECT current_user, session_user'), JSON.stringify(parameters)).toContain(
        'DataRow "plain" "plain"',
      );
      expect((await peer.query('CREATE ROLE owned SUPERUSER'))[0]).toContain('42501');
      peer.close();
    }
  });

  it('may leave at any time', async () => {
    for (const steps of [0, 1, 2]) {
      const { peer } = await challenged(server.pgPort, 'anna');
      if (steps > 0) peer.send(initialResponse('SCRAM-SHA-256', new ScramClient('x').first));
      if (steps > 1) await saslText(peer);
      peer.close();
    }
    expect(await logIn('anna', 'Geheim 1')).toBe('ReadyForQuery I');
  });

  it('gets no statement through before its login', async () => {
    const socket = connect(server.pgPort, '127.0.0.1');
    const client = new ScramClient('wrong', { nonce: 'n' });
    const statement = frame('Q', cstring('CREATE TABLE smuggled (a int4)'));
    socket.end(
      Buffer.concat([
        startupPacket({ user: 'anna', database: 'millrace' }),
        initialResponse('SCRAM-SHA-256', client.first),
        statement,
      ]),
    );
    await new Promise((resolve) => socket.on('close', resolve).resume());
    expect(server.context.catalog.current.relation('public', 'smuggled')).toBeUndefined();
  });
});
