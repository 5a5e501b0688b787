/** Run when packages are installed: makes the start image of the system catalog beside them. */
import { INSTALLED_DIRECTORY, keepImage, startImage } from './start-image.ts';

if (INSTALLED_DIRECTORY !== null) {
  const { PGlite } = await import('@electric-sql/pglite');
  const { fresh } = await startImage(PGlite, INSTALLED_DIRECTORY, null);
  if (fresh !== null) await keepImage(INSTALLED_DIRECTORY, fresh);
}
