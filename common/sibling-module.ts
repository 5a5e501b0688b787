/** The module of this name beside the one that asks (`import.meta.url`): `.ts` where sources run as they are, `.js` where they were built. */
export const siblingModule = (asking: string, name: string): URL =>
  new URL(`./${name}${asking.endsWith('.ts') ? '.ts' : '.js'}`, asking);
