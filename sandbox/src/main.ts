/** `npm run sandbox`: the providers' APIs on loopback, until SIGINT or SIGTERM. */
import { ConfigurationError, loadConfig } from '@leadwell/shared/config/config';
import { createSandbox } from './sandbox';

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const sandbox = createSandbox({ pace: config.sandboxPace });
  const port = await sandbox.listen(config.sandboxPort);
  console.log(
    `Sandbox on http://127.0.0.1:${port}, limits × ${config.sandboxPace}. Its answers are invented.`,
  );
  const stop = (): void => void sandbox.close().then(() => process.exit(0));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

main().catch((error: unknown) => {
  const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  if (isTaken)
    console.error(`${(error as Error).message}. Stop what listens there, or set another SANDBOX_PORT.`);
  else console.error(error instanceof ConfigurationError ? error.message : error);
  process.exit(1);
});
