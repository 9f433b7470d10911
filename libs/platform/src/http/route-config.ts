import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';

/** What hooks read of the route of a request. */
interface RouteOptions {
  /** The body is kept as it came, byte for byte. */
  readonly keepsRawBody?: true;
  /** The body is a file, which is read as a stream. */
  readonly streamsUpload?: true;
  /** The calls count under this stricter limit. */
  readonly rateLimit?: 'login' | 'webhook';
  /** The policy leaves it to admins: it is answered by their port, where they have one. */
  readonly isForAdmins?: true;
}

/** Adds to what the other decorators of a route say to the hooks, where Nest's own would replace it. */
export function AddRouteConfig(options: RouteOptions): MethodDecorator {
  return (target, property, descriptor) => {
    const present = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, descriptor.value as object) as
      RouteOptions | undefined;
    RouteConfig({ ...present, ...options })(target, property, descriptor);
  };
}
