import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Settings } from '../config/index.js';
import { ProcessError } from './process-error.js';

const PORT_SETTINGS = ['PORT', 'MANAGEMENT_PORT', 'ADMIN_PORT'] as const;
type PortSetting = (typeof PORT_SETTINGS)[number];

/**
 * Runs `listen`, which listens on the port of `setting`.
 *
 * @throws ProcessError that names the setting to change, when the address cannot be had
 */
export async function listenOn<T>(
  setting: PortSetting,
  settings: Settings,
  listen: () => Promise<T>,
): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    throw explain(error, setting, settings);
  }
}

/**
 * Finds out before anything is started whether all ports can be had.
 *
 * @throws ProcessError that names the setting to change
 */
export async function requireFreePorts(settings: Settings): Promise<void> {
  for (const setting of PORT_SETTINGS) {
    if (settings[setting] === undefined) continue;
    await listenOn(setting, settings, async () => {
      const probe = createServer().listen({ host: settings.HOST, port: settings[setting] });
      await once(probe, 'listening');
      probe.close();
      await once(probe, 'close');
    });
  }
}

function explain(error: unknown, setting: PortSetting, settings: Settings): unknown {
  const { HOST: host, [setting]: port } = settings;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new ProcessError(
        `Port ${port} of ${host} is in use, perhaps by another Steelyard: stop that program, or set ${setting} to another port (0 picks a free one).`,
        { cause: error },
      );
    case 'EACCES':
      return new ProcessError(
        `This user may not listen on port ${port}: set ${setting} to 1024 or more (0 picks a free one).`,
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ProcessError(
        `${host} is no address of this machine: set HOST to one that is, such as 127.0.0.1 or 0.0.0.0.`,
        { cause: error },
      );
    default:
      return error;
  }
}
