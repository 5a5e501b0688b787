/** The browser that tests of the page run in, where it is installed; it asks nobody else for anything. */
export const CHROMIUM = process.env['MILLRACE_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

export const CHROMIUM_FLAGS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
