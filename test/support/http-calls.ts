/** Requests to a test server, and their answers. */
export type Answer = Readonly<{ status: number; headers: Headers; body: unknown; text: string }>;

type Headed = Record<string, string>;

/** `url`: asked for at each call, for the server may not have started yet. */
export function httpCalls(url: () => string) {
  async function call(path: string, options: RequestInit = {}): Promise<Answer> {
    const response = await fetch(url() + path, options);
    const text = await response.text();
    const isJson = response.headers.get('content-type') === 'application/json';
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : null,
      text,
    };
  }
  const query = (sql: string, params?: readonly unknown[], headers: Headed = {}): Promise<Answer> =>
    call('/query', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(params === undefined ? { sql } : { sql, params }),
    });
  /** Rows for the stream tweets. */
  const post = (body: string | Buffer, type: string, headers: Headed = {}): Promise<Answer> =>
    call('/streams/tweets', {
      method: 'POST',
      headers: { 'content-type': type, ...headers },
      body: body as string,
    });
  return { call, query, post };
}
