import { uuidToBytes } from '#kernel';

/** When the operation was created, in milliseconds since 1970: a UUIDv7 begins with it. */
export function createdAt(operationId: string): number {
  return uuidToBytes(operationId).readUIntBE(0, 6);
}
