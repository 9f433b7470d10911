import { KnownMethods } from './known-methods.js';

describe('the methods that an address knows', () => {
  const known = new KnownMethods();
  known.add('/api/v1/orders', ['GET', 'HEAD']);
  known.add('/api/v1/orders', 'POST');
  known.add('/api/v1/orders/:id', 'GET');
  known.add('/api/v1/orders/quote', 'POST');
  known.add('/.well-known/jwks.json', 'GET');
  known.add('/api/docs/*', 'GET');

  it.each([
    ['/api/v1/orders', ['GET', 'HEAD', 'POST']],
    ['/api/v1/orders/0197', ['GET']],
    ['/api/v1/orders/quote', ['GET', 'POST']],
    ['/api/v1/orders/0197/nothing', []],
    ['/api/v1/orders/', []],
    ['/xwell-known/jwks.json', []],
    ['/.well-known/jwksXjson', []],
    ['/api/docs/swagger-ui.css', ['GET']],
    ['/', []],
  ])('%s: %j', (path, methods) => {
    expect(known.of(path)).toEqual(methods);
  });
});
