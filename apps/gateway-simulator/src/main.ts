import { ProcessError, runProcess } from '#platform/process';
import { createGatewaySimulator } from './create-gateway-simulator.js';
import { loadSimulatorSettings } from './settings.js';

/** The gateway simulator, alone: for front-end teams, and for tests that break things on purpose. */
await runProcess(async (parts) => {
  const settings = loadSimulatorSettings(process.env);
  const gateway = createGatewaySimulator(settings);
  parts.defer(() => gateway.close());
  const url = await gateway.listen().catch((cause: unknown) => {
    throw new ProcessError(
      `The simulator cannot listen on port ${settings.PORT} of ${settings.HOST} (${(cause as Error).message}): set PORT or HOST.`,
      { cause },
    );
  });
  console.log(
    `The gateway simulator listens on ${url}. Webhooks go to ${settings.SIM_WEBHOOK_URL ?? 'nobody'}.`,
  );
});
