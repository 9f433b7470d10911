import type { ApiAnswer } from './api-client.js';
import type { Order } from './api-types.js';
import type { Session } from './session.js';

/** Reads an order, of a guest too. @param staff may see every order */
export function readOrder(staff: Session, id: string): Promise<ApiAnswer<Order>> {
  return staff.send<Order>((api, init) => {
    return api.GET('/api/v1/orders/{id}', { ...init, params: { path: { id } } });
  });
}
