/** Bearer tokens: 256 random bits behind a prefix by which scanners of source code know them; only the hash is kept. */
import { createHash, randomBytes } from 'node:crypto';

const PREFIX = 'mr_';
const TOKEN_BYTES = 32;

export const newToken = (): string => PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');

export const isToken = (text: string): boolean => text.startsWith(PREFIX);

/** A slow hash is for what people can guess: nobody guesses 256 bits. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');
