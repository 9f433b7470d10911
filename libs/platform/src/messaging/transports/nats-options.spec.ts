import { natsOptions } from './nats-options.js';

describe('a URL of NATS', () => {
  it.each([
    ['nats://nats:4222', { servers: ['nats:4222'] }],
    ['nats://nats', { servers: ['nats'] }],
    ['tls://nats.example.com:4222', { servers: ['nats.example.com:4222'], tls: {} }],
    ['nats://shop:secret@nats:4222', { servers: ['nats:4222'], user: 'shop', pass: 'secret' }],
    [
      'nats://shop%40eu:pa%3Ass%2Cword@nats:4222',
      { servers: ['nats:4222'], user: 'shop@eu', pass: 'pa:ss,word' },
    ],
    ['nats://t%2Fken@nats:4222', { servers: ['nats:4222'], token: 't/ken' }],
    ['tls://shop:secret@nats:4222', { servers: ['nats:4222'], tls: {}, user: 'shop', pass: 'secret' }],
  ])('%s says where it is, who we are, and whether to speak TLS', (url, options) => {
    expect(natsOptions([url])).toEqual(options);
  });

  it('is the first of several that says who we are, and any of them that speaks TLS has all speak it', () => {
    expect(natsOptions(['nats://shop:secret@a:4222', 'tls://other@b:4222'])).toEqual({
      servers: ['a:4222', 'b:4222'],
      tls: {},
      user: 'shop',
      pass: 'secret',
    });
  });
});
