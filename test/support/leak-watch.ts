/** Looks for texts that nobody may see, in whatever a server wrote or said: as they are, in hexadecimal digits, in base64. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Base64 of a text that stands somewhere in the midst of others: its first and last characters depend on what is beside it. */
function base64Cores(text: string): readonly string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]).toString('base64');
    return encoded.slice(before === 0 ? 0 : 4, -4);
  });
}

export class LeakWatch {
  /** What to look for, by the text that it stands for. */
  readonly #needles = new Map<string, string>();
  readonly #found = new Set<string>();

  constructor(texts: readonly string[]) {
    for (const text of texts) this.hide(text);
  }

  hide(text: string): void {
    this.#needles.set(text, text);
    const hexadecimal = Buffer.from(text).toString('hex');
    for (const form of [hexadecimal, hexadecimal.toUpperCase(), ...base64Cores(text)])
      this.#needles.set(form, text);
  }

  /** Where which of them was seen. */
  get found(): readonly string[] {
    return [...this.#found];
  }

  look(place: string, content: string | Uint8Array): void {
    const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
    for (const [needle, of] of this.#needles) if (text.includes(needle)) this.#found.add(`${of} in ${place}`);
  }

  /** Every file below, names of files too. */
  async lookBelow(directory: string): Promise<number> {
    let files = 0;
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      this.look('the name of a file', path);
      if (!entry.isFile()) continue;
      this.look(path, await readFile(path));
      files++;
    }
    return files;
  }
}
