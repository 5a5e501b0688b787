/** The outside failed: a file, a socket, a broker. `retry`: trying again may help. */
export class ExternalError extends Error {
  override readonly name = 'ExternalError';
  readonly retry: boolean;

  constructor(message: string, retry: boolean, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`${message}: ${reason}`, { cause });
    this.retry = retry;
  }
}
