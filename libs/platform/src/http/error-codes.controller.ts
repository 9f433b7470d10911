import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { registeredErrors, registeredFieldCodes } from '#kernel';
import { Access } from '../security/index.js';
import { STATUS_OF_KIND } from './problem.js';

const STYLE = [
  'body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}',
  'td,th{padding:.3rem 1rem .3rem 0;text-align:left}:target{background:#ffd}',
].join('');

/** The page that the `type` of every problem points to. */
@ApiExcludeController()
@Controller('docs')
export class ErrorCodesController {
  @Access('public')
  @Get('errors')
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=300')
  errorCodes(): string {
    const rows = registeredErrors().map(
      ({ code, kind, title }) =>
        `<tr id="${code}"><td><code>${code}</code></td><td>${STATUS_OF_KIND[kind]}</td><td>${title}.</td></tr>`,
    );
    const fieldRows = registeredFieldCodes().map(
      ({ code, meaning }) => `<tr id="field-${code}"><td><code>${code}</code></td><td>${meaning}.</td></tr>`,
    );
    return [
      `<!doctype html><html lang="en"><title>Steelyard error codes</title><style>${STYLE}</style>`,
      '<h1>Error codes</h1><p>The <code>code</code> of a problem is stable. Branch on it, not on the text.</p>',
      `<table><tr><th>Code</th><th>Status</th><th>Meaning</th></tr>${rows.join('')}</table>`,
      '<h1>Field codes</h1><p>What the <code>code</code> of one of the <code>errors</code> of a problem may be, beside the above.</p>',
      `<table><tr><th>Code</th><th>Meaning</th></tr>${fieldRows.join('')}</table></html>`,
    ].join('');
  }
}
