import { createCache } from 'cache-manager';
import type { Database } from '#platform/database';
import type { EventBus } from '#platform/messaging';
import { ProductCache, type TaggedProduct } from './product-cache.js';

const ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10';

function product(version: number): TaggedProduct {
  const view = {
    id: ID,
    sku: 'MUG',
    name: 'Mug',
    description: null,
    price: { amount: 100, currency: 'GBP' as const },
    active: true,
    availability: 'in_stock' as const,
    version,
    createdAt: '2026-11-20T12:00:00.000Z',
    updatedAt: '2026-11-20T12:00:00.000Z',
  };
  return { view, etag: `"${version}.0"` };
}

/** The bus only hears of the cache when a module starts, and none does here. */
const cacheOfProducts = () =>
  new ProductCache(createCache(), undefined as unknown as EventBus, undefined as unknown as Database);

describe('the cache of products', () => {
  it('does not keep what a change has overtaken while it was loaded', async () => {
    const cache = cacheOfProducts();
    const load = Promise.withResolvers<TaggedProduct>();
    const reading = cache.get(ID, () => load.promise);
    // By now the product is being loaded; then somebody changes it.
    await new Promise(setImmediate);
    await cache.evict(ID);
    load.resolve(product(1));
    expect(await reading).toEqual(product(1));
    expect(await cache.get(ID, () => Promise.resolve(product(2)))).toEqual(product(2));
    expect(await cache.get(ID, () => Promise.reject(new Error('it is cached')))).toEqual(product(2));
  });

  it('has whoever asks after a change load again, not wait for the load before it', async () => {
    const cache = cacheOfProducts();
    const slow = Promise.withResolvers<TaggedProduct>();
    const before = cache.get(ID, () => slow.promise);
    await new Promise(setImmediate);
    await cache.evict(ID);
    expect(await cache.get(ID, () => Promise.resolve(product(2)))).toEqual(product(2));
    slow.resolve(product(1));
    expect(await before).toEqual(product(1));
    expect(await cache.get(ID, () => Promise.reject(new Error('it is cached')))).toEqual(product(2));
  });

  it('remembers neither a failure nor that there was nothing', async () => {
    const cache = cacheOfProducts();
    await expect(cache.get(ID, () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await cache.get(ID, () => Promise.resolve(undefined))).toBeUndefined();
    expect(await cache.get(ID, () => Promise.resolve(product(1)))).toEqual(product(1));
  });
});
