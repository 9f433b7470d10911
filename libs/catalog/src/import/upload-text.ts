import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { DomainError } from '#kernel';
import { catalogErrors } from '../domain/catalog.errors.js';

export const MAX_UPLOAD_BYTES = 268_435_456;
export const MAX_ROW_BYTES = 1_048_576;

const LINE_FEED = 0x0a;

/**
 * The text of an upload, piece by piece, without a byte order mark. Never holds more than one piece, so whatever
 * comes is bounded here: the whole, and each line of it.
 */
export class UploadText implements AsyncIterable<string> {
  private readonly hash = createHash('sha256');
  private sizeBytes = 0;
  private lineBytes = 0;

  constructor(private readonly content: Readable) {}

  /** Identifies the content, once all of it has been read. */
  digest(): string {
    return this.hash.digest('base64url');
  }

  /** @throws DomainError import_malformed, import_too_large, import_row_too_large */
  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    for await (const chunk of this.chunks()) {
      this.measure(chunk);
      this.hash.update(chunk);
      yield decode(() => decoder.decode(chunk, { stream: true }));
    }
    yield decode(() => decoder.decode());
  }

  private async *chunks(): AsyncGenerator<Buffer> {
    try {
      // Leaves the stream open when reading ends early: closing it would close the connection before the answer.
      yield* this.content.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    } catch (error) {
      const detail = 'The upload ended before it was complete.';
      throw new DomainError(catalogErrors.import_malformed, { detail, cause: error });
    }
  }

  private measure(chunk: Buffer): void {
    this.sizeBytes += chunk.length;
    if (this.sizeBytes > MAX_UPLOAD_BYTES) throw new DomainError(catalogErrors.import_too_large);
    // A piece from the network is far smaller than a row may be: only a line over several pieces can be too long.
    const firstBreak = chunk.indexOf(LINE_FEED);
    const lineBytes = this.lineBytes + (firstBreak === -1 ? chunk.length : firstBreak);
    if (lineBytes > MAX_ROW_BYTES) throw new DomainError(catalogErrors.import_row_too_large);
    this.lineBytes = firstBreak === -1 ? lineBytes : chunk.length - chunk.lastIndexOf(LINE_FEED) - 1;
  }
}

function decode(decoder: () => string): string {
  try {
    return decoder();
  } catch (error) {
    const detail = 'The file is not valid UTF-8.';
    throw new DomainError(catalogErrors.import_malformed, { detail, cause: error });
  }
}
