import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ACCESS_RULE, type AccessRule } from '#platform/security';

export interface Route {
  /** Method and address below the prefix of the API: `GET /orders/:id`. */
  readonly name: string;
  readonly access: AccessRule | undefined;
}

/** Every route of every controller that the application has, with the access rule it declares. */
export function routesOf(app: NestFastifyApplication): Route[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [
    ...module.controllers.values(),
  ]);
  return controllers.flatMap(({ metatype }) => {
    const type = metatype as { prototype: object };
    const prefix = Reflect.getMetadata(PATH_METADATA, type) as string;
    return Object.getOwnPropertyNames(type.prototype).flatMap((property) => {
      const handler = Object.getOwnPropertyDescriptor(type.prototype, property)?.value as object;
      const path = Reflect.getMetadata(PATH_METADATA, handler) as string | undefined;
      const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as number];
      // The constructor has a path, the prefix, and is no route.
      if (path === undefined || method === undefined) return [];
      const address = [prefix, path]
        .map((part) => part.replace(/^\/|\/$/g, ''))
        .filter((part) => part !== '');
      const access =
        (Reflect.getMetadata(ACCESS_RULE, handler) as AccessRule | undefined) ??
        (Reflect.getMetadata(ACCESS_RULE, type) as AccessRule | undefined);
      return [{ name: `${method} /${address.join('/')}`, access }];
    });
  });
}
