/** A message to the client that is no error. */
export type Notice = Readonly<{
  severity: 'NOTICE' | 'WARNING';
  code: string;
  message: string;
  detail?: string | undefined;
  hint?: string | undefined;
}>;

export const warning = (code: string, message: string): Notice => ({ severity: 'WARNING', code, message });
