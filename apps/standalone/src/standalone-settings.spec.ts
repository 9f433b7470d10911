import { ConfigurationError } from '#platform/config';
import { loadStandaloneSettings } from './standalone-settings.js';

describe('the settings of the embedded size', () => {
  it('need nothing: demo data, and a terminal for people', () => {
    expect(loadStandaloneSettings({})).toMatchObject({ DEMO_DATA: true, LOG_LEVEL: 'warn' });
  });

  it('bring no accounts with known passwords to where others reach them, unless somebody says so', () => {
    expect(loadStandaloneSettings({ HOST: '0.0.0.0' })).toMatchObject({ DEMO_DATA: false });
    expect(loadStandaloneSettings({ HOST: '0.0.0.0', DEMO_DATA: 'true' })).toMatchObject({ DEMO_DATA: true });
    expect(loadStandaloneSettings({ HOST: '::1' })).toMatchObject({ DEMO_DATA: true });
  });

  it('are what is set', () => {
    const env = { DEMO_DATA: 'false', LOG_LEVEL: 'info' };
    expect(loadStandaloneSettings(env)).toMatchObject({ DEMO_DATA: false, LOG_LEVEL: 'info' });
  });

  it('in production demand secrets, and bring no demo data', () => {
    expect(() => loadStandaloneSettings({ NODE_ENV: 'production' })).toThrow(
      new ConfigurationError([
        'APP_SECRET: is required here.',
        'SIGNING_KEYS: is required here.',
        'PAYMENT_GATEWAY: is required in production: by itself it is the sandbox, which takes no money.',
      ]),
    );
    expect(() => loadStandaloneSettings({ NODE_ENV: 'production', DEMO_DATA: 'true' })).toThrow(
      /DEMO_DATA: is refused in production/,
    );
  });
});
