/** SCRAM on the wire: AuthenticationSASL, the client's two messages, and our answers to them. */
import { SqlError } from '../../common/sql-error.ts';
import type { ScramExchange } from '../auth/scram-exchange.ts';
import { writeAuthenticationSasl, writeAuthenticationSaslData } from './backend-messages.ts';
import { MessageReader } from './message-reader.ts';
import type { WireInput } from './wire-input.ts';
import type { WireOutput } from './wire-output.ts';

/**
 * Whether the client has shown that it knows the password: `right`, `wrong`, `throttled` where nobody looked, or `gone`
 * where it left; what remains to be said is `answer`.
 */
export type ScramResult =
  | Readonly<{ kind: 'right'; answer: string }>
  | Readonly<{ kind: 'wrong' }>
  | Readonly<{ kind: 'throttled' }>
  | Readonly<{ kind: 'gone' }>;

/** `waitTurn`: before the proof is judged. */
export async function scramLogin(
  exchange: ScramExchange,
  input: WireInput,
  output: WireOutput,
  waitTurn: () => Promise<boolean>,
): Promise<ScramResult> {
  writeAuthenticationSasl(output.writer, exchange.mechanisms);
  output.flush();
  const first = await input.nextPassword();
  if (first === null) return { kind: 'gone' };
  const { mechanism, data } = readInitialResponse(first);
  writeAuthenticationSaslData(output.writer, 'continue', exchange.begin(mechanism, data));
  output.flush();
  const second = await input.nextPassword();
  if (second === null) return { kind: 'gone' };
  if (!(await waitTurn())) return { kind: 'throttled' };
  const answer = exchange.finish(second);
  return answer === null ? { kind: 'wrong' } : { kind: 'right', answer };
}

/** Mechanism as a string, int32 length (-1: none), data. */
function readInitialResponse(message: Buffer): Readonly<{ mechanism: string; data: Buffer }> {
  const reader = new MessageReader(message);
  const mechanism = reader.cstring();
  const length = reader.int32();
  if (length !== reader.remaining) {
    throw new SqlError('08P01', 'invalid SASL initial response');
  }
  return { mechanism, data: reader.rest() };
}
