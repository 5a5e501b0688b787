/** Rules from a file in pg_hba.conf's form; ConfigError names the line that can't be one. */
import { isIP } from 'node:net';
import { HBA_RULES_MAX } from '../../limits.ts';
import { ConfigError } from '../../settings/config-error.ts';
import { groupsOf } from '../peer-address.ts';
import { type HbaWord, readHbaLines } from './hba-line.ts';
import type { AddressPattern, HbaRule, NamePattern } from './hba-rule.ts';

const TRANSPORTS = ['local', 'host', 'hostssl', 'hostnossl'] as const;

/** md5 asks for SCRAM where that is what is kept of a password, as in PostgreSQL; nothing else is kept here. */
const METHODS: Readonly<Record<string, HbaRule['method']>> = {
  trust: 'trust',
  reject: 'reject',
  'scram-sha-256': 'scram-sha-256',
  md5: 'scram-sha-256',
};

export function parseHba(text: string, path: string): readonly HbaRule[] {
  const lines = readHbaLines(text, path);
  if (lines.length > HBA_RULES_MAX) throw new ConfigError(`${path} has more than ${HBA_RULES_MAX} rules`);
  return lines.map(({ number, fields }) => new LineParser(fields, `${path} line ${number}`).rule(number));
}

class LineParser {
  readonly #fields: readonly (readonly HbaWord[])[];
  readonly #where: string;
  #at = 0;

  constructor(fields: readonly (readonly HbaWord[])[], where: string) {
    this.#fields = fields;
    this.#where = where;
  }

  rule(line: number): HbaRule {
    const word = this.#single('connection type');
    const transport = TRANSPORTS.find((candidate) => candidate === word);
    if (transport === undefined) {
      throw this.#wrong(`invalid connection type "${word}"; it can be ${TRANSPORTS.join(', ')}`);
    }
    const databases = this.#list('database').map((name) => this.#database(name));
    const users = this.#list('user').map((name) => this.#user(name));
    const address: AddressPattern = transport === 'local' ? { kind: 'all' } : this.#address();
    const method = this.#method();
    const option = this.#fields[this.#at]?.[0];
    if (option !== undefined) throw this.#wrong(`authentication option "${option.text}" is not supported`);
    return { line, transport, databases, users, address, method };
  }

  #wrong(message: string): ConfigError {
    return new ConfigError(`${this.#where}: ${message}`);
  }

  #list(what: string): readonly HbaWord[] {
    const field = this.#fields[this.#at++];
    if (field === undefined) throw this.#wrong(`the line ends before the ${what}`);
    return field;
  }

  #single(what: string): string {
    const [word, ...more] = this.#list(what);
    if (word === undefined || more.length > 0) throw this.#wrong(`multiple values given for the ${what}`);
    return word.text;
  }

  #database({ text, quoted }: HbaWord): NamePattern {
    if (quoted) return { kind: 'name', name: text };
    if (text === 'all') return { kind: 'all' };
    if (text === 'sameuser') return { kind: 'same-user' };
    return this.#name(text);
  }

  #user({ text, quoted }: HbaWord): NamePattern {
    if (quoted) return { kind: 'name', name: text };
    if (text === 'all') return { kind: 'all' };
    return text.startsWith('+') ? { kind: 'member', role: text.slice(1) } : this.#name(text);
  }

  #name(text: string): NamePattern {
    if (text.startsWith('/')) throw this.#wrong(`regular expressions such as ${text} are not supported`);
    if (text.startsWith('@')) throw this.#wrong(`files of names such as ${text} are not supported`);
    return { kind: 'name', name: text };
  }

  #address(): AddressPattern {
    const text = this.#single('address');
    if (text === 'all') return { kind: 'all' };
    if (text === 'samehost' || text === 'samenet') return { kind: 'own', networks: text === 'samenet' };
    const [address = '', bits, ...more] = text.split('/');
    const version = isIP(address);
    if (version === 0 || more.length > 0) {
      throw this.#wrong(`"${text}" is no address; names of hosts are not supported`);
    }
    const most = version === 4 ? 32 : 128;
    if (bits === undefined) return { kind: 'network', address, prefixBits: this.#mask(version, most) };
    if (!/^\d{1,3}$/.test(bits) || Number(bits) > most)
      throw this.#wrong(`invalid CIDR mask in address "${text}"`);
    return { kind: 'network', address, prefixBits: Number(bits) };
  }

  /** The mask of an address without bits stands in a field of its own: 255.255.0.0. */
  #mask(version: number, most: number): number {
    const text = this.#single('mask of the address');
    if (isIP(text) !== version)
      throw this.#wrong(`invalid IP mask "${text}": it, or /bits, must follow the address`);
    const bits = maskBits(text, version);
    const length = bits.indexOf('0');
    if (length >= 0 && bits.includes('1', length)) throw this.#wrong(`invalid IP mask "${text}"`);
    return length < 0 ? most : length;
  }

  #method(): HbaRule['method'] {
    const word = this.#single('authentication method');
    const method = METHODS[word];
    if (method === undefined) {
      throw this.#wrong(`invalid authentication method "${word}"; it can be trust, reject, scram-sha-256`);
    }
    return method;
  }
}

/** A mask as a text of 0s and 1s. */
function maskBits(text: string, version: number): string {
  if (version === 4) {
    return text
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  }
  return groupsOf(text)
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('');
}
