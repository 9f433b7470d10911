/** When the operation was created, in milliseconds since 1970: a UUIDv7 begins with it. */
export function createdAt(operationId: string): number {
  return Number.parseInt(operationId.replaceAll('-', '').slice(0, 12), 16);
}
