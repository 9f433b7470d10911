/** Remembers which methods each address knows, to tell a wrong method from a wrong address. */
export class KnownMethods {
  private readonly routes = new Map<string, { readonly address: RegExp; readonly methods: Set<string> }>();

  /** `url` is a route template: `/orders/:id`. */
  add(url: string, methods: string | readonly string[]): void {
    // What answers everywhere, a browser's question before a call, makes no address known.
    if (url === '*') return;
    const route = this.routes.get(url) ?? { address: addressPattern(url), methods: new Set() };
    this.routes.set(url, route);
    for (const method of [methods].flat()) route.methods.add(method);
  }

  /** The methods that the address knows, sorted; none where there is nothing at all. */
  of(path: string): string[] {
    const matching = [...this.routes.values()].filter(({ address }) => address.test(path));
    return [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort();
  }
}

function addressPattern(url: string): RegExp {
  const pattern = url
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/:[^/]+/g, '[^/]+')
    .replaceAll('*', '.*');
  return new RegExp(`^${pattern}$`);
}
