/** What HTTP reads of its clients. */
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { parameterText, parseExactJson } from '../../server/http/exact-json.ts';
import { requestGuard } from '../../server/http/request-guard.ts';

describe('JSON of clients', () => {
  it('keeps the digits of numbers', () => {
    const value = parseExactJson('{"a":[9007199254740993,1.10,1e2,5,-0.1,"x",null,true]}') as {
      a: unknown[];
    };
    expect(JSON.stringify(value)).toBe('{"a":[9007199254740993,1.10,1e2,5,-0.1,"x",null,true]}');
    expect(value.a.map(parameterText)).toEqual([
      '9007199254740993',
      '1.10',
      '1e2',
      '5',
      '-0.1',
      'x',
      null,
      'true',
    ]);
    expect(parameterText([['a"b', null], [1]])).toBe('{{"a\\"b",NULL},{"1"}}');
    expect(parameterText({ a: 1 })).toBe('{"a":1}');
    expect(() => parseExactJson('{')).toThrow(expect.objectContaining({ code: '22P02' }));
  });
});

describe('requestGuard', () => {
  const request = (headers: Record<string, string>): IncomingMessage =>
    ({
      headers,
      headersDistinct: { host: headers['host']?.split(' + ') },
      socket: { localAddress: '::ffff:10.0.0.7' },
    }) as unknown as IncomingMessage;

  it.each([
    // twice: the first is what headers has, and others on the way may have read the second
    [{ host: 'localhost + evil.example' }, false],
    [{ host: 'localhost + localhost' }, false],
    [{ host: '127.0.0.1:8080' }, true],
    [{ host: 'localhost' }, true],
    [{ host: '[::1]:8080' }, true],
    [{ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' }, true],
    [{ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:9999' }, false],
    [{ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080.evil.example' }, false],
    [{ host: 'localhost', 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }, true],
    [{ host: 'localhost', 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, true],
    [{ host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, false],
    [{ host: 'localhost', 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }, false],
    [{ host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, false],
    [{ host: 'evil.example:8080' }, false],
    [{ host: '10.0.0.1' }, false],
    [{ host: '10.0.0.7:8080' }, true],
    [{ host: '10.0.0.7:8080', origin: 'http://10.0.0.1:8080' }, false],
    [{ host: 'localhost:80@evil.example' }, false],
    [{}, false],
  ])('%j: %s', (headers, allowed) => {
    expect(requestGuard('127.0.0.1', false)(request(headers as Record<string, string>))).toBe(allowed);
  });

  it('lets a link of another site lead to the start page, and nowhere else', () => {
    const headers = { host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    const guard = requestGuard('127.0.0.1', false);
    const follow = (url: string, method = 'GET'): boolean =>
      guard({ ...request(headers), url, method } as unknown as IncomingMessage);
    expect([follow('/'), follow('/', 'POST'), follow('/live?sql=SELECT+1')]).toEqual([true, false, false]);
  });

  it('takes any address where the server is open', () => {
    const guard = requestGuard('0.0.0.0', true);
    expect([guard(request({ host: '10.0.0.1:8080' })), guard(request({ host: 'evil.example' }))]).toEqual([
      true,
      false,
    ]);
  });
});
