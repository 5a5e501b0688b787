import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    setupFiles: ['test/support/seeds.ts'],
    include: ['test/**/*.test.ts'],
    // files wait for servers to start more than they compute: two at a time also where there are two cores
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
