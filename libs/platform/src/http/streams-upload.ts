import type { FastifyRequest } from 'fastify';
import { AddRouteConfig } from './route-config.js';

/** Marks a route that takes a file, as a form or as it is, and reads it as a stream. Every other route refuses one. */
export const StreamsUpload = () => AddRouteConfig({ streamsUpload: true });

/** Whether the route of `request` takes a file. */
export function streamsUpload(request: FastifyRequest): boolean {
  return (request.routeOptions.config as { streamsUpload?: boolean }).streamsUpload === true;
}
