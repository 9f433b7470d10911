/** What is safe to write into a log about a call whose outcome nobody knows. */
interface Circumstances {
  /** HTTP status of the answer, when there was one. */
  readonly statusCode?: number | undefined;
  readonly code?: string | undefined;
  /** The gateway's name for the request, to ask its support about. */
  readonly requestId?: string | undefined;
  /** The gateway has received the request, keeps an error as its result, and will not carry it out any more. */
  readonly isKept?: boolean | undefined;
}

/**
 * The gateway has not said for certain what became of an operation. Carries no cause on purpose: the errors of
 * gateways hold card details and client secrets, and this one is logged.
 */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
  readonly statusCode: number | undefined;
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly isKept: boolean;

  constructor(message: string, { statusCode, code, requestId, isKept = false }: Circumstances = {}) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.requestId = requestId;
    this.isKept = isKept;
  }
}
