import { ConfigurationError } from '#platform/config';
import { loadSimulatorSettings } from './settings.js';

describe('the settings', () => {
  it('have defaults, also where a variable is empty', () => {
    expect(loadSimulatorSettings({ PORT: ' ', SIM_WEBHOOK_URL: '' })).toEqual({
      HOST: '127.0.0.1',
      PORT: 12_111,
      SIM_WEBHOOK_SECRET: 'whsec_simulator',
      SIM_SEED: 1,
    });
  });

  it('are read from the environment', () => {
    const env = {
      HOST: '0.0.0.0',
      PORT: '0',
      SIM_WEBHOOK_URL: 'http://127.0.0.1:3000/api/v1/payment-webhooks/stripe',
      SIM_WEBHOOK_SECRET: 'whsec_1',
      SIM_SEED: '7',
    };
    expect(loadSimulatorSettings(env)).toEqual({ ...env, PORT: 0, SIM_SEED: 7 });
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', 'http'],
    ['SIM_WEBHOOK_URL', 'ftp://127.0.0.1'],
    ['SIM_WEBHOOK_URL', 'localhost'],
    ['SIM_SEED', '-1'],
  ])('refuse %s=%s and name it', (name, value) => {
    const load = () => loadSimulatorSettings({ [name]: value });
    expect(load).toThrow(ConfigurationError);
    expect(load).toThrow(name);
  });
});
