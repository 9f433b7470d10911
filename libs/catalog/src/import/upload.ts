import { Readable } from 'node:stream';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { MultipartFile } from '@fastify/multipart';
import { DomainError } from '#kernel';
import { httpErrors, streamsUpload } from '#platform/http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { catalogErrors } from '../domain/catalog.errors.js';
import { MAX_UPLOAD_BYTES } from './upload-text.js';

export type UploadFormat = 'csv' | 'ndjson';

/** A file on its way in. */
export interface Upload {
  readonly format: UploadFormat;
  readonly content: Readable;
}

const FORMATS: Readonly<Record<string, UploadFormat>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
};

/** Browsers know few types of files; then the name of the file has to tell. */
const FORMATS_BY_EXTENSION: Readonly<Record<string, UploadFormat>> = {
  csv: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
};

/** Has Fastify hand over CSV and NDJSON bodies as streams instead of refusing or collecting them. */
@Injectable()
export class UploadParsers implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    // A worker has the module and no HTTP server.
    const adapter = this.host.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    const fastify = adapter?.getInstance<FastifyInstance>();
    fastify?.addContentTypeParser(Object.keys(FORMATS), (request, payload, done) => {
      if (streamsUpload(request)) done(null, payload);
      else done(new DomainError(httpErrors.unsupported_media_type));
    });
  }
}

/**
 * The one file of a request: its body, or the file of its form.
 *
 * @throws DomainError unsupported_media_type, import_malformed
 */
export async function openUpload(request: FastifyRequest): Promise<Upload> {
  if (request.isMultipart()) return openForm(request);
  const format = FORMATS[mediaType(request.headers['content-type'])];
  if (!format || !(request.body instanceof Readable)) {
    throw new DomainError(httpErrors.unsupported_media_type);
  }
  return { format, content: request.body };
}

async function openForm(request: FastifyRequest): Promise<Upload> {
  const file = await firstFile(request);
  if (!file) throw new DomainError(catalogErrors.import_malformed, { detail: 'The form holds no file.' });
  const extension = file.filename.split('.').at(-1)?.toLowerCase() ?? '';
  const format = FORMATS[mediaType(file.mimetype)] ?? FORMATS_BY_EXTENSION[extension];
  if (!format) {
    file.file.resume();
    throw new DomainError(httpErrors.unsupported_media_type);
  }
  return { format, content: file.file };
}

async function firstFile(request: FastifyRequest): Promise<MultipartFile | undefined> {
  try {
    // One byte above the limit, so that a file of that size is seen to be too large rather than cut off.
    return await request.file({ limits: { fileSize: MAX_UPLOAD_BYTES + 1 } });
  } catch (error) {
    throw new DomainError(catalogErrors.import_malformed, {
      detail: 'The form cannot be read.',
      cause: error,
    });
  }
}

function mediaType(contentType: string | undefined): string {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
